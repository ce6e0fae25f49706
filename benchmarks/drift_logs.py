"""Logs in which nothing changes, as a background for injected changes."""

from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.canonical import load_data
from foreseen.data.schema import (
    GENRES,
    MOVIE,
    MOVIES_SCHEMA,
    RATING,
    RATINGS_SCHEMA,
    TIME_ORDER,
    TIMESTAMP,
    TITLE,
    USER,
    YEAR,
)
from foreseen.drift.placebo import shuffle_sessions

DENSE: Final = "dense"
"""Name of a generated log of three years in which users return often."""
_USERS: Final = 1_500
_MOVIES: Final = 600
_SESSIONS: Final = 10_000
_DAYS: Final = 3 * 365
_START: Final = 1_500_000_000
_GENRES: Final = ("Action", "Comedy", "Crime", "Drama", "Horror", "Romance", "Sci-Fi", "Western")


@lru_cache(maxsize=1)
def background(data: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the ratings and movies of a log without drift.

    Args:
        data: `DENSE`, or the name or folder of a data set, whose sessions are shuffled.
        seed: Random seed.
    """
    if data == DENSE:
        return _dense(seed)
    tables = load_data(data)
    return shuffle_sessions(tables.ratings, seed), tables.movies


def _dense(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ratings by a model of two factors, in 10,000 sessions of eight ratings on average."""
    generator = np.random.default_rng(seed)
    tastes = generator.normal(0, 0.3, (_USERS, 2))
    factors = generator.normal(0, 1, (_MOVIES, 2))
    merit, bias = generator.normal(3.4, 0.45, _MOVIES), generator.normal(0, 0.4, _USERS)
    weights = 1 / np.arange(5, _MOVIES + 5)
    activity = generator.gamma(0.7, 1, _USERS)
    arrival = np.sort(generator.uniform(0, 0.9, _USERS))
    users = generator.choice(_USERS, _SESSIONS, p=activity / activity.sum())
    moments = arrival[users] + (1 - arrival[users]) * generator.random(_SESSIONS)
    seconds = _START + (moments * _DAYS * 86_400).astype(np.int64)
    rated: list[set[int]] = [set() for _ in range(_USERS)]
    rows: list[tuple[int, int, float, int]] = []
    for n in np.argsort(seconds):
        user = int(users[n])
        size = 1 + int(generator.poisson(7))
        drawn = generator.choice(_MOVIES, size, replace=False, p=weights / weights.sum())
        new = [int(movie) for movie in drawn if int(movie) not in rated[user]]
        rated[user].update(new)
        mean = merit[new] + bias[user] + factors[new] @ tastes[user]
        exact: NDArray[np.float64] = mean + generator.normal(0, 0.75, len(new))
        values = [min(max(round(2 * value) / 2, 0.5), 5.0) for value in map(float, exact)]
        rows += [
            (user + 1, movie + 1, value, int(seconds[n]) + 60 * place)
            for place, (movie, value) in enumerate(zip(new, values, strict=True))
        ]
    ratings = pl.DataFrame(rows, RATINGS_SCHEMA, orient="row")
    chosen = [
        list(generator.choice(_GENRES, 1 + int(generator.integers(2)), replace=False))
        for _ in range(_MOVIES)
    ]
    movies = pl.DataFrame(
        {
            MOVIE: np.arange(1, _MOVIES + 1),
            TITLE: [f"Movie {number}" for number in range(1, _MOVIES + 1)],
            YEAR: generator.integers(1950, 2017, _MOVIES),
            GENRES: [sorted(map(str, names)) for names in chosen],
        }
    ).cast(MOVIES_SCHEMA)
    return ratings.select(USER, MOVIE, RATING, TIMESTAMP).sort(TIME_ORDER), movies
