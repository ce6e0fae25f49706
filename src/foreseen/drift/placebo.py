"""Placebo logs without drift: the same sessions of the same users in random order.

What detectors find in them are false alarms, and what adaptation gains in them is not recency.
"""

import numpy as np
import polars as pl

from foreseen.data.schema import RATINGS_SCHEMA, TIME_ORDER, TIMESTAMP, USER
from foreseen.drift.sessions import session_numbers


def shuffle_sessions(ratings: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return a canonical log with the start times of its sessions permuted.

    Sessions stay whole, with the gaps between their ratings.

    Args:
        ratings: A canonical log.
        seed: Random seed.
    """
    user = ratings[USER].to_numpy().astype(np.int64)
    times = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    session = session_numbers(user, times)
    begins = np.full(session.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(begins, session, times)
    permuted = begins[np.random.default_rng(seed).permutation(len(begins))]
    shifted = times - begins[session] + permuted[session]
    return ratings.with_columns(pl.Series(TIMESTAMP, shifted)).cast(RATINGS_SCHEMA).sort(TIME_ORDER)
