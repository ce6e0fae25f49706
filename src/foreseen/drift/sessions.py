"""A log cut into sessions, and these into pieces: the units in which drift is looked for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

SESSION_SILENCE: Final = 6 * 3600
"""Seconds without a rating that end a user's session."""
_PIECE: Final = 25
_SESSION_START: Final = 50
"""Ratings of a session that count where a long one would be all of a kind."""


@dataclass(frozen=True)
class Pieces:
    """The pieces of all sessions, in the order in which they are known; P of them.

    Attributes:
        of: The piece of each rating of the log; -1 for one that is not whole yet.
        user: Of shape P.
        begins, ends: Places in the log of the first rating and of the one it is known with.
        size: Ratings of each.
        early: Whether each begins within the first ratings of its session.
    """

    of: NDArray[np.int64]
    user: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    size: NDArray[np.float64]
    early: NDArray[np.bool_]

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of a number per rating over each piece."""
        total = np.bincount(self._place, values, minlength=len(self.user) + 1)
        return total[:-1].astype(np.float64)

    @cached_property
    def _place(self) -> NDArray[np.int64]:
        """The piece of each rating; behind them all, what belongs to none yet."""
        return np.where(self.of < 0, len(self.user), self.of)


def session_numbers(user: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the sessions of a log in time order: of shape E, from 0."""
    order = np.lexsort((np.arange(len(user)), user))
    own, moment = user[order], times[order]
    opens = np.append(True, (own[1:] != own[:-1]) | (np.diff(moment) > SESSION_SILENCE))
    numbers = np.empty(len(user), dtype=np.int64)
    numbers[order] = np.cumsum(opens) - 1
    return numbers


def cut_sessions(user: NDArray[np.int64], times: NDArray[np.int64]) -> Pieces:
    """Cut every user's ratings into sessions, and these into pieces."""
    count = len(user)
    session = session_numbers(user, times)
    order = np.argsort(session, kind="stable")
    own, moment = user[order], times[order]
    opens = np.append(True, np.diff(session[order]) > 0)
    starts = np.flatnonzero(opens)
    place = np.arange(count) - np.repeat(starts, np.diff(np.append(starts, count)))
    piece = np.cumsum(opens | (place % _PIECE == 0)) - 1
    firsts = np.flatnonzero(np.append(True, piece[1:] != piece[:-1]))
    lasts = np.append(firsts[1:], count) - 1
    size = lasts - firsts + 1
    # Known with its last rating if it is full, else when the silence after it is over.
    silent = np.searchsorted(times, moment[lasts] + SESSION_SILENCE, side="right")
    known = np.where(size == _PIECE, order[lasts], silent)
    # Those known at once in the order they began, whatever rows their users have.
    by_known = np.lexsort((order[firsts], known))
    by_known = by_known[known[by_known] < count]
    number = np.full(len(firsts), -1, dtype=np.int64)
    number[by_known] = np.arange(len(by_known))
    of = np.empty(count, dtype=np.int64)
    of[order] = number[piece]
    return Pieces(
        of,
        own[firsts[by_known]],
        order[firsts[by_known]],
        known[by_known],
        size[by_known].astype(np.float64),
        place[firsts[by_known]] < _SESSION_START,
    )
