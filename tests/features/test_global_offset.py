"""The global offset follows a change of all users, not of one, and is zero without a change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foreseen.features.global_offset import GlobalOffset

LENGTH = 30
"""Ratings of a session."""
DAY = 86_400


def sessions(
    seed: int, users: int, count: int, shift: float = 0.0, since: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int64]]:
    """Return sessions a day apart of users drawn at random, shifted from one session on.

    User biases have a standard deviation of 0.45, ratings one of 0.9.
    """
    generator = np.random.default_rng(seed)
    bias = generator.normal(0, 0.45, users)
    session = np.repeat(np.arange(count), LENGTH)
    user = generator.integers(0, users, count).astype(np.int32)[session]
    residual = bias[user] + generator.normal(0, 0.9, len(user)) + shift * (session >= since)
    return user, residual, session * DAY + np.tile(np.arange(LENGTH) * 60, count)


@pytest.mark.parametrize("users", [1000, 60])
def test_a_third_of_a_shift_of_all_users_is_found_after_forty_sessions(users: int) -> None:
    for shift in (0.5, -0.5):
        found = np.empty(5)
        for seed in range(5):
            offset = GlobalOffset.of(users, *sessions(seed, users, 240, shift, since=200))
            before, found[seed] = offset.before(np.array([200, 240]) * DAY)
            assert abs(before) < 0.1
        assert (found / shift > 0).all()
        assert 0.3 < found.mean() / shift < 1


@pytest.mark.parametrize("users", [1000, 60])
def test_without_a_shift_the_offset_is_almost_always_zero(users: int) -> None:
    for seed in range(5):
        offset = GlobalOffset.of(users, *sessions(seed, users, 600))
        assert np.abs(offset.offsets).mean() < 0.01
        assert np.mean(offset.offsets == 0) > 0.9


def test_one_user_alone_does_not_move_the_offset() -> None:
    user, residual, times = sessions(0, 1000, 300)
    one = np.full(100 * LENGTH, 1000, dtype=np.int32)
    _, shifted, later = sessions(1, 1, 100, shift=1.0)
    offset = GlobalOffset.of(
        1001,
        np.concatenate([user, one]),
        np.concatenate([residual, shifted]),
        np.concatenate([times, 300 * DAY + later]),
    )
    assert np.abs(offset.before(np.array([300 * DAY, 400 * DAY]))).max() < 0.1


def test_the_usual_residual_of_new_users_does_not_move_the_offset() -> None:
    """After 300 sessions of known users, each session is of a new user who rates favourites."""
    user, residual, times = sessions(0, 100, 600)
    user[300 * LENGTH :] = 100 + np.arange(300).repeat(LENGTH)
    seen = np.zeros(700, dtype=np.int64)
    is_new = np.zeros(len(user), dtype=np.bool_)
    for n, row in enumerate(user):
        is_new[n] = seen[row] < LENGTH
        seen[row] += 1
    offset = GlobalOffset.of(700, user, residual + 0.3 * is_new, times)
    assert np.abs(offset.offsets[300 * LENGTH :]).mean() < 0.05


def test_only_strictly_older_ratings_enter_the_offset_of_a_moment() -> None:
    offset = GlobalOffset(np.array([10, 10, 20]), np.array([0.0, 0.1, 0.2, 0.3]))
    found = offset.before(np.array([0, 10, 11, 20, 21]))
    np.testing.assert_array_equal(found, [0.0, 0.0, 0.2, 0.2, 0.3])


def test_without_ratings_the_offset_is_zero() -> None:
    offset = GlobalOffset.of(0, np.empty(0, np.int32), np.empty(0), np.empty(0, np.int64))
    np.testing.assert_array_equal(offset.before(np.array([5])), [0.0])


@given(st.integers(0, 1000), st.integers(0, 60 * LENGTH))
@settings(max_examples=20, deadline=None)
def test_neither_later_ratings_nor_the_numbering_of_users_change_the_offset_by_a_bit(
    seed: int, position: int
) -> None:
    user, residual, times = sessions(seed, 20, 60, shift=1.0, since=30)
    generator = np.random.default_rng(seed)
    offsets = GlobalOffset.of(20, user, residual, times).offsets
    renumbered = generator.permutation(20).astype(np.int32)[user]
    np.testing.assert_array_equal(GlobalOffset.of(20, renumbered, residual, times).offsets, offsets)
    residual[position:] = generator.permutation(residual[position:])
    user[position:] = generator.permutation(user[position:])
    changed = GlobalOffset.of(20, user, residual, times).offsets
    np.testing.assert_array_equal(changed[: position + 1], offsets[: position + 1])
