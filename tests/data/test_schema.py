"""The canonical columns."""

import polars as pl

from foreseen.data.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    MOVIE,
    MOVIES_SCHEMA,
    RATINGS_SCHEMA,
    TIME_ORDER,
    placeholder_movies,
)


def test_ratings_are_sorted_by_their_own_columns() -> None:
    assert set(TIME_ORDER) < set(RATINGS_SCHEMA)
    assert LOWEST_RATING < HIGHEST_RATING


def test_placeholders_follow_the_movies_schema_and_have_only_an_id() -> None:
    movies = placeholder_movies(pl.Series("any name", [7, 3], dtype=pl.Int32()))
    assert movies.schema == MOVIES_SCHEMA
    assert movies.rows() == [(7, None, None, []), (3, None, None, [])]
    assert placeholder_movies(pl.Series(MOVIE, [], dtype=pl.Int64())).is_empty()
