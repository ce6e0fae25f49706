"""Sessions of a log, and their chunks: the observations that drift detectors read."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

SESSION_GAP: Final = 6 * 3600
"""Seconds without a rating after which a user's session has ended."""
_CHUNK: Final = 25
"""Ratings of a full chunk."""
_SESSION_START: Final = 50
"""Ratings at the start of a session; later ones of a long session are often of one kind."""


@dataclass(frozen=True)
class SessionChunks:
    """The C complete chunks of all sessions, in order of completion.

    Attributes:
        chunk: The chunk of each rating of the log; -1 if it is not complete. Of shape E.
        user: Of shape C.
        begins: Position in the log of the first rating of each chunk, of shape C.
        ends: Position in the log of the rating at which each chunk is complete, of shape C.
        size: Ratings of each chunk, of shape C.
        early: Whether each chunk begins near the start of its session, of shape C.
        opening: Whether each chunk is the first of its session, of shape C.
    """

    chunk: NDArray[np.int64]
    user: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    size: NDArray[np.float64]
    early: NDArray[np.bool_]
    opening: NDArray[np.bool_]

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of one value per rating (of shape E) over each chunk, of shape C."""
        total = np.bincount(self._bin, values, minlength=len(self.user) + 1)
        return total[:-1].astype(np.float64)

    @cached_property
    def _bin(self) -> NDArray[np.int64]:
        """The chunk of each rating; C for those of incomplete chunks."""
        return np.where(self.chunk < 0, len(self.user), self.chunk)


def session_numbers(user: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the session of each of E ratings in time order, numbered from 0."""
    order = np.lexsort((np.arange(len(user)), user))
    users, moments = user[order], times[order]
    opens = np.append(True, (users[1:] != users[:-1]) | (np.diff(moments) > SESSION_GAP))
    numbers = np.empty(len(user), dtype=np.int64)
    numbers[order] = np.cumsum(opens) - 1
    return numbers


def split_sessions(user: NDArray[np.int64], times: NDArray[np.int64]) -> SessionChunks:
    """Split the sessions of a log into chunks.

    A full chunk is complete with its last rating; a shorter one, at the end of a session, with the
    first rating of the log after the session's gap.

    Args:
        user: Row of each rating's user, of shape E.
        times: Second of each rating, in time order, of shape E.
    """
    count = len(user)
    session = session_numbers(user, times)
    order = np.argsort(session, kind="stable")
    users, moments = user[order], times[order]
    opens = np.append(True, np.diff(session[order]) > 0)
    starts = np.flatnonzero(opens)
    place = np.arange(count) - np.repeat(starts, np.diff(np.append(starts, count)))
    chunk = np.cumsum(opens | (place % _CHUNK == 0)) - 1
    firsts = np.flatnonzero(np.append(True, chunk[1:] != chunk[:-1]))
    lasts = np.append(firsts[1:], count) - 1
    size = lasts - firsts + 1
    after_gap = np.searchsorted(times, moments[lasts] + SESSION_GAP, side="right")
    complete = np.where(size == _CHUNK, order[lasts], after_gap)
    # Ties are ordered by the first rating, so that the order does not depend on user rows.
    by_completion = np.lexsort((order[firsts], complete))
    by_completion = by_completion[complete[by_completion] < count]
    number = np.full(len(firsts), -1, dtype=np.int64)
    number[by_completion] = np.arange(len(by_completion))
    chunk_of_rating = np.empty(count, dtype=np.int64)
    chunk_of_rating[order] = number[chunk]
    return SessionChunks(
        chunk_of_rating,
        users[firsts[by_completion]],
        order[firsts[by_completion]],
        complete[by_completion],
        size[by_completion].astype(np.float64),
        place[firsts[by_completion]] < _SESSION_START,
        place[firsts[by_completion]] == 0,
    )
