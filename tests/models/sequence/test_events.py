"""Histories as inputs of the sequence network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foreseen.models.sequence.events import (
    FUTURE,
    POSITION_BUCKETS,
    TIME_BUCKETS,
    Events,
    batches,
    make_batch,
    windows,
)

Sizes = st.lists(st.integers(0, 30), min_size=1, max_size=12)


def events_of(sizes: list[int], moment: list[int] | None = None) -> Events:
    """Return histories of these sizes; event k has movie k and is 10 k^2 s after event 0."""
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    movie = np.concatenate([np.arange(size) for size in sizes]).astype(np.int64)
    known = None if moment is None else np.array(moment)
    return Events.of(starts, movie, np.zeros_like(movie), 1000 + 10 * movie**2, known)


def test_durations_are_between_neighbours_of_one_history() -> None:
    events = events_of([3, 0, 2])
    assert events.since.tolist() == [-1, 10, 30, -1, 10]
    assert events.until.tolist() == [10, 30, -1, 10, -1]
    assert events.position.tolist() == [0, 1, 2, 0, 1]
    assert events.last.tolist() == [False, False, True, False, True]


def test_a_known_moment_follows_the_last_event_of_each_history() -> None:
    events = events_of([3, 0, 2, 1], [1100, 5, -1, 500])
    # The last one is before its history's end, which counts as at once.
    assert events.until.tolist() == [10, 30, 60, 10, -1, 0]


@settings(max_examples=50, deadline=None)
@given(Sizes, st.integers(1, 9), st.integers(0, 99))
def test_windows_hold_every_event_once_and_are_no_longer_than_asked(
    sizes: list[int], length: int, seed: int
) -> None:
    events = events_of(sizes)
    first, size = windows(events.starts, length, np.random.default_rng(seed))
    covered = [event for f, s in zip(first, size, strict=True) for event in range(f, f + s)]
    assert covered == list(range(sum(sizes)))
    assert all(0 < s <= length for s in size)
    # A window lies within one history.
    for begin, count in zip(first.tolist(), size.tolist(), strict=True):
        position = events.position[begin : begin + count]
        assert (position - position[0]).tolist() == list(range(count))


@settings(max_examples=50, deadline=None)
@given(Sizes, st.integers(1, 60), st.integers(0, 99))
def test_batches_hold_every_window_of_two_or_more_once(
    sizes: list[int], tokens: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    first, size = windows(events_of(sizes).starts, 7, random)
    found = [
        pair for f, s in batches(first, size, tokens, random) for pair in zip(f, s, strict=True)
    ]
    wanted = [pair for pair in zip(first, size, strict=True) if pair[1] > 1]
    assert sorted(found) == sorted(wanted)


def test_a_batch_wants_every_event_that_another_follows() -> None:
    events = events_of([4, 2])
    first, size = np.array([0, 4]), np.array([4, 2])
    batch = make_batch(events, first, size, 0.0, np.random.default_rng(0))
    assert batch.event.tolist() == [0, 1, 2, 4]
    assert batch.valid.tolist() == [0, 1, 2, 4]
    assert (batch.until.reshape(-1)[batch.valid] < TIME_BUCKETS).all()


def test_a_batch_without_random_draws_wants_the_last_event_of_each_window() -> None:
    batch = make_batch(events_of([4, 2]), np.array([0, 4]), np.array([4, 2]))
    assert batch.event.tolist() == [3, 5]
    assert (batch.until.reshape(-1)[batch.valid] == TIME_BUCKETS).all()


def test_the_time_to_the_next_event_is_hidden_at_the_given_rate() -> None:
    events = events_of([4000])
    batch = make_batch(events, np.array([0]), np.array([4000]), 0.3, np.random.default_rng(0))
    hidden = (batch.until[0, :-1] == TIME_BUCKETS).float().mean()
    assert float(hidden) == pytest.approx(0.3, abs=0.03)


def test_pairs_have_the_bucket_of_their_time_and_distance_and_the_future_its_own() -> None:
    events = events_of([3])
    pair = make_batch(events, np.array([0]), np.array([3])).pair[0]
    assert (pair.triu(1)[0, 1:] == FUTURE).all()
    # 30 seconds: 2 log2(31) = 9.9; one event apart.
    assert int(pair[2, 1]) == 9 * POSITION_BUCKETS + 1
    assert int(pair[2, 2]) == 0


def test_times_that_are_a_century_apart_are_read_as_far_apart() -> None:
    starts, movie = np.array([0, 2]), np.zeros(2, dtype=np.int64)
    events = Events.of(starts, movie, movie, np.array([0, 100 * 365 * 86400]))
    pair = make_batch(events, np.array([0]), np.array([2])).pair
    assert int(pair[0, 1, 0]) == (TIME_BUCKETS - 1) * POSITION_BUCKETS + 1
