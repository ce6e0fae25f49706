"""Column names, types and units of the canonical tables.

Timestamps are whole seconds since 1970-01-01 UTC. Ratings are stars, `LOWEST_RATING` to
`HIGHEST_RATING`. Users and movies keep the ids of their source.
"""

from typing import Final

import polars as pl

USER: Final = "userId"
MOVIE: Final = "movieId"
RATING: Final = "rating"
TIMESTAMP: Final = "timestamp"
TITLE: Final = "title"
YEAR: Final = "year"
GENRES: Final = "genres"
IMDB: Final = "imdbId"
TMDB: Final = "tmdbId"
TAG: Final = "tag"
PREDICTION: Final = "prediction"
LOW: Final = "low"
HIGH: Final = "high"
LIKED: Final = "liked"
"""Probability of four stars or more."""

LOWEST_RATING: Final = 0.5
HIGHEST_RATING: Final = 5.0
TIMESTAMP_LIMIT: Final = 4_102_444_800
"""Timestamps are below this: the first second of the year 2100."""

RATINGS_SCHEMA: Final = pl.Schema(
    {
        USER: pl.Int64(),
        MOVIE: pl.Int64(),
        RATING: pl.Float64(),
        TIMESTAMP: pl.Int64(),
    }
)
MOVIES_SCHEMA: Final = pl.Schema(
    {
        MOVIE: pl.Int64(),
        TITLE: pl.String(),
        YEAR: pl.Int32(),
        GENRES: pl.List(pl.String()),
    }
)
LINKS_SCHEMA: Final = pl.Schema(
    {
        MOVIE: pl.Int64(),
        IMDB: pl.String(),
        TMDB: pl.String(),
    }
)
TAGS_SCHEMA: Final = pl.Schema(
    {
        USER: pl.Int64(),
        MOVIE: pl.Int64(),
        TAG: pl.String(),
        TIMESTAMP: pl.Int64(),
    }
)
TIME_ORDER: Final = (TIMESTAMP, USER, MOVIE)
"""The sort order of ratings; unique, since a user rates a movie once."""


def placeholder_movies(movies: pl.Series) -> pl.DataFrame:
    """Return canonical rows for movies known by id only: no title, no year, no genres."""
    return movies.to_frame(MOVIE).select(
        pl.col(MOVIE).cast(pl.Int64),
        pl.lit(None, pl.String()).alias(TITLE),
        pl.lit(None, pl.Int32()).alias(YEAR),
        pl.lit([], pl.List(pl.String())).alias(GENRES),
    )
