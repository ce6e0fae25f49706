"""Placebo logs: whole sessions at other times, and nothing else."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import random_ratings

from foreseen.drift.placebo import shuffle_sessions
from foreseen.drift.sessions import SESSION_GAP, session_numbers


def log(seed: int, count: int) -> pl.DataFrame:
    """Return a random log in canonical order, with gaps between sessions."""
    ratings = random_ratings(seed, count).sort("timestamp", "userId", "movieId")
    return ratings.with_columns(
        pl.col("timestamp") + SESSION_GAP * (pl.int_range(pl.len()) // 40).cast(pl.Int64)
    )


@given(seed=st.integers(0, 10_000), count=st.integers(1, 300))
def test_shuffling_keeps_ratings_and_start_times(seed: int, count: int) -> None:
    ratings = log(seed, count)
    shuffled = shuffle_sessions(ratings, seed)
    key = ["userId", "movieId", "rating"]
    assert shuffled.select(key).sort(key).equals(ratings.select(key).sort(key))
    assert shuffled["timestamp"].min() == ratings["timestamp"].min()
    assert shuffled["timestamp"].is_sorted()


def test_shuffling_moves_all_ratings_of_a_session_by_the_same_time() -> None:
    ratings = log(3, 300)
    user, times = (ratings[name].to_numpy().astype(np.int64) for name in ("userId", "timestamp"))
    before = ratings.with_columns(pl.Series("session", session_numbers(user, times)))
    key = ["userId", "movieId"]
    moved = before.join(shuffle_sessions(ratings, 0), on=key, suffix="_after").with_columns(
        (pl.col("timestamp_after") - pl.col("timestamp")).alias("shift")
    )
    assert (moved.group_by("session").agg(pl.col("shift").n_unique())["shift"] == 1).all()
    assert moved["shift"].n_unique() > 10


def test_the_seed_determines_the_order() -> None:
    ratings = log(0, 300)
    assert shuffle_sessions(ratings, 1).equals(shuffle_sessions(ratings, 1))
    assert not shuffle_sessions(ratings, 1).equals(shuffle_sessions(ratings, 2))
