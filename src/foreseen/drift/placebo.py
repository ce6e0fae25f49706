"""A world in which nothing moves: the same sessions of the same people, in another order.

What detectors find there is false alarm, and what adapting gains there is chance.
"""

import numpy as np
import polars as pl

from foreseen.data.schema import RATINGS_SCHEMA, TIME_ORDER, TIMESTAMP, USER
from foreseen.drift.sessions import session_numbers


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
