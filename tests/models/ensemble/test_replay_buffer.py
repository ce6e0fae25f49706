"""The replay buffer: samples of earlier examples, mixed with new ones."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foreseen.models.ensemble import replay_buffer
from foreseen.models.ensemble.replay_buffer import ReplayBuffer


def whole(first: int, count: int, until: int = 100) -> ReplayBuffer:
    """Return a buffer with `count` examples, all arrays of which hold the number of the example."""
    numbers = np.arange(first, first + count, dtype=np.float64)
    inputs = {"a": torch.from_numpy(numbers[:, None].astype(np.float32).repeat(2, axis=1))}
    return ReplayBuffer.whole(inputs, numbers, numbers + 0.5, until, count)


def assert_rows_belong_together(buffer: ReplayBuffer) -> None:
    np.testing.assert_array_equal(buffer.inputs["a"][:, 0], buffer.rating)
    np.testing.assert_array_equal(buffer.weight, buffer.rating + 0.5)


@given(st.integers(0, 60), st.integers(0, 20), st.integers(0, 100))
def test_new_examples_are_all_kept_and_mixed_with_three_old_ones_each(
    old: int, new: int, seed: int
) -> None:
    mixed, kept = whole(0, old).mixed_with(whole(1000, new, until=200), seed)
    assert_rows_belong_together(mixed)
    assert len(mixed.rating) == min(old, 3 * new) + new
    assert (mixed.rating >= 1000).sum() == new
    assert len(kept.rating) == old + new
    assert (kept.until, kept.size) == (200, new)
    assert len(set(mixed.rating.tolist())) == len(mixed.rating)


def test_a_buffer_holds_at_most_its_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_buffer, "_CAPACITY", 30)
    inputs = whole(0, 200).tensors()
    rating = np.arange(200, dtype=np.float64)
    first, again, other = (
        ReplayBuffer.of(inputs, rating, rating + 0.5, 5, 200, seed) for seed in (1, 1, 2)
    )
    assert len(first.rating) == 30
    assert_rows_belong_together(first)
    assert (np.diff(first.rating) > 0).all()
    np.testing.assert_array_equal(first.rating, again.rating)
    assert not np.array_equal(first.rating, other.rating)
    _, kept = first.mixed_with(whole(1000, 20), seed=0)
    assert len(kept.rating) == 30


def test_a_buffer_is_restored_from_its_arrays() -> None:
    buffer = whole(7, 5)
    loaded = ReplayBuffer.from_arrays(buffer.arrays())
    assert (loaded.until, loaded.size) == (buffer.until, buffer.size)
    np.testing.assert_array_equal(loaded.inputs["a"], buffer.inputs["a"])
    np.testing.assert_array_equal(loaded.rating, buffer.rating)
    np.testing.assert_array_equal(loaded.weight, buffer.weight)
    assert torch.equal(loaded.tensors()["a"], torch.from_numpy(buffer.inputs["a"]))
