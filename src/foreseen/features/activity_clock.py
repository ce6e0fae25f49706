"""The activity clock: seconds that pass while a log is in use, as of any moment.

Recency is measured on this clock, so that one rating with a wrong date, or years without ratings,
do not make every movie look forgotten. A gap between two ratings counts in full unless it is longer
than the whole period of the latest ratings before it; beyond that, the longer it is, the less it
counts. On a log without such gaps the clock equals the time.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

_WINDOW: Final = 1000
"""Latest ratings whose period is the longest gap that counts in full."""
_LEAST_GAP: Final = 7 * 86_400
"""Seconds that a gap may always last."""
_OPENING: Final = 100
"""First ratings of a log, between which every gap counts in full: they are too few to compare."""
_FALL: Final = 3.0
"""A gap k times as long counts this part of the longest: one over k to this power."""


@dataclass(frozen=True)
class ActivityClock:
    """Readings of the clock at the E ratings of a log, in time order.

    Attributes:
        times: Timestamps, ascending, of shape E.
        elapsed: Readings of the clock in seconds, ascending, of shape E.
        longest: The longest gap after each rating that counts in full, of shape E.
    """

    times: NDArray[np.int64]
    elapsed: NDArray[np.int64]
    longest: NDArray[np.int64]

    @classmethod
    def of(cls, times: NDArray[np.int64]) -> Self:
        """Compute the clock of a log from its timestamps, ascending, of shape E."""
        return cls(times, *_run(times))

    def at(self, moment: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the readings at N moments, from ratings strictly older, in seconds."""
        row = np.searchsorted(self.times, moment) - 1
        if not len(self.times):
            return moment
        last = np.maximum(row, 0)
        reading = self.elapsed[last] + self._counted(moment - self.times[last], last)
        return np.where(row >= 0, reading, moment)

    def between(self, start: NDArray[np.int64], moment: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the seconds from N ratings of a user to N later moments, of shape N.

        The user's ratings need not be in the log: a short gap counts in full in any case.
        """
        if not len(self.times):
            return (moment - start).astype(np.float64)
        last = np.maximum(np.searchsorted(self.times, moment) - 1, 0)
        passed = self.at(moment) - self.at(start)
        return np.maximum(passed, self._counted(moment - start, last)).astype(np.float64)

    def date(self, moment: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the dates at N moments, as timestamps: the clock, set by the latest ratings.

        Ratings after a long gap set it to their time once they are many.
        """
        row = np.searchsorted(self.times, moment) - 1
        if not len(self.times):
            return moment
        early = np.maximum(row - _WINDOW, 0)
        return self.at(moment) - self.elapsed[early] + self.times[early]

    def _counted(self, gap: NDArray[np.int64], row: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return how much counts of N gaps, given the position of the rating before each."""
        longest = self.longest[row]
        share = np.minimum(longest / np.maximum(gap, 1), 1.0)
        return (np.minimum(gap, longest) * share**_FALL).astype(np.int64)


@compiled
def _run(times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    elapsed = times.copy()
    longest = np.full(len(times), np.iinfo(np.int64).max)
    for row in range(len(times)):
        if row > 0:
            gap, most = times[row] - times[row - 1], longest[row - 1]
            share = min(most / max(gap, 1), 1.0)
            elapsed[row] = elapsed[row - 1] + np.int64(min(gap, most) * share**_FALL)
        if row + 1 >= _OPENING:
            period = elapsed[row] - elapsed[max(row - _WINDOW, 0)]
            longest[row] = max(period, _LEAST_GAP)
    return elapsed, longest
