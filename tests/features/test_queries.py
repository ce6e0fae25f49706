"""Histories and queries as arrays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foreseen.features.queries import History, Queries


def queries(count: int) -> Queries:
    rows = np.arange(count, dtype=np.int32)
    return Queries(rows, rows + 10, rows + 20, rows.astype(np.int64) + 30)


@given(st.integers(0, 6), st.integers(0, 6))
def test_queries_followed_by_others_keep_their_order(first: int, second: int) -> None:
    joined = queries(first).followed_by(queries(second))
    assert len(joined) == first + second
    np.testing.assert_array_equal(joined.part(slice(0, first)).user, queries(first).user)
    np.testing.assert_array_equal(joined.part(slice(first, None)).before, queries(second).before)


def test_a_grid_has_one_query_per_history_and_movie() -> None:
    movies = np.array([7, 8, 9], dtype=np.int32)
    grid = Queries.grid(2, movies, 100, np.array([4, -1], dtype=np.int32))
    assert grid.history.tolist() == [0, 0, 0, 1, 1, 1]
    assert grid.user.tolist() == [4, 4, 4, -1, -1, -1]
    assert grid.movie.tolist() == [7, 8, 9, 7, 8, 9]
    assert set(grid.before.tolist()) == {100}
    assert Queries.grid(2, movies, 100).user.tolist() == [-1] * 6


def test_no_queries_have_no_length() -> None:
    assert len(Queries.none()) == 0
    assert len(History.empty().movies) == 0


def test_a_history_without_a_movie_keeps_the_others_and_the_user() -> None:
    history = History(np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0]), np.array([10, 20, 30]), 5)
    rest = history.without(2)
    assert rest.movies.tolist() == [1, 3]
    assert rest.ratings.tolist() == [1.0, 3.0]
    assert rest.timestamps.tolist() == [10, 30]
    assert rest.user == 5
    assert history.without(9).movies.tolist() == [1, 2, 3]
