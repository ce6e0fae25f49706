"""What stood near a movie in the histories of all who rated it: a tally of its company.

Of the movies just before and after it the nearer count for more. At the end of a log tallies are
remembered, the latest asked for, as long as there is room: popular movies stand in most histories.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

WINDOW: Final = 50
AFTER: Final = 20
SOON: Final = 5
_OTHERS: Final = 500
"""Of a movie's ratings, how many of the latest are looked up."""
_DAMPING: Final = 5.0
_ROOM: Final = 5_000_000
"""Movies in all remembered tallies together."""
_KINDS: Final = 4


@dataclass(frozen=True)
class Tally:
    """A movie's company.

    Attributes:
        movies: Rows of the catalogue, of shape N.
        sums: How much each stood right behind it, within 5 after, within 20 after, and within 50
            on either side, of shape N x 4.
    """

    movies: NDArray[np.int32]
    sums: NDArray[np.float32]


@dataclass(eq=False)
class Companies:
    """Tallies of a log's movies as of moments.

    Attributes:
        starts, places, owners: The ratings movie by movie; see `Timeline.by_movie`.
        user_starts, movie, times: The histories they are places of.
        count: Movies of the catalogue.
        end: From this moment on all is known, and tallies are remembered.
    """

    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    owners: NDArray[np.int64]
    user_starts: NDArray[np.int64]
    movie: NDArray[np.int32]
    times: NDArray[np.int64]
    count: int
    end: int
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: OrderedDict[int, Tally] = field(default_factory=OrderedDict[int, Tally])
    _size: int = 0
    _sheets: threading.local = field(default_factory=threading.local)

    def of(self, item: int, before: int) -> Tally:
        """Return a movie's company in what was rated strictly before a moment."""
        if before < self.end:
            return self._tally(item, before)
        with self._lock:
            if (kept := self._kept.get(item)) is not None:
                self._kept.move_to_end(item)
                return kept
        found = self._tally(item, before)
        with self._lock:
            if item not in self._kept:
                self._kept[item] = found
                self._size += len(found.movies)
            while self._size > _ROOM:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest.movies)
        return found

    def look_up(self, items: NDArray[np.intp]) -> None:
        """Remember movies' company before anybody asks, in this order, while there is room."""
        for item in items:
            if self._size >= _ROOM:
                return
            self.of(int(item), self.end)

    def _tally(self, item: int, before: int) -> Tally:
        sheet: tuple[NDArray[np.float64], NDArray[np.int32]] | None
        sheet = getattr(self._sheets, "own", None)
        if sheet is None:
            # One for each thread, left clean: to wipe the catalogue each time would take longest.
            sheet = np.zeros((self.count, _KINDS)), np.zeros(self.count, dtype=np.int32)
            self._sheets.own = sheet
        found = _count(
            item, self.starts, self.places, self.owners, self.user_starts, self.movie, self.times,
            before, *sheet,
        )  # fmt: skip
        # As many as are remembered would take twice the memory in full.
        return Tally(found[0], found[1].astype(np.float32))


@compiled
def _count(
    item: int,
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    owners: NDArray[np.int64],
    user_starts: NDArray[np.int64],
    movie: NDArray[np.int32],
    times: NDArray[np.int64],
    before: int,
    sums: NDArray[np.float64],
    met: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    low, high = starts[item], starts[item + 1]
    while high > low and times[places[high - 1]] >= before:
        high -= 1
    known = high - low
    low = max(low, high - _OTHERS)
    near = np.zeros(WINDOW + 1)
    for distance in range(1, WINDOW + 1):
        near[distance] = known / (known + _DAMPING) / max(high - low, 1) / np.sqrt(distance)
    count = 0
    for row in range(low, high):
        place = places[row]
        owner = owners[place]
        first = max(user_starts[owner], place - WINDOW)
        stop = min(user_starts[owner + 1], place + WINDOW + 1)
        for other in range(first, stop):
            if times[other] >= before:
                break
            distance = other - place
            if distance == 0:
                continue
            own, gain = sums[movie[other]], near[abs(distance)]
            if own[3] == 0:
                met[count] = movie[other]
                count += 1
            own[3] += gain
            if distance > 0:
                if distance == 1:
                    own[0] += gain
                if distance <= SOON:
                    own[1] += gain
                if distance <= AFTER:
                    own[2] += gain
    movies = met[:count].copy()
    found = sums[movies]
    sums[movies] = 0.0
    return movies, found
