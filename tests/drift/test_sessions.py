"""Sessions end with a gap; chunks are complete as soon as they can be, and then do not change."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.conftest import random_ratings

from foreseen.drift.sessions import SESSION_GAP, SessionChunks, session_numbers, split_sessions


def columns(seed: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the users and the seconds of a random log in time order, with long gaps."""
    ratings = random_ratings(seed, count).sort("timestamp", "userId", "movieId")
    gaps = np.random.default_rng(seed).choice([0, SESSION_GAP], ratings.height, p=[0.95, 0.05])
    times = ratings["timestamp"].to_numpy() + np.cumsum(gaps)
    return ratings["userId"].to_numpy().astype(np.int64), times.astype(np.int64)


def one_session(count: int) -> SessionChunks:
    """Return the chunks of a session of one user, followed by one rating after its gap."""
    times = np.append(np.arange(count), count + SESSION_GAP)
    return split_sessions(np.append(np.zeros(count, np.int64), 1), times)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 300))
def test_a_session_ends_with_a_gap(seed: int, count: int) -> None:
    user, times = columns(seed, count)
    numbers = session_numbers(user, times)
    assert set(numbers) == set(range(numbers.max() + 1))
    assert len({*zip(numbers, user, strict=True)}) == numbers.max() + 1
    for row in set(user):
        sessions, moments = numbers[user == row], times[user == row]
        np.testing.assert_array_equal(np.diff(sessions) > 0, np.diff(moments) > SESSION_GAP)


def test_a_full_chunk_is_complete_with_its_last_rating_and_a_rest_after_the_gap() -> None:
    chunks = one_session(60)
    assert chunks.size.tolist() == [25, 25, 10]
    assert chunks.begins.tolist() == [0, 25, 50]
    assert chunks.ends.tolist() == [24, 49, 60]
    assert chunks.early.tolist() == [True, True, False]
    assert chunks.user.tolist() == [0, 0, 0]


def test_a_chunk_that_may_still_grow_is_not_complete() -> None:
    chunks = split_sessions(np.zeros(30, np.int64), np.arange(30))
    assert chunks.size.tolist() == [25]
    assert chunks.chunk.tolist() == [0] * 25 + [-1] * 5


def test_totals_are_over_the_ratings_of_complete_chunks() -> None:
    total = one_session(30).total(np.arange(31, dtype=np.float64))
    assert total.tolist() == [sum(range(25)), sum(range(25, 30))]


@given(seed=st.integers(0, 10_000), count=st.integers(2, 300), share=st.floats(0.1, 1))
def test_later_ratings_change_no_complete_chunk(seed: int, count: int, share: float) -> None:
    user, times = columns(seed, count)
    place = max(1, int(share * len(user)))
    whole, prefix = split_sessions(user, times), split_sessions(user[:place], times[:place])
    complete = whole.ends < place
    for name in ("user", "begins", "ends", "size", "early"):
        np.testing.assert_array_equal(getattr(whole, name)[complete], getattr(prefix, name))
