"""The global offset: how far all users together rate above what is usual, as of any moment.

When half stars are introduced or users in general become more generous, the mean of a movie over
all time follows slowly. Each rating's residual, less the user's mean residual in earlier sessions
and less the usual residual of users with as many ratings, is an observation of the offset; the
deviation of the user is a random effect. Observations are weighted by their information about
the offset: each further rating of the same user adds less, so that one user's bias is not taken
for a global change. The weighted mean forgets exponentially. Offsets within the range of chance
are shrunk to zero by the non-negative garrote (Breiman, 1995).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.user_statistics import SESSION_GAP

_MEMORY: Final = 100.0
"""Information, in ratings, after which an observation keeps 1/e of its weight. The first session
of a new user adds at most 3.3, a session of a user with a long history at most 20."""
_BETWEEN: Final = 0.05
"""Variance of a user's bias between sessions, relative to that of a rating."""
_PRIOR: Final = 4.0
"""Prior weight of the mean over users, in ratings: one over the variance between users."""
_CLASSES: Final = 8
"""Classes of users by number of ratings: 0, 1 to 2, 3 to 6, and so on, doubling."""
_USUAL_DAMPING: Final = 5.0
_ERRORS: Final = 3.0
"""Standard errors up to which the offset is set to zero."""


@dataclass(frozen=True)
class GlobalOffset:
    """The global offset as of every rating of a log; E ratings.

    Attributes:
        times: Timestamps, ascending, of shape E.
        offsets: Zero before the first rating, then just after each, in stars, of shape E + 1.
    """

    times: NDArray[np.int64]
    offsets: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        count: int,
        user: NDArray[np.int32],
        residual: NDArray[np.float64],
        timestamp: NDArray[np.int64],
    ) -> Self:
        """Compute the offset through a log in time order.

        Args:
            count: Number of users.
            user: Rows of users, of shape E, each below `count`.
            residual: Rating less the damped mean of the movie just before it, in stars, of shape E.
            timestamp: Seconds, of shape E.
        """
        return cls(timestamp, _track(count, user, residual, timestamp))

    def before(self, moment: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the offset just before each of N moments, in stars; zero before any rating."""
        return self.offsets[np.searchsorted(self.times, moment)]


@compiled
def _track(
    count: int,
    user: NDArray[np.int32],
    residual: NDArray[np.float64],
    times: NDArray[np.int64],
) -> NDArray[np.float64]:
    offsets = np.zeros(len(user) + 1)
    user_sum, user_count = np.zeros(count), np.zeros(count)
    base, base_count = np.zeros(count), np.zeros(count)
    recent, seen = np.zeros(count), np.zeros(count)
    last = np.zeros(count, np.int64)
    usual_sum, usual_weight = np.zeros(_CLASSES), np.zeros(_CLASSES)
    total, weight, squares, clock = 0.0, 0.0, 0.0, 0.0
    spread, spread_count = 10.0, 10.0
    offset = 0.0
    for n in range(len(user)):
        u = user[n]
        if user_count[u] == 0 or times[n] - last[u] > SESSION_GAP:
            base[u] = user_sum[u] / (user_count[u] + _PRIOR)
            base_count[u] = user_count[u]
        last[u] = times[n]
        # Information that this rating adds to the user's ratings that are not forgotten yet.
        effect = _BETWEEN + 1 / (base_count[u] + _PRIOR)
        known = recent[u] * np.exp((seen[u] - clock) / _MEMORY)
        gain = 1 / (1 / (known + 1) + effect)
        if known > 0:
            gain -= 1 / (1 / known + effect)
        recent[u], seen[u] = known + 1, clock
        deviation = residual[n] - base[u]
        activity = min(int(np.log2(user_count[u] + 1)), _CLASSES - 1)
        observed = deviation - usual_sum[activity] / (usual_weight[activity] + _USUAL_DAMPING)
        usual_sum[activity] += gain * deviation
        usual_weight[activity] += gain
        # User means exclude the offset, so that it is not counted twice.
        user_sum[u] += residual[n] - offset
        user_count[u] += 1
        spread += deviation**2 / (1 + effect)
        spread_count += 1
        kept = np.exp(-gain / _MEMORY)
        clock += gain
        total = total * kept + gain * observed
        weight = weight * kept + gain
        squares = squares * kept**2 + gain
        mean = total / weight
        noise = spread / spread_count * squares / weight**2
        offset = mean * max(1 - _ERRORS**2 * noise / max(mean**2, 1e-12), 0)
        offsets[n + 1] = offset
    return offsets
