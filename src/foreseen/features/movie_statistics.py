"""Statistics of a movie as of any moment: ratings, their number, recency and trend.

The ratings are grouped by movie in time order, and the state of the movie just after each rating
is stored beside it. The state at a moment is the last one before it, found by binary search. No
movie enters the state of another and no rating an earlier state, so statistics of the past are
bitwise independent of later ratings.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.activity_clock import ActivityClock

DAY: Final = 86_400.0
(
    COUNT,
    TOTAL,
    SQUARES,
    OFFSETS,
    RECENT_COUNT,
    RECENT_OFFSETS,
    POPULARITY,
    TRENDING,
    LIKED,
    RECENT_LIKED,
) = range(10)
"""Columns of the state of a movie."""
STATE_COLUMNS: Final = 10
LIKED_FROM: Final = 4.0
"""Least rating, in stars, that counts as liked."""
RECENT_HALF_LIFE: Final = 365 * DAY
"""Half-life, in seconds, of the recent count and the recent mean."""
POPULARITY_HALF_LIFE: Final = 60 * DAY
"""Half-life, in seconds, of the popularity."""
TRENDING_HALF_LIFE: Final = 5 * DAY
"""Half-life, in seconds, of the trending count."""


@dataclass(frozen=True)
class MovieStatistics:
    """States of all movies in time order; C movies, E ratings, S state columns.

    Attributes:
        starts: Where the ratings of each movie begin, of shape C + 1.
        times: Timestamps, of shape E.
        states: The state just after each rating, of shape E x S.
        elapsed: Readings of the clock at the ratings, of shape E.
        clock: The activity clock of the log, on which counts decay.
    """

    starts: NDArray[np.int64]
    times: NDArray[np.int64]
    states: NDArray[np.float64]
    elapsed: NDArray[np.int64]
    clock: ActivityClock

    @classmethod
    def of(
        cls,
        count: int,
        movie: NDArray[np.int32],
        rating: NDArray[np.float64],
        offset: NDArray[np.float64],
        clock: ActivityClock,
    ) -> "MovieStatistics":
        """Accumulate the ratings of a log in time order.

        Args:
            count: Number of movies.
            movie: Rows of the catalogue, of shape E.
            rating: Stars, of shape E.
            offset: Rating less global mean and user bias as of just before it, of shape E.
            clock: Of the log, which has the timestamps of the ratings.
        """
        order = np.argsort(movie, kind="stable")
        starts = np.searchsorted(movie[order], np.arange(count + 1)).astype(np.int64)
        elapsed = clock.elapsed[order]
        states = _accumulate(starts, elapsed, rating[order], offset[order])
        return cls(starts, clock.times[order], states, elapsed, clock)

    def before(
        self, movie: NDArray[np.int32], moment: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the states of N movies just before N moments.

        Returns:
            States of shape N x S, zero for a movie not rated by then, decaying columns decayed to
            the moment; and the seconds since the last rating on the activity clock, of shape N,
            infinite if none.
        """
        rows = rows_before(self.starts, self.times, movie, moment)
        return _read(rows, self.elapsed, self.states, self.clock.at(moment))


@compiled
def rows_before(
    starts: NDArray[np.int64],
    times: NDArray[np.int64],
    entity: NDArray[np.int32],
    moment: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return, for each entity, the position of its last event before the moment; -1 if none."""
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
    elapsed: NDArray[np.int64],
    rating: NDArray[np.float64],
    offset: NDArray[np.float64],
) -> NDArray[np.float64]:
    states = np.zeros((len(elapsed), STATE_COLUMNS))
    state = np.zeros(STATE_COLUMNS)
    for movie in range(len(starts) - 1):
        state[:] = 0.0
        for row in range(starts[movie], starts[movie + 1]):
            if row > starts[movie]:
                gap = elapsed[row] - elapsed[row - 1]
                recent = 0.5 ** (gap / RECENT_HALF_LIFE)
                state[RECENT_COUNT] *= recent
                state[RECENT_OFFSETS] *= recent
                state[RECENT_LIKED] *= recent
                state[POPULARITY] *= 0.5 ** (gap / POPULARITY_HALF_LIFE)
                state[TRENDING] *= 0.5 ** (gap / TRENDING_HALF_LIFE)
            state[COUNT] += 1.0
            state[TOTAL] += rating[row]
            state[SQUARES] += rating[row] * rating[row]
            state[OFFSETS] += offset[row]
            state[RECENT_COUNT] += 1.0
            state[RECENT_OFFSETS] += offset[row]
            state[POPULARITY] += 1.0
            state[TRENDING] += 1.0
            if rating[row] >= LIKED_FROM:
                state[LIKED] += 1.0
                state[RECENT_LIKED] += 1.0
            states[row] = state
    return states


@compiled
def _read(
    rows: NDArray[np.int64],
    elapsed: NDArray[np.int64],
    states: NDArray[np.float64],
    reading: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found = np.zeros((len(rows), STATE_COLUMNS))
    since = np.full(len(rows), np.inf)
    for n in range(len(rows)):
        if rows[n] >= 0:
            found[n] = states[rows[n]]
            since[n] = reading[n] - elapsed[rows[n]]
            recent = 0.5 ** (since[n] / RECENT_HALF_LIFE)
            found[n, RECENT_COUNT] *= recent
            found[n, RECENT_OFFSETS] *= recent
            found[n, RECENT_LIKED] *= recent
            found[n, POPULARITY] *= 0.5 ** (since[n] / POPULARITY_HALF_LIFE)
            found[n, TRENDING] *= 0.5 ** (since[n] / TRENDING_HALF_LIFE)
    return found, since
