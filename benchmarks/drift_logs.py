"""Logs in which nothing changes, as a background for injected changes, and one of new releases.

python benchmarks/drift_logs.py OUT --seed 0    # write the log of new releases
"""

import argparse
from functools import lru_cache
from pathlib import Path
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
_DAY: Final = 86_400
_START: Final = 1_500_000_000
RELEASES: Final = "releases"
"""Name of a generated log of half a year in which users rate what they just watched."""
_VIEWERS: Final = 16_600
_VIEWS: Final = 8.3
"""Ratings of a user on average."""
_OLD, _NEW = 2_000, 1_500
"""Movies released before, and during the log."""
_HALF_YEAR: Final = 182 * _DAY
_ATTENTION: Final = 14 * _DAY
"""Time constant of the attention to a new release."""
_GENRES: Final = ("Action", "Comedy", "Crime", "Drama", "Horror", "Romance", "Sci-Fi", "Western")


@lru_cache(maxsize=1)
def background(data: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the ratings and movies of a log without drift.

    Args:
        data: `DENSE`, `RELEASES`, or the name or folder of a data set, whose sessions are shuffled.
        seed: Random seed.
    """
    if data == DENSE:
        return _dense(seed)
    if data == RELEASES:
        return releases(seed)
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
    seconds = _START + (moments * _DAYS * _DAY).astype(np.int64)
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
    genres = _genres(_MOVIES, generator)
    movies = _table(genres, generator.integers(1950, 2017, _MOVIES))
    return ratings.select(USER, MOVIE, RATING, TIMESTAMP).sort(TIME_ORDER), movies


def releases(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return about 100,000 ratings of 16,600 users, about two thirds of them of new releases.

    Users come at any time and rate one movie at a time, days apart. Half of the ratings of a new
    release come within ten days of it. Those who watch it first like it more than later viewers
    (self-selection: Li and Hitt, 2008), and movies differ in that.
    """
    generator = np.random.default_rng(seed)
    counts = 1 + generator.geometric(1 / (_VIEWS - 1), _VIEWERS)
    user = np.repeat(np.arange(_VIEWERS), counts)
    gaps = generator.exponential(6 * _DAY, len(user))
    passed = np.cumsum(gaps) - np.repeat(
        (np.cumsum(gaps) - gaps)[np.cumsum(counts) - counts], counts
    )
    arrival = generator.uniform(-0.2, 0.97, _VIEWERS)[user] * _HALF_YEAR
    moment = (arrival + passed).astype(np.int64)
    inside = (moment >= 0) & (moment < _HALF_YEAR)
    user, moment = user[inside], moment[inside]
    released = np.append(np.full(_OLD, -400 * _DAY), generator.uniform(-0.1, 1, _NEW) * _HALF_YEAR)
    count = _OLD + _NEW
    popularity = generator.pareto(1.1, count) + 0.05
    movie = np.zeros(len(user), dtype=np.int64)
    day = moment // _DAY
    for today in np.unique(day):
        age = today * _DAY - released
        new = np.where(age[_OLD:] >= 0, popularity[_OLD:] * np.exp(-age[_OLD:] / _ATTENTION), 0)
        old = popularity * (age >= 30 * _DAY)
        weights = 0.35 * old / old.sum()
        weights[_OLD:] += 0.65 * new / new.sum()
        rows = np.flatnonzero(day == today)
        movie[rows] = generator.choice(count, len(rows), p=weights)
    taste, factors = (
        generator.normal(0, 0.3, (_VIEWERS, 2)),
        generator.normal(0, 1, (count, 2)),
    )
    early = generator.normal(0.3, 0.25, count) * (np.arange(count) >= _OLD)
    value: NDArray[np.float64] = (
        generator.normal(3.4, 0.45, count)[movie]
        + early[movie] * np.exp(-(moment - released[movie]) / _ATTENTION)
        + generator.normal(0, 0.45, _VIEWERS)[user]
        + np.einsum("nf,nf->n", taste[user], factors[movie])
        + generator.normal(0, 0.8, len(user))
    )
    ratings = pl.DataFrame(
        {
            USER: user + 1,
            MOVIE: movie + 1,
            RATING: np.clip(np.round(2 * value) / 2, 0.5, 5.0),
            TIMESTAMP: _START + moment,
        }
    ).cast(RATINGS_SCHEMA)
    genres = _genres(count, generator)
    years = np.append(generator.integers(1950, 2017, _OLD), np.full(_NEW, 2017))
    ratings = ratings.sort(TIME_ORDER).unique([USER, MOVIE], keep="first", maintain_order=True)
    return ratings, _table(genres, years)


def _genres(movies: int, generator: np.random.Generator) -> list[list[str]]:
    """Return one or two genres of each movie."""
    chosen = [
        generator.choice(_GENRES, 1 + int(generator.integers(2)), replace=False)
        for _ in range(movies)
    ]
    return [sorted(map(str, names)) for names in chosen]


def _table(genres: list[list[str]], years: NDArray[np.int64]) -> pl.DataFrame:
    """Return movies of the genres and years given."""
    return pl.DataFrame(
        {
            MOVIE: np.arange(1, len(years) + 1),
            TITLE: [f"Movie {number}" for number in range(1, len(years) + 1)],
            YEAR: years,
            GENRES: genres,
        }
    ).cast(MOVIES_SCHEMA)


def main() -> None:
    """Write the log of new releases as a data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    ratings, movies = releases(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    ratings.write_csv(given.out / "ratings.csv", float_precision=1)
    titles = pl.concat_str(TITLE, pl.lit(" ("), YEAR, pl.lit(")"))
    movies.select(MOVIE, titles, pl.col(GENRES).list.join("|")).write_csv(given.out / "movies.csv")
    print(f"{ratings.height:,} ratings in {given.out}")


if __name__ == "__main__":
    main()
