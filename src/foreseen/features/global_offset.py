"""How far above the usual everybody rates at a moment: the level, tracked across users.

When half stars come in or everybody turns kinder, the mean of a movie over all time follows
slowly. So every rating's residual, less what the same user did before and less what is usual of
users as well known, is an observation of the level; the user's own deviation is a random effect.
Observations are weighted by what they tell of the level, not by their number: the more somebody
has rated of late, the less one more tells, so that one person's mood does not count as the
world's. The weighted mean forgets exponentially. What chance could bring about is taken out by the
non-negative garrote (Breiman, 1995): where nothing moves the level is zero.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.user_statistics import SESSION_GAP

_MEMORY: Final = 100.0
"""Information, in ratings, after which an observation keeps 1/e of its weight. A newcomer's first
session brings 3.3 at most, however long it is, one of somebody long known at most 20."""
_BETWEEN: Final = 0.05
"""Variance of a user's mood from time to time, in that of a rating."""
_PRIOR: Final = 4.0
"""Ratings that pull a user's own mean to everybody's: one over the variance between users."""
_KINDS: Final = 8
"""Kinds of users by how much they have rated: 0, 1 or 2, 3 to 6, and so on, doubling."""
_USUAL_DAMPING: Final = 5.0
_ERRORS: Final = 3.0
"""Standard errors up to which a level counts for nothing."""


@dataclass(frozen=True)
class Level:
    """The level as of every rating of a log; E ratings.

    Attributes:
        times: Timestamps, ascending, of shape E.
        levels: Before any rating, zero, and just after each, in stars, of shape E + 1.
    """

    times: NDArray[np.int64]
    levels: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        count: int,
        user: NDArray[np.int32],
        residual: NDArray[np.float64],
        timestamp: NDArray[np.int64],
    ) -> Self:
        """Track the level through a log in time order.

        Args:
            count: Number of users.
            user: Rows of users, of shape E, each below `count`.
            residual: Rating less what the movie was worth just before it, in stars, of shape E.
            timestamp: Seconds, of shape E.
        """
        return cls(timestamp, _track(count, user, residual, timestamp))

    def before(self, moment: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the level just before each of N moments, in stars; zero before any rating."""
        return self.levels[np.searchsorted(self.times, moment)]


@compiled
def _track(
    count: int,
    user: NDArray[np.int32],
    residual: NDArray[np.float64],
    times: NDArray[np.int64],
) -> NDArray[np.float64]:
    levels = np.zeros(len(user) + 1)
    own_sum, own_count = np.zeros(count), np.zeros(count)
    base, base_count = np.zeros(count), np.zeros(count)
    recent, seen = np.zeros(count), np.zeros(count)
    last = np.zeros(count, np.int64)
    usual_sum, usual_weight = np.zeros(_KINDS), np.zeros(_KINDS)
    total, weight, squares, clock = 0.0, 0.0, 0.0, 0.0
    spread, spread_count = 10.0, 10.0
    level = 0.0
    for n in range(len(user)):
        who = user[n]
        if own_count[who] == 0 or times[n] - last[who] > SESSION_GAP:
            base[who] = own_sum[who] / (own_count[who] + _PRIOR)
            base_count[who] = own_count[who]
        last[who] = times[n]
        # What one more rating of theirs tells, beside those that have not been forgotten.
        effect = _BETWEEN + 1 / (base_count[who] + _PRIOR)
        known = recent[who] * np.exp((seen[who] - clock) / _MEMORY)
        gain = 1 / (1 / (known + 1) + effect)
        if known > 0:
            gain -= 1 / (1 / known + effect)
        recent[who], seen[who] = known + 1, clock
        surprise = residual[n] - base[who]
        kind = min(int(np.log2(own_count[who] + 1)), _KINDS - 1)
        observed = surprise - usual_sum[kind] / (usual_weight[kind] + _USUAL_DAMPING)
        usual_sum[kind] += gain * surprise
        usual_weight[kind] += gain
        # Users are judged by the level of their time, the level is not to be in both.
        own_sum[who] += residual[n] - level
        own_count[who] += 1
        spread += surprise**2 / (1 + effect)
        spread_count += 1
        kept = np.exp(-gain / _MEMORY)
        clock += gain
        total = total * kept + gain * observed
        weight = weight * kept + gain
        squares = squares * kept**2 + gain
        mean = total / weight
        noise = spread / spread_count * squares / weight**2
        level = mean * max(1 - _ERRORS**2 * noise / max(mean**2, 1e-12), 0)
        levels[n + 1] = level
    return levels
