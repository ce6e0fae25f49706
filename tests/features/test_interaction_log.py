"""The log: order, adding ratings, views with other histories, prefixes of histories."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.data.encoding import FIRST_CODE, USER_LIMIT
from foreseen.data.identifiers import UNKNOWN
from foreseen.features.encoder import encode
from foreseen.features.interaction_log import PRIOR_MEAN, InteractionLog
from foreseen.features.queries import History, Queries


def log_of(ratings: pl.DataFrame) -> InteractionLog:
    return InteractionLog.of(ratings, Catalogue.of(tables_of(ratings).movies))


def history_of(log: InteractionLog, row: int) -> History:
    user = int(log.users.ids[row])
    ratings = log.ratings.filter(pl.col("userId") == user)
    return History(
        ratings["movieId"].to_numpy(),
        ratings["rating"].to_numpy(),
        ratings["timestamp"].to_numpy(),
        user,
    )


def test_the_later_of_two_ratings_of_a_pair_counts() -> None:
    log = log_of(ratings_of((1, 7, 5.0, 100), (2, 7, 4.0, 200)))
    grown = log.with_ratings(ratings_of((1, 7, 2.0, 300), (3, 8, 1.0, 400)))
    assert grown.ratings.rows() == [(2, 7, 4.0, 200), (1, 7, 2.0, 300), (3, 8, 1.0, 400)]
    assert log.ratings.height == 2
    older = grown.with_ratings(ratings_of((1, 7, 0.5, 50)))
    assert older.ratings.equals(grown.ratings)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 100))
def test_adding_ratings_in_steps_gives_the_log_of_all_of_them(seed: int, count: int) -> None:
    ratings = random_ratings(seed, 120)
    whole = log_of(ratings)
    steps = log_of(ratings[:count]).with_ratings(ratings[count:])
    assert steps.ratings.equals(whole.ratings)
    moments = whole.timestamp
    np.testing.assert_array_equal(steps.global_mean(moments), whole.global_mean(moments))


def test_the_end_is_the_second_after_the_last_rating() -> None:
    log = log_of(ratings_of((1, 7, 5.0, 100), (2, 7, 4.0, 200)))
    assert log.end == 201
    assert log_of(ratings_of((USER_LIMIT, 7, 5.0, 100))).without_accounts().end == 0


def test_the_ratings_of_accounts_can_be_left_out() -> None:
    account = USER_LIMIT + 2
    rows = [(1, 7, 5.0, 100), (account, 7, 4.0, 200), (FIRST_CODE + 3, 8, 4.0, 300)]
    log = log_of(ratings_of(*rows))
    rest = log.without_accounts()
    assert rest.ratings.rows() == [rows[0], rows[2]]
    assert len(rest.users) == 3
    assert len(rest.catalogue) == 2


def test_the_global_mean_is_damped_and_excludes_its_own_second() -> None:
    log = log_of(ratings_of((1, 7, 5.0, 100), (2, 7, 4.0, 100), (3, 8, 1.0, 300)))
    expected = [PRIOR_MEAN, (PRIOR_MEAN + 9) / 3, (PRIOR_MEAN + 10) / 4]
    np.testing.assert_allclose(log.global_mean(np.array([100, 101, 301])), expected)


def test_the_damped_mean_of_a_movie_without_ratings_is_the_global_mean() -> None:
    log = log_of(ratings_of((1, 7, 5.0, 100), (2, 8, 2.0, 200)))
    row, moment = log.catalogue.movies.rows([8]), np.array([150])
    np.testing.assert_array_equal(log.movie_mean(row, moment), log.global_mean(moment))


def test_views_count_ratings_before_the_moment() -> None:
    log = log_of(ratings_of((1, 7, 5.0, 100), (2, 7, 2.0, 200), (2, 8, 2.0, 200)))
    assert log.views(200).tolist() == [1, 0]
    assert log.views(201).tolist() == [2, 1]


def test_ratings_are_grouped_by_movie_in_time_order(log: InteractionLog) -> None:
    starts, positions, users = log.by_movie
    histories = log.histories
    assert starts[-1] == len(positions) == len(users) == len(log.rating)
    for movie in (0, 30, 500):
        group = positions[starts[movie] : starts[movie + 1]]
        assert (histories.movie[group] == movie).all()
        assert (np.diff(histories.times[group]) >= 0).all()
        assert set(users[group]) == set(log.user[log.movie == movie])


def test_a_view_with_a_users_history_has_the_features_of_the_log(log: InteractionLog) -> None:
    history = history_of(log, 5)
    view = log.view_of([history])
    moment = int(history.timestamps[len(history.timestamps) // 2])
    movies = np.arange(50, dtype=np.int32)
    before = np.full(50, moment, dtype=np.int64)
    row = np.full(50, 5, dtype=np.int32)
    from_log = encode(log.view, Queries(row, row, movies, before))
    from_view = encode(view, Queries(np.zeros(50, np.int32), row, movies, before))
    np.testing.assert_array_equal(from_log.values, from_view.values)


def test_a_view_sorts_histories_by_time_and_marks_unknown_movies(log: InteractionLog) -> None:
    known = int(log.catalogue.movies.ids[0])
    history = History(np.array([known, 10**9]), np.array([4.0, 2.0]), np.array([200, 100]))
    histories = log.view_of([History.empty(), history]).histories
    assert histories.starts.tolist() == [0, 0, 2]
    assert histories.movie.tolist() == [UNKNOWN, 0]
    assert histories.rating.tolist() == [2.0, 4.0]


def test_prefixes_hold_the_ratings_before_the_moment_shortest_first(log: InteractionLog) -> None:
    generator = np.random.default_rng(0)
    history = generator.integers(-1, 6, 40).astype(np.int32)
    before = generator.choice(log.timestamp, 40)
    queries = Queries(history, history, np.zeros(40, np.int32), before)
    order, groups, lengths = log.view.prefixes(queries)
    assert sorted(order.tolist()) == list(range(40))
    assert (groups[0], groups[-1]) == (0, 40)
    for first, stop in pairwise(groups):
        assert len(set(history[order[first:stop]])) == 1
        assert (np.diff(lengths[first:stop]) >= 0).all()
    for n, length in zip(order, lengths, strict=True):
        known = (log.user == history[n]) & (log.timestamp < before[n])
        assert length == known.sum()


def test_no_queries_have_no_prefixes(log: InteractionLog) -> None:
    order, groups, lengths = log.view.prefixes(Queries.none())
    assert len(order) == len(lengths) == 0
    assert groups.tolist() == [0]


def test_rating_queries_are_as_of_each_rating(log: InteractionLog) -> None:
    queries = log.rating_queries()
    np.testing.assert_array_equal(queries.before, log.timestamp)
    np.testing.assert_array_equal(queries.history, log.user)
    pairs = log.ratings.head(3)
    first = log.queries(pairs, log.timestamp[:3])
    np.testing.assert_array_equal(first.movie, queries.movie[:3])


def test_a_user_bias_contains_the_damped_mean_of_the_global_offsets(log: InteractionLog) -> None:
    histories = log.histories
    rows = slice(int(histories.starts[3]), int(histories.starts[4]))
    offsets = log.global_offset.before(histories.times[rows])
    expected = np.cumsum(offsets) / (np.arange(len(offsets)) + 1 + 4)
    found = log.view.offset_in_user_bias[rows]
    assert found == pytest.approx(expected, abs=1e-12)


SAME_SECOND = ((1, 9, 3.0, 50), (2, 8, 4.0, 100), (1, 8, 4.0, 100), (1, 3, 5.0, 100))


def test_a_log_in_file_order_keeps_the_order_of_one_second() -> None:
    catalogue = Catalogue.of(tables_of(ratings_of(*SAME_SECOND)).movies)
    given = ratings_of(*reversed(SAME_SECOND[1:]), SAME_SECOND[0])
    kept = InteractionLog.of(given, catalogue, in_file_order=True)
    assert kept.ratings.rows() == [
        (1, 9, 3.0, 50), (1, 3, 5.0, 100), (1, 8, 4.0, 100), (2, 8, 4.0, 100),
    ]  # fmt: skip
    later = ratings_of((1, 7, 2.0, 100), (1, 1, 2.0, 100))
    grown = kept.with_ratings(later)
    ids = grown.catalogue.movies.ids
    histories = grown.histories
    rows = slice(int(histories.starts[0]), int(histories.starts[1]))
    assert ids[histories.movie[rows]].tolist() == [9, 3, 8, 7, 1]
    assert grown.without_accounts().in_file_order
    sorted_by_id = InteractionLog.of(given, catalogue).with_ratings(later)
    assert sorted_by_id.ratings["movieId"].to_list() == [9, 1, 3, 7, 8, 8]


def test_a_view_of_a_log_in_file_order_keeps_the_order_of_histories() -> None:
    ratings = ratings_of(*SAME_SECOND)
    catalogue = Catalogue.of(tables_of(ratings).movies)
    history = History(np.array([8, 3, 9]), np.array([4.0, 5.0, 3.0]), np.array([100, 100, 50]))
    orders = {False: [9, 3, 8], True: [9, 8, 3]}
    for in_file_order, expected in orders.items():
        log = InteractionLog.of(ratings, catalogue, in_file_order)
        movies = log.view_of([History.empty(), history]).histories.movie
        assert catalogue.movies.ids[movies].tolist() == expected
