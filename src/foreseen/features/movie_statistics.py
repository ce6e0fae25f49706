"""Statistics of a movie as of any moment: ratings, their number, recency and trend.

The ratings are grouped by movie in time order. The state of a movie just after a rating is stored
for every eighth of its ratings, from the first; those between are accumulated again when they are
read, in the same order, so that each state has one value to the bit. The state at a moment is that
after the last rating before it, found by binary search. No movie enters the state of another and
no rating an earlier state, so statistics of the past are bitwise independent of later ratings.
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
_STEP: Final = 8
"""Ratings of a movie per stored state."""


@dataclass(frozen=True)
class MovieStatistics:
    """States of all movies in time order; C movies, E ratings, S state columns.

    Attributes:
        starts: Where the ratings of each movie begin, of shape C + 1.
        times: Timestamps, of shape E.
        ratings: Stars, of shape E.
        offsets: Ratings less global mean and user bias as of just before them, of shape E.
        elapsed: Readings of the clock at the ratings, of shape E.
        first_states: Where the stored states of each movie begin, of shape C.
        states: The stored states, of shape T x S.
        clock: The activity clock of the log, on which counts decay.
    """

    starts: NDArray[np.int64]
    times: NDArray[np.int64]
    ratings: NDArray[np.float64]
    offsets: NDArray[np.float64]
    elapsed: NDArray[np.int64]
    first_states: NDArray[np.int64]
    states: NDArray[np.float64]
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
        elapsed, rating, offset = clock.elapsed[order], rating[order], offset[order]
        ends = np.cumsum((np.diff(starts) + _STEP - 1) // _STEP).astype(np.int64)
        first_states = np.append(0, ends[:-1])
        states = _accumulate(starts, elapsed, rating, offset, first_states, int(ends[-1]))
        return cls(starts, clock.times[order], rating, offset, elapsed, first_states, states, clock)

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
        return _read(
            rows, movie, self.starts, self.elapsed, self.ratings, self.offsets,
            self.first_states, self.states, self.clock.at(moment),
        )  # fmt: skip


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
    first_states: NDArray[np.int64],
    stored: int,
) -> NDArray[np.float64]:
    """Return the states to store, of shape T x S; see `MovieStatistics`."""
    states = np.zeros((stored, STATE_COLUMNS))
    state = np.zeros(STATE_COLUMNS)
    for movie in range(len(starts) - 1):
        state[:] = 0.0
        for row in range(starts[movie], starts[movie + 1]):
            if row > starts[movie]:
                _decay(state, float(elapsed[row] - elapsed[row - 1]))
            _add(state, rating[row], offset[row])
            number = row - starts[movie]
            if number % _STEP == 0:
                states[first_states[movie] + number // _STEP] = state
    return states


@compiled
def _decay(state: NDArray[np.float64], gap: float) -> None:
    """Decay a state, of shape S, by seconds on the activity clock."""
    recent = 0.5 ** (gap / RECENT_HALF_LIFE)
    state[RECENT_COUNT] *= recent
    state[RECENT_OFFSETS] *= recent
    state[RECENT_LIKED] *= recent
    state[POPULARITY] *= 0.5 ** (gap / POPULARITY_HALF_LIFE)
    state[TRENDING] *= 0.5 ** (gap / TRENDING_HALF_LIFE)


@compiled
def _add(state: NDArray[np.float64], rating: float, offset: float) -> None:
    """Add a rating to a state, of shape S."""
    state[COUNT] += 1.0
    state[TOTAL] += rating
    state[SQUARES] += rating * rating
    state[OFFSETS] += offset
    state[RECENT_COUNT] += 1.0
    state[RECENT_OFFSETS] += offset
    state[POPULARITY] += 1.0
    state[TRENDING] += 1.0
    if rating >= LIKED_FROM:
        state[LIKED] += 1.0
        state[RECENT_LIKED] += 1.0


@compiled
def _read(
    rows: NDArray[np.int64],
    movie: NDArray[np.int32],
    starts: NDArray[np.int64],
    elapsed: NDArray[np.int64],
    rating: NDArray[np.float64],
    offset: NDArray[np.float64],
    first_states: NDArray[np.int64],
    states: NDArray[np.float64],
    reading: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the states after the ratings at N positions, decayed to N readings of the clock."""
    found = np.zeros((len(rows), STATE_COLUMNS))
    since = np.full(len(rows), np.inf)
    for n in range(len(rows)):
        last = rows[n]
        if last >= 0:
            step = (last - starts[movie[n]]) // _STEP
            state = found[n]
            state[:] = states[first_states[movie[n]] + step]
            for row in range(starts[movie[n]] + step * _STEP + 1, last + 1):
                _decay(state, float(elapsed[row] - elapsed[row - 1]))
                _add(state, rating[row], offset[row])
            since[n] = reading[n] - elapsed[last]
            _decay(state, since[n])
    return found, since
