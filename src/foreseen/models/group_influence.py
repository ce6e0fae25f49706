"""How far a coordinated group of accounts can have raised the prediction of a movie.

In a profile injection attack, accounts are created to give one movie the highest rating (Mobasher,
Burke, Bhaumik and Williams, 2007). A damped mean of few ratings moves most. Rankings by rating
therefore subtract what the most favourable raters of each movie add to its mean, as many as a
stated share of all users. Whichever raters are fake, and however they rate other movies, the rest
of the mean is that of the other users.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cache import LRUCache
from foreseen.compute.jit import compiled
from foreseen.features.interaction_log import MOVIE_DAMPING, InteractionLog

GROUP_SHARE: Final = 0.01
"""Share of the users that a group may have, rounded up to whole users."""


class GroupInfluence:
    """The influence of the most favourable raters on each movie of a log."""

    def __init__(self, log: InteractionLog) -> None:
        """Sort the ratings of each movie, the highest net of user biases first."""
        self._times = log.timestamp
        histories = log.histories
        first = histories.times[histories.starts[:-1][np.diff(histories.starts) > 0]]
        self._first_ratings = np.sort(first)
        statistics = log.movies
        self._starts = statistics.starts
        movie = np.repeat(np.arange(len(self._starts) - 1), np.diff(self._starts))
        order = np.lexsort((statistics.times, -statistics.offsets, movie))
        self._offsets, self._moments = statistics.offsets[order], statistics.times[order]
        self._cache: LRUCache[int, NDArray[np.float64]] = LRUCache(1)

    def before(self, before: int) -> NDArray[np.float64]:
        """Return the part of each movie's damped mean that a group can have added, of shape C.

        In stars, from 0. Only ratings strictly older than the second `before` count.
        """
        # Moments with the same ratings before them share the result.
        known = int(np.searchsorted(self._times, before))
        return self._cache.get_or_compute(known, lambda: self._compute(before))

    def _compute(self, before: int) -> NDArray[np.float64]:
        users = int(np.searchsorted(self._first_ratings, before))
        size = int(np.ceil(GROUP_SHARE * users))
        return _influence(self._starts, self._offsets, self._moments, before, size, MOVIE_DAMPING)


@compiled
def _influence(
    starts: NDArray[np.int64],
    offsets: NDArray[np.float64],
    moments: NDArray[np.int64],
    before: int,
    size: int,
    damping: float,
) -> NDArray[np.float64]:
    found = np.zeros(len(starts) - 1)
    for movie in range(len(starts) - 1):
        count, total = 0, 0.0
        members, added = 0, 0.0
        for row in range(starts[movie], starts[movie + 1]):
            if moments[row] >= before:
                continue
            count += 1
            total += offsets[row]
            if members < size:
                members += 1
                added += offsets[row]
        rest = (total - added) / (count - members + damping)
        found[movie] = max(total / (count + damping) - rest, 0.0)
    return found
