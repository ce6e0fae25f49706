"""A world in which nothing moves: the same sessions of the same people, in another order.

What detectors find there is false alarm, and what adapting gains there is chance.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.schema import RATINGS_SCHEMA, TIME_ORDER, TIMESTAMP, USER

SESSION_SILENCE: Final = 6 * 3600
"""Seconds without a rating that end a user's session."""


def session_numbers(user: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the sessions of a log in time order: of shape E, from 0."""
    order = np.lexsort((np.arange(len(user)), user))
    own, moment = user[order], times[order]
    opens = np.append(True, (own[1:] != own[:-1]) | (np.diff(moment) > SESSION_SILENCE))
    numbers = np.empty(len(user), dtype=np.int64)
    numbers[order] = np.cumsum(opens) - 1
    return numbers


def shuffle_sessions(ratings: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return a canonical log whose sessions, kept whole, have changed places in time."""
    user = ratings[USER].to_numpy().astype(np.int64)
    times = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    session = session_numbers(user, times)
    begins = np.full(session.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(begins, session, times)
    drawn = begins[np.random.default_rng(seed).permutation(len(begins))]
    moved = times - begins[session] + drawn[session]
    return ratings.with_columns(pl.Series(TIMESTAMP, moved)).cast(RATINGS_SCHEMA).sort(TIME_ORDER)
