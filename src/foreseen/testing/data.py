"""Small data sets for tests."""

import polars as pl

from foreseen.data.canonical import Tables, load_data, make_canonical
from foreseen.data.schema import RATINGS_SCHEMA, USER
from foreseen.data.sources import BUILT_IN, RawTables


def ratings_frame(*rows: tuple[int, int, float, int]) -> pl.DataFrame:
    """Return a ratings table of (userId, movieId, rating, timestamp) rows."""
    return pl.DataFrame(list(rows), schema=RATINGS_SCHEMA, orient="row")


def make_tables(ratings: pl.DataFrame, movies: pl.DataFrame | None = None) -> Tables:
    """Return canonical tables of ratings and, if given, movies.

    Raises:
        DataError: If there is no rating, or a user has rated a movie twice.
    """
    lines = pl.int_range(2, ratings.height + 2, dtype=pl.Int64).alias("line")
    return make_canonical(RawTables("test", ratings.with_columns(lines), movies, "ratings.csv"))


def small_tables(users: int = 60) -> Tables:
    """Return the ratings of the first users, by id, of the built-in data set.

    Sixty users have about nine thousand ratings.
    """
    tables = load_data(BUILT_IN)
    ids = tables.ratings[USER].unique().sort().head(users).to_list()
    return make_tables(tables.ratings.filter(pl.col(USER).is_in(ids)), tables.movies)
