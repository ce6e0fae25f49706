"""Co-occurrence in order: what is watched after, and near, the movies of a history.

For each of the latest movies of a history, the histories of other users that contain it are
searched, and the movies near it there are counted with weights that fall with the distance
(sequence-aware nearest neighbours: Ludewig and Jannach, 2018). The counts are computed from the
log itself, so each rating counts at once and none before its time. Counts as of the end of a log
are cached: popular movies occur in most histories.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cache import LRUCache
from foreseen.compute.jit import compiled
from foreseen.compute.threads import ThreadBuffers
from foreseen.features.interaction_log import InteractionLog, LogView

CO_WATCH_FEATURES: Final = (
    "co_watch_next",
    "co_watch_5",
    "co_watch_5_sqrt",
    "co_watch_5_last",
    "co_watch_20",
    "co_watch_20_sqrt",
    "co_watch_window",
    "co_watch_window_sqrt",
    "co_watch_window_equal",
    "co_watch_window_last",
)
"""Weighted counts of what is watched next, within 5 after, within 20 after, and within 50 on
either side. The k-th latest movie of the history has weight 1 / k; in `_sqrt` one over the root of
k, in `_equal` one, and in `_last` only the latest movie counts."""
(
    CO_WATCH_NEXT,
    CO_WATCH_5,
    CO_WATCH_5_SQRT,
    CO_WATCH_5_LAST,
    CO_WATCH_20,
    CO_WATCH_20_SQRT,
    CO_WATCH_WINDOW,
    CO_WATCH_WINDOW_SQRT,
    CO_WATCH_WINDOW_EQUAL,
    CO_WATCH_WINDOW_LAST,
) = range(10)
_NEXT, _SOON, _AFTER, _WINDOW = range(4)
_SPANS: Final = 4
_SOON_DISTANCE: Final = 5
_AFTER_DISTANCE: Final = 20
_WINDOW_DISTANCE: Final = 50
_LATEST: Final = 100
"""Latest movies of a history that are searched for."""
_RATINGS: Final = 500
"""Latest ratings of a movie that are searched."""
_DAMPING: Final = 5.0
_CACHED: Final = 5_000_000
"""Movies in all cached counts together; 20 bytes each."""


@dataclass(frozen=True)
class CoOccurrenceCounts:
    """Counts of the movies near one movie.

    Attributes:
        movies: Rows of the catalogue, of shape N.
        sums: Weighted counts right after it, within 5 after, within 20 after, and within 50 on
            either side, of shape N x 4.
    """

    movies: NDArray[np.int32]
    sums: NDArray[np.float32]


CountsCache = LRUCache[int, CoOccurrenceCounts]


def counts_cache(size: int = _CACHED) -> CountsCache:
    """Return an empty cache of counts, for `size` movies in all counts together."""
    return LRUCache(size, lambda counts: len(counts.movies))


@dataclass(frozen=True, eq=False)
class CoOccurrence:
    """Co-occurrence counts of the movies of a log, as of any moment.

    Attributes:
        log: The log.
        cache: Of the counts as of the end of the log, by movie.
    """

    log: InteractionLog
    cache: CountsCache = field(default_factory=counts_cache)
    _buffers: ThreadBuffers = field(default_factory=ThreadBuffers, init=False)

    def of(self, movie: int, before: int) -> CoOccurrenceCounts:
        """Return the counts near a movie in the ratings strictly before a moment."""
        if before < self.log.end:
            return self._count(movie, before)
        return self.cache.get_or_compute(movie, lambda: self._count(movie, before))

    def precompute(self, movies: NDArray[np.intp]) -> None:
        """Cache counts as of the end of the log, movie by movie, while there is room."""
        for movie in movies:
            if self.cache.is_full:
                return
            self.of(int(movie), self.log.end)

    def _count(self, movie: int, before: int) -> CoOccurrenceCounts:
        buffers: tuple[NDArray[np.float64], NDArray[np.int32]] | None
        buffers = getattr(self._buffers, "zeros", None)
        if buffers is None:
            # One per thread, left at zero: clearing the whole catalogue each time dominates.
            count = len(self.log.catalogue)
            buffers = np.zeros((count, _SPANS)), np.zeros(count, dtype=np.int32)
            self._buffers.zeros = buffers
        histories = self.log.histories
        movies, sums = _count_near(
            movie, *self.log.by_movie, histories.starts, histories.movie, histories.times, before,
            *buffers,
        )  # fmt: skip
        return CoOccurrenceCounts(movies, sums.astype(np.float32))


def co_watch_counts(
    co_occurrence: CoOccurrence, view: LogView, row: int, before: int
) -> NDArray[np.float64]:
    """Return how often other users watched each movie after, and near, those of a history.

    Args:
        co_occurrence: Counts of the log of the other users.
        view: The view that holds the history.
        row: Its row there.
        before: Only ratings strictly older count, of the history and of the others.

    Returns:
        Weighted counts of shape C x 10, in the order of `CO_WATCH_FEATURES`.
    """
    counts = np.zeros((len(view.catalogue), len(CO_WATCH_FEATURES)))
    found = np.empty(len(counts), dtype=np.int32)
    add_co_watch_counts(co_occurrence, view, row, before, counts, found)
    return counts


def add_co_watch_counts(
    co_occurrence: CoOccurrence,
    view: LogView,
    row: int,
    before: int,
    counts: NDArray[np.float64],
    found: NDArray[np.int32],
) -> int:
    """Add the counts to `counts`, zeros of shape C x 10; see `co_watch_counts`.

    Returns:
        The number of movies with counts; their rows are written into `found`, of shape C.
    """
    histories = view.histories
    end = int(histories.ends(np.array([row], np.int32), np.array([before], np.int64))[0])
    latest = histories.movie[int(histories.starts[row]) : end][::-1][:_LATEST]
    size = 0
    for age, movie in enumerate(map(int, latest)):
        if movie >= 0:
            near = co_occurrence.of(movie, before)
            size = _add(counts, near.movies, near.sums, age, found, size)
    return size


@compiled
def _add(
    counts: NDArray[np.float64],
    movies: NDArray[np.int32],
    sums: NDArray[np.float32],
    age: int,
    found: NDArray[np.int32],
    size: int,
) -> int:
    """Add the counts near a movie that was followed by `age` movies in the history.

    Movies without counts so far are appended to the first `size` of `found`; the new size is
    returned.
    """
    weight, root = 1 / (age + 1.0), 1 / np.sqrt(age + 1.0)
    last = 1.0 if age == 0 else 0.0
    for n in range(len(movies)):
        row = counts[movies[n]]
        if row[CO_WATCH_WINDOW_EQUAL] == 0.0:
            found[size] = movies[n]
            size += 1
        row[CO_WATCH_NEXT] += weight * sums[n, _NEXT]
        row[CO_WATCH_5] += weight * sums[n, _SOON]
        row[CO_WATCH_5_SQRT] += root * sums[n, _SOON]
        row[CO_WATCH_5_LAST] += last * sums[n, _SOON]
        row[CO_WATCH_20] += weight * sums[n, _AFTER]
        row[CO_WATCH_20_SQRT] += root * sums[n, _AFTER]
        row[CO_WATCH_WINDOW] += weight * sums[n, _WINDOW]
        row[CO_WATCH_WINDOW_SQRT] += root * sums[n, _WINDOW]
        row[CO_WATCH_WINDOW_EQUAL] += sums[n, _WINDOW]
        row[CO_WATCH_WINDOW_LAST] += last * sums[n, _WINDOW]
    return size


@compiled
def _count_near(
    item: int,
    starts: NDArray[np.int64],
    positions: NDArray[np.int64],
    users: NDArray[np.int64],
    user_starts: NDArray[np.int64],
    movie: NDArray[np.int32],
    times: NDArray[np.int64],
    before: int,
    sums: NDArray[np.float64],
    found: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the movies near `item` and their counts; `sums` and `found` are buffers."""
    low, high = starts[item], starts[item + 1]
    while high > low and times[positions[high - 1]] >= before:
        high -= 1
    known = high - low
    low = max(low, high - _RATINGS)
    weights = np.zeros(_WINDOW_DISTANCE + 1)
    for distance in range(1, _WINDOW_DISTANCE + 1):
        weights[distance] = known / (known + _DAMPING) / max(high - low, 1) / np.sqrt(distance)
    count = 0
    for row in range(low, high):
        position = positions[row]
        user = users[position]
        first = max(user_starts[user], position - _WINDOW_DISTANCE)
        stop = min(user_starts[user + 1], position + _WINDOW_DISTANCE + 1)
        for other in range(first, stop):
            if times[other] >= before:
                break
            distance = other - position
            if distance == 0:
                continue
            near, weight = sums[movie[other]], weights[abs(distance)]
            if near[_WINDOW] == 0:
                found[count] = movie[other]
                count += 1
            near[_WINDOW] += weight
            if distance > 0:
                if distance == 1:
                    near[_NEXT] += weight
                if distance <= _SOON_DISTANCE:
                    near[_SOON] += weight
                if distance <= _AFTER_DISTANCE:
                    near[_AFTER] += weight
    movies = found[:count].copy()
    counts = sums[movies]
    sums[movies] = 0.0
    return movies, counts
