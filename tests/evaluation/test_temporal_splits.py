"""Splits by time of publications, against cases computed by hand."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.errors import InputError
from foreseen.evaluation.temporal_splits import core, last_days, time_to_split
from foreseen.features.examples import DAY


def test_users_and_movies_below_the_core_are_removed_until_none_is_left() -> None:
    # Without user 9, who has one rating, movie 3 has one, and without it user 8 has one.
    block = [(user, movie, 3.0, user) for user in (1, 2) for movie in (1, 2)]
    ratings = ratings_of(*block, (8, 1, 3.0, 8), (8, 3, 3.0, 8), (9, 3, 3.0, 9))
    assert core(ratings, least=2).rows() == block


@given(st.integers(0, 200), st.integers(50, 250))
def test_the_core_is_the_largest_set_with_five_ratings_each(seed: int, count: int) -> None:
    ratings = tables_of(random_ratings(seed, count, users=20, movies=20)).ratings
    try:
        kept = core(ratings)
    except InputError:
        return
    for name in ("userId", "movieId"):
        assert kept[name].value_counts()["count"].to_list()[0] >= 5
        assert all(size >= 5 for size in kept[name].value_counts()["count"].to_list())
    # No other rating can be added: its users and movies have too few ratings with it.
    left = ratings.join(kept, on=["userId", "movieId"], how="anti")
    for user, movie in left.select("userId", "movieId").iter_rows():
        grown = pl.concat([kept, ratings.filter(userId=user, movieId=movie)])
        few = min(grown.filter(userId=user).height, grown.filter(movieId=movie).height)
        assert few < 5
    assert kept.equals(ratings.join(kept, on=["userId", "movieId"], how="semi"))


def test_a_log_without_a_core_is_refused() -> None:
    with pytest.raises(InputError, match="no user and movie have 5 ratings"):
        core(ratings_of((1, 1, 3.0, 1)))


def test_time_is_split_at_its_quantile() -> None:
    # Five users rate the same five movies, a movie a second each: 25 ratings at 0, ..., 24. The 0.9
    # quantile of their times is 21.6.
    rows = [
        (user, movie, 3.0, 5 * (user - 1) + movie - 1)
        for user in range(1, 6)
        for movie in range(1, 6)
    ]
    split = time_to_split(ratings_of(*rows))
    assert split.until == pytest.approx(21.6)
    assert split.known.rows() == rows[:22]
    assert split.ratings.rows() == rows


def test_users_with_one_early_rating_are_not_trained_on() -> None:
    # Of 45 ratings the first 41 are early; the quantile is at position 39.6.
    rows = [(user, movie, 3.0, 5 * user + movie) for user in range(1, 9) for movie in range(1, 6)]
    rows += [(9, 1, 3.0, 7), *((9, movie, 3.0, 100 + movie) for movie in range(2, 6))]
    split = time_to_split(tables_of(ratings_of(*rows)).ratings)
    assert 43 < split.until < 45
    assert set(split.known["userId"]) == set(range(1, 9))
    assert split.ratings.height == 45
    with pytest.raises(InputError, match="all ratings are on one side"):
        time_to_split(ratings_of(*((user, movie, 3.0, 7) for user, movie, *_ in rows)))


def test_the_last_sixty_days_end_with_the_day_of_the_last_rating() -> None:
    begin = 100 * DAY
    rows = [
        (1, 1, 3.0, begin - 1),
        (2, 2, 3.0, begin - 1),
        (1, 2, 4.0, begin),
        (2, 1, 2.0, begin + 60 * DAY - 1),
        # A new user, a new movie.
        (3, 1, 3.0, begin + 5),
        (1, 3, 3.0, begin + 5),
    ]
    known, later = last_days(tables_of(ratings_of(*rows)).ratings)
    assert known.rows() == rows[:2]
    assert later.rows() == rows[2:4]
    # A second later it is another day, and so a day later that the test part begins.
    rows[3] = (2, 1, 2.0, begin + 60 * DAY)
    known, later = last_days(tables_of(ratings_of(*rows)).ratings)
    assert known.height == 5
    assert later.rows() == rows[3:4]


def test_a_log_of_a_few_days_has_no_last_sixty() -> None:
    with pytest.raises(InputError, match="before the last 60 days"):
        last_days(ratings_of((1, 1, 3.0, 1), (1, 2, 3.0, 9 * DAY)))
