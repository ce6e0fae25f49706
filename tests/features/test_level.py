"""The level follows everybody, not anybody, and stands still where nothing moves."""

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
    """Return sessions a day apart of users drawn at random, kinder by a shift from one of them on.

    Users differ by 0.45 in standard deviation, ratings by 0.9.
    """
    generator = np.random.default_rng(seed)
    kindness = generator.normal(0, 0.45, users)
    session = np.repeat(np.arange(count), LENGTH)
    user = generator.integers(0, users, count).astype(np.int32)[session]
    residual = kindness[user] + generator.normal(0, 0.9, len(user)) + shift * (session >= since)
    return user, residual, session * DAY + np.tile(np.arange(LENGTH) * 60, count)


@pytest.mark.parametrize("users", [1000, 60])
def test_a_third_of_what_everybody_gives_more_is_known_after_forty_sessions(users: int) -> None:
    for shift in (0.5, -0.5):
        found = np.empty(5)
        for seed in range(5):
            level = GlobalOffset.of(users, *sessions(seed, users, 240, shift, since=200))
            before, found[seed] = level.before(np.array([200, 240]) * DAY)
            assert abs(before) < 0.1
        assert (found / shift > 0).all()
        assert 0.3 < found.mean() / shift < 1


@pytest.mark.parametrize("users", [1000, 60])
def test_where_nothing_moves_the_level_is_all_but_zero(users: int) -> None:
    for seed in range(5):
        level = GlobalOffset.of(users, *sessions(seed, users, 600))
        assert np.abs(level.levels).mean() < 0.01
        assert np.mean(level.levels == 0) > 0.9


def test_one_person_is_not_the_world() -> None:
    user, residual, times = sessions(0, 1000, 300)
    one = np.full(100 * LENGTH, 1000, dtype=np.int32)
    _, own, later = sessions(1, 1, 100, shift=1.0)
    level = GlobalOffset.of(
        1001,
        np.concatenate([user, one]),
        np.concatenate([residual, own]),
        np.concatenate([times, 300 * DAY + later]),
    )
    assert np.abs(level.before(np.array([300 * DAY, 400 * DAY]))).max() < 0.1


def test_what_is_usual_of_newcomers_is_no_shift() -> None:
    """Newcomers who rate what they like best come by hundreds after hundreds of known users."""
    user, residual, times = sessions(0, 100, 600)
    seen = np.zeros(700, dtype=np.int64)
    newcomer = np.zeros(len(user), dtype=np.bool_)
    user[300 * LENGTH :] = 100 + np.arange(300).repeat(LENGTH)
    for n, who in enumerate(user):
        newcomer[n] = seen[who] < LENGTH
        seen[who] += 1
    level = GlobalOffset.of(700, user, residual + 0.3 * newcomer, times)
    assert np.abs(level.levels[300 * LENGTH :]).mean() < 0.05


def test_a_moment_knows_only_what_is_strictly_older() -> None:
    level = GlobalOffset(np.array([10, 10, 20]), np.array([0.0, 0.1, 0.2, 0.3]))
    asked = level.before(np.array([0, 10, 11, 20, 21]))
    np.testing.assert_array_equal(asked, [0.0, 0.0, 0.2, 0.2, 0.3])


def test_no_ratings_have_no_level() -> None:
    level = GlobalOffset.of(0, np.empty(0, np.int32), np.empty(0), np.empty(0, np.int64))
    np.testing.assert_array_equal(level.before(np.array([5])), [0.0])


@given(st.integers(0, 1000), st.integers(0, 60 * LENGTH))
@settings(max_examples=20, deadline=None)
def test_the_future_and_the_numbering_of_users_change_no_bit(seed: int, place: int) -> None:
    user, residual, times = sessions(seed, 20, 60, shift=1.0, since=30)
    generator = np.random.default_rng(seed)
    level = GlobalOffset.of(20, user, residual, times).levels
    renamed = generator.permutation(20).astype(np.int32)[user]
    np.testing.assert_array_equal(GlobalOffset.of(20, renamed, residual, times).levels, level)
    residual[place:] = generator.permutation(residual[place:])
    user[place:] = generator.permutation(user[place:])
    changed = GlobalOffset.of(20, user, residual, times).levels
    np.testing.assert_array_equal(changed[: place + 1], level[: place + 1])
