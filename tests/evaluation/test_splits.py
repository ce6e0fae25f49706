import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.errors import InputError
from foreseen.evaluation.splits import (
    cut,
    fold_in,
    last_of_users,
    leave_last_out,
    random_folds,
    revealed_until,
)


@given(st.integers(0, 1000), st.integers(20, 120))
@settings(max_examples=30, deadline=None)
def test_fold_in_reveals_half_of_each_new_user_and_hides_the_rest(seed: int, count: int) -> None:
    ratings = tables_of(random_ratings(seed, count, users=20)).ratings
    try:
        split = fold_in(ratings)
    except InputError:
        return
    known_users = set(split.known["userId"].to_list())
    assert not known_users & set(split.revealed["userId"].to_list())
    assert split.known.height == int(0.8 * count)
    for revealed in split.revealed.partition_by("userId"):
        user = revealed["userId"][0]
        hidden = split.hidden.filter(pl.col("userId") == user)
        assert revealed.height == max(1, (revealed.height + hidden.height) // 2)
        if hidden.height:
            assert revealed["timestamp"].to_numpy().max() <= hidden["timestamp"].to_numpy().min()


def test_hidden_ratings_are_as_of_the_last_revealed_second() -> None:
    past = [(1, movie, 3.0, movie) for movie in range(8)]
    split = fold_in(ratings_of(*past, (2, 1, 4.0, 100), (2, 2, 4.0, 200)))
    assert revealed_until(split).tolist() == [100]


def test_a_log_without_new_users_has_no_fold_in() -> None:
    ratings = ratings_of(*((1, movie, 3.0, movie) for movie in range(10)))
    with pytest.raises(InputError, match="no user begins after the first 80%"):
        fold_in(ratings)


def test_a_log_of_one_rating_per_user_has_no_fold_in() -> None:
    ratings = ratings_of(*((user, user, 3.0, user) for user in range(10)))
    with pytest.raises(InputError, match="has two ratings, one to reveal"):
        fold_in(ratings)


@given(st.integers(2, 200), st.floats(0.01, 0.99))
def test_a_cut_keeps_the_order_and_all_ratings(count: int, share: float) -> None:
    ratings = pl.DataFrame({"timestamp": np.arange(count)})
    try:
        past, later = cut(ratings, share)
    except InputError:
        assert share * count < 1 + 1e-9
        return
    assert pl.concat([past, later]).equals(ratings)
    assert 0 <= share * count - past.height + 1e-9 < 1 + 1e-9


def test_a_cut_is_exact_where_floating_point_is_not() -> None:
    past, later = cut(pl.DataFrame({"timestamp": range(50)}), 0.9)
    assert (past.height, later.height) == (45, 5)


def test_a_single_rating_cannot_be_cut() -> None:
    with pytest.raises(InputError, match="1 ratings are too few"):
        cut(ratings_of((1, 1, 3.0, 1)), 0.9)


@given(seed=st.integers(0, 500), count=st.integers(2, 150))
def test_leave_last_out_splits_off_one_rating_of_each_user_with_two(seed: int, count: int) -> None:
    ratings = tables_of(random_ratings(seed, count)).ratings
    several = ratings.group_by("userId").len().filter(pl.col("len") > 1)
    if several.is_empty():
        return
    known, last, tied = leave_last_out(ratings)
    assert sorted(last["userId"]) == sorted(several["userId"])
    assert pl.concat([known, last]).sort(ratings.columns).equals(ratings.sort(ratings.columns))
    latest = known.group_by("userId").agg(latest=pl.col("timestamp").max())
    both = last.join(latest, on="userId")
    assert (both["timestamp"] >= both["latest"]).all()
    assert tied == (both["timestamp"] == both["latest"]).sum()


def test_leave_last_out_needs_a_user_with_two_ratings() -> None:
    with pytest.raises(InputError, match="no user has two ratings"):
        leave_last_out(ratings_of((1, 1, 3.0, 1), (2, 1, 3.0, 1)))


@given(st.integers(1, 200), st.integers(2, 7))
def test_folds_are_of_even_size_and_reproducible(count: int, folds: int) -> None:
    ratings = pl.DataFrame({"rating": np.zeros(count)})
    fold = random_folds(ratings, folds)
    sizes = np.bincount(fold.to_numpy(), minlength=folds)
    assert sizes.sum() == count
    assert sizes.max() - sizes.min() <= 1
    assert fold.equals(random_folds(ratings, folds))


def test_the_last_ratings_of_each_user_are_split_off() -> None:
    ratings = ratings_of(*((1, movie, 3.0, movie) for movie in range(10)), (2, 1, 4.0, 40))
    known, last = last_of_users(ratings, 0.2)
    assert last["timestamp"].to_list() == [8, 9]
    assert known.height + last.height == 11
    assert known["timestamp"].is_sorted()
    with pytest.raises(InputError, match="no user has enough ratings to leave out 20%"):
        last_of_users(ratings_of((1, 1, 3.0, 1), (2, 1, 3.0, 2)), 0.2)
