"""What is known of a movie at any moment: how it was rated before, how often, how lately.

The ratings are laid out movie by movie in time order, and beside each rating stands the movie's
state just after it. The state at a moment is then the last one before it: a binary search.
Nothing of one movie enters another's state and nothing later enters an earlier state, so the
past's numbers are the same, to the bit, whatever the future holds.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

DAY: Final = 86_400.0
(
    COUNT,
    TOTAL,
    SQUARES,
    OFFSETS,
    RECENT_COUNT,
    RECENT_OFFSETS,
    POPULARITY,
    FASHION,
    LIKED,
    RECENT_LIKED,
) = range(10)
"""Columns of a movie's state."""
LIKING: Final = 4.0
"""Stars from which on a movie counts as liked."""
RECENT_HALF_LIFE: Final = 365 * DAY
"""Half-life, in seconds, of the recent count and the recent mean."""
POPULARITY_HALF_LIFE: Final = 60 * DAY
"""Half-life, in seconds, of how much a movie is watched at present."""
FASHION_HALF_LIFE: Final = 5 * DAY
"""Half-life, in seconds, of how much it is watched these very days."""


@dataclass(frozen=True)
class MovieStatistics:
    """Every movie's states in time order; C movies, E ratings, S state columns.

    Attributes:
        starts: Where each movie's ratings begin, of shape C + 1.
        times: Timestamps, of shape E.
        states: The state just after each rating, of shape E x S.
    """

    starts: NDArray[np.int64]
    times: NDArray[np.int64]
    states: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        count: int,
        movie: NDArray[np.int32],
        rating: NDArray[np.float64],
        offset: NDArray[np.float64],
        timestamp: NDArray[np.int64],
    ) -> "MovieStatistics":
        """Accumulate the ratings of a log in time order.

        Args:
            count: Number of movies.
            movie: The log's movies, as rows of the catalogue, of shape E.
            rating: Its stars.
            timestamp: Its seconds.
            offset: Each rating less what was to be expected of its user, known before it.
        """
        order = np.argsort(movie, kind="stable")
        starts = np.searchsorted(movie[order], np.arange(count + 1)).astype(np.int64)
        times = timestamp[order]
        states = _accumulate(starts, times, rating[order], offset[order])
        return cls(starts, times, states)

    def before(
        self, movie: NDArray[np.int32], moment: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the states of N movies just before N moments.

        Returns:
            States of shape N x S, zero for a movie not rated by then, decaying columns decayed to
            the moment; and the seconds since the last rating, of shape N, infinite if none.
        """
        rows = rows_before(self.starts, self.times, movie, moment)
        return _read(rows, self.times, self.states, moment)


@compiled
def rows_before(
    starts: NDArray[np.int64],
    times: NDArray[np.int64],
    entity: NDArray[np.int32],
    moment: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return, for each entity, the place of its last event before the moment; -1 if none."""
    rows = np.empty(len(entity), dtype=np.int64)
    for n in range(len(entity)):
        rows[n] = -1
        if entity[n] < 0:
            continue
        low, high = starts[entity[n]], starts[entity[n] + 1]
        first = low
        while low < high:
            middle = (low + high) // 2
            if times[middle] < moment[n]:
                low = middle + 1
            else:
                high = middle
        if low > first:
            rows[n] = low - 1
    return rows


@compiled
def _accumulate(
    starts: NDArray[np.int64],
    times: NDArray[np.int64],
    rating: NDArray[np.float64],
    offset: NDArray[np.float64],
) -> NDArray[np.float64]:
    states = np.zeros((len(times), 10))
    state = np.zeros(10)
    for movie in range(len(starts) - 1):
        state[:] = 0.0
        for row in range(starts[movie], starts[movie + 1]):
            if row > starts[movie]:
                gap = times[row] - times[row - 1]
                recent = 0.5 ** (gap / RECENT_HALF_LIFE)
                state[RECENT_COUNT] *= recent
                state[RECENT_OFFSETS] *= recent
                state[RECENT_LIKED] *= recent
                state[POPULARITY] *= 0.5 ** (gap / POPULARITY_HALF_LIFE)
                state[FASHION] *= 0.5 ** (gap / FASHION_HALF_LIFE)
            state[COUNT] += 1.0
            state[TOTAL] += rating[row]
            state[SQUARES] += rating[row] * rating[row]
            state[OFFSETS] += offset[row]
            state[RECENT_COUNT] += 1.0
            state[RECENT_OFFSETS] += offset[row]
            state[POPULARITY] += 1.0
            state[FASHION] += 1.0
            if rating[row] >= LIKING:
                state[LIKED] += 1.0
                state[RECENT_LIKED] += 1.0
            states[row] = state
    return states


@compiled
def _read(
    rows: NDArray[np.int64],
    times: NDArray[np.int64],
    states: NDArray[np.float64],
    moment: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found = np.zeros((len(rows), 10))
    since = np.full(len(rows), np.inf)
    for n in range(len(rows)):
        if rows[n] >= 0:
            found[n] = states[rows[n]]
            since[n] = moment[n] - times[rows[n]]
            recent = 0.5 ** (since[n] / RECENT_HALF_LIFE)
            found[n, RECENT_COUNT] *= recent
            found[n, RECENT_OFFSETS] *= recent
            found[n, RECENT_LIKED] *= recent
            found[n, POPULARITY] *= 0.5 ** (since[n] / POPULARITY_HALF_LIFE)
            found[n, FASHION] *= 0.5 ** (since[n] / FASHION_HALF_LIFE)
    return found, since
