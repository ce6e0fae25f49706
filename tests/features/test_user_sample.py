"""The sample of users that models of large logs are fitted to."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foreseen.features.interaction_log import InteractionLog
from foreseen.features.user_sample import MOST_RATINGS, in_sample, sampled_log, training_share

IDS = st.lists(st.integers(-(2**62), 2**62), max_size=50, unique=True)
SHARES = st.floats(0, 1)


@given(IDS, SHARES, SHARES)
def test_a_larger_share_contains_a_smaller_one(ids: list[int], one: float, other: float) -> None:
    users = np.array(ids, dtype=np.int64)
    smaller, larger = in_sample(users, min(one, other)), in_sample(users, max(one, other))
    assert not (smaller & ~larger).any()


@given(IDS, SHARES)
def test_a_user_is_in_the_sample_whoever_else_there_is(ids: list[int], share: float) -> None:
    users = np.array(ids, dtype=np.int64)
    together = in_sample(users, share)
    alone = [bool(in_sample(users[row : row + 1], share)[0]) for row in range(len(users))]
    assert together.tolist() == alone


@given(IDS)
def test_everyone_is_in_the_whole_and_nobody_in_an_empty_sample(ids: list[int]) -> None:
    users = np.array(ids, dtype=np.int64)
    assert in_sample(users, 1.0).all()
    assert not in_sample(users, 0.0).any()


def test_consecutive_ids_are_drawn_with_the_share() -> None:
    found = in_sample(np.arange(100_000), 0.3)
    assert abs(found.mean() - 0.3) < 0.01
    # And independently of their neighbours.
    assert abs((found[1:] & found[:-1]).mean() - 0.09) < 0.01


def test_the_share_falls_with_the_size_beyond_a_million_ratings() -> None:
    assert training_share(0) == training_share(MOST_RATINGS) == 1
    assert training_share(4 * MOST_RATINGS) == 0.25


def test_a_sampled_log_has_whole_histories_in_the_same_rows(log: InteractionLog) -> None:
    part = sampled_log(log, 0.4)
    kept = in_sample(log.users.ids, 0.4)
    counts = np.bincount(log.user, minlength=len(log.users))
    sampled = np.bincount(part.user, minlength=len(part.users))
    np.testing.assert_array_equal(sampled, np.where(kept, counts, 0))
    assert 0 < kept.sum() < len(kept)
    assert sampled_log(log, 1.0) is log
