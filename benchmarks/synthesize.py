"""Generate a data set shaped like MovieLens, of any size, as `ratings.csv` and `movies.csv`.

Users arrive over the years and rate in sessions. Numbers of ratings per user and per movie have
long tails. Movies are rated after their release only, and new ones more often. A rating is a latent
value (biases of user and movie, factors of both, drift of each movie and of the whole) in steps of
half a star; before 2003, and for users who prefer them, of whole stars. Rows are in the order of
MovieLens: by user and movie. Memory does not depend on the number of ratings: users are generated
in blocks, each with random numbers of its own. `--fractal` expands a real log instead; see
`fractal.py`.

    python benchmarks/synthesize.py OUT [--ratings 32000204] [--users 200948] [--movies 87585]
    python benchmarks/synthesize.py OUT --fractal ml-latest-small --times 16x32
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from fractal import expand
from numpy.typing import NDArray

from foreseen.data.canonical import load_data
from foreseen.data.schema import GENRES, MOVIE, RATING, TIMESTAMP, TITLE, USER

FIRST: Final = 789_652_009
"""1995-01-09, the first rating of MovieLens."""
LAST: Final = 1_697_164_147
"""2023-10-13, the last rating of ml-32m."""
HALF_STARS_FROM: Final = 1_045_526_400
"""2003-02-18."""
GENRE_NAMES: Final = (
    "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War",
    "Western",
)  # fmt: skip
_YEAR: Final = 31_556_952
_LEAST: Final = 20
"""Ratings of a user; MovieLens leaves out users with fewer."""
_SPREAD: Final = 1.39
"""Standard deviation of the logarithm of the further ratings of a user."""
_FACTORS: Final = 12
_BLOCK: Final = 500_000
"""Ratings that are generated at once."""
_ROUNDS: Final = 12


@dataclass(frozen=True)
class Movies:
    """The movies and their latent values.

    Attributes:
        release: Second of the release, of shape C.
        popularity: Weight of a movie among those of its time, of shape C.
        bias, trend: Mean rating relative to the mean of all, and its change per year.
        factors: Of shape C x F.
        genres: Up to three genres of each movie, joined by `|`.
    """

    release: NDArray[np.int64]
    popularity: NDArray[np.float64]
    bias: NDArray[np.float64]
    trend: NDArray[np.float64]
    factors: NDArray[np.float32]
    genres: list[str]


def main() -> None:
    """Generate a data set in a folder and print its size and the time taken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("out", type=Path)
    parser.add_argument("--ratings", type=int, default=32_000_204)
    parser.add_argument("--users", type=int, default=200_948)
    parser.add_argument("--movies", type=int, default=87_585)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fractal", metavar="DATA")
    parser.add_argument("--times", default="4x4", help="copies of users x copies of movies")
    given = parser.parse_args()
    begun = time.perf_counter()
    if given.fractal:
        users, movies = map(int, given.times.split("x"))
        parts, table = expand(load_data(given.fractal), users, movies, given.seed)
    else:
        parts, table = generate(given.ratings, given.users, given.movies, given.seed)
    count = write(given.out, parts, table)
    print(f"{count:,} ratings in {given.out}: {time.perf_counter() - begun:.0f} s")


def write(folder: Path, parts: Iterator[pl.DataFrame], movies: pl.DataFrame) -> int:
    """Write the CSV files of a data set, block by block; return the number of ratings."""
    folder.mkdir(parents=True, exist_ok=True)
    movies.write_csv(folder / "movies.csv")
    count = 0
    with (folder / "ratings.csv").open("wb") as file:
        for part in parts:
            part.write_csv(file, include_header=count == 0, float_precision=1)
            count += part.height
    return count


def generate(
    ratings: int, users: int, movies: int, seed: int = 0
) -> tuple[Iterator[pl.DataFrame], pl.DataFrame]:
    """Return blocks of ratings, and the movies; the number of each is as given.

    Raises:
        ValueError: If there are fewer than 20 ratings per user, or too few movies for them.
    """
    if ratings < _LEAST * users or ratings > users * movies // 4:
        raise ValueError(
            f"there should be {_LEAST} to {movies // 4} ratings per user. "
            f"Received: {ratings / users:.0f}"
        )
    of_movies = _movies(movies, np.random.default_rng([seed, 0]))
    generator = np.random.default_rng([seed, 1])
    counts = ratings_per_user(ratings, users, movies // 3, generator)
    years = 1970 + of_movies.release // _YEAR
    table = pl.DataFrame(
        {
            MOVIE: np.arange(1, movies + 1),
            TITLE: [f"Movie {n} ({year})" for n, year in enumerate(years, start=1)],
            GENRES: of_movies.genres,
        }
    )
    return _blocks(counts, of_movies, seed), table


def ratings_per_user(
    ratings: int, users: int, most: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return the number of ratings of each user: shifted lognormal, with the sum given."""
    further = generator.lognormal(sigma=_SPREAD, size=users)
    total = ratings - _LEAST * users
    for _ in range(20):  # Clipping takes ratings away, which the others get.
        further = np.minimum(further * (total / further.sum()), most - _LEAST)
    counts = further.astype(np.int64)
    missing = total - int(counts.sum())
    counts[np.argsort(counts - further, kind="stable")[: max(missing, 0)]] += 1
    return _LEAST + counts


def _movies(count: int, generator: np.random.Generator) -> Movies:
    rank = generator.permutation(count)
    # Fitted to the numbers of ratings per movie of ml-latest-small.
    popularity = np.exp(-0.29 * np.log1p(rank / 50) ** 1.9)
    age = generator.gamma(1.3, 16.0, count) * _YEAR
    release = np.maximum(LAST - age, -60 * _YEAR).astype(np.int64)
    factors = generator.normal(size=(count, _FACTORS))
    loadings = generator.normal(size=(_FACTORS, len(GENRE_NAMES)))
    affinity = factors @ loadings + generator.gumbel(scale=2.0, size=(count, len(GENRE_NAMES)))
    best: list[list[int]] = np.argsort(-affinity, axis=1)[:, :3].tolist()
    given: list[int] = generator.integers(1, 4, count).tolist()
    genres = [
        "|".join(GENRE_NAMES[genre] for genre in sorted(row[:number]))
        for row, number in zip(best, given, strict=True)
    ]
    return Movies(
        release=release,
        popularity=popularity,
        bias=generator.normal(0, 0.34, count) + 0.05 * (np.log(popularity) + 3),
        trend=generator.normal(0, 0.015, count),
        factors=(factors / np.sqrt(_FACTORS)).astype(np.float32),
        genres=genres,
    )


def _blocks(counts: NDArray[np.int64], movies: Movies, seed: int) -> Iterator[pl.DataFrame]:
    ends = np.cumsum(counts)
    first = 0
    while first < len(counts):
        done = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, done + _BLOCK, side="right")), first + 1)
        generator = np.random.default_rng([seed, 2, first])
        yield _block(first + 1, counts[first:last], movies, generator)
        first = last


def _block(
    first_user: int, counts: NDArray[np.int64], movies: Movies, generator: np.random.Generator
) -> pl.DataFrame:
    """Return the ratings of consecutive users."""
    size = len(counts)
    user = np.repeat(np.arange(size), counts)
    moment = timestamps(counts, generator)
    taste = generator.normal(size=(size, _FACTORS)).astype(np.float32)
    movie = _watched(user, moment, taste, movies, generator)
    years = (moment - FIRST) / _YEAR
    affinity = np.einsum("nf,nf->n", taste[user], movies.factors[movie])
    value: NDArray[np.float64] = (
        3.44
        + 0.06 * np.sin(years / 4)
        + generator.normal(0, 0.46, size)[user]
        + movies.bias[movie]
        + movies.trend[movie] * (moment - movies.release[movie]) / _YEAR
        + 0.35 * affinity
        + generator.normal(0, 0.84, len(user))
    )
    prefers_half = generator.beta(2.0, 0.8, size)[user]
    half = (moment >= HALF_STARS_FROM) & (generator.random(len(user)) < prefers_half)
    stars: NDArray[np.float64] = np.where(half, np.round(2 * value) / 2, np.round(value))
    frame = pl.DataFrame(
        {
            USER: first_user + user,
            MOVIE: movie + 1,
            RATING: np.clip(stars, np.where(half, 0.5, 1.0), 5.0),
            TIMESTAMP: moment,
        }
    )
    return frame.sort(USER, MOVIE)


def timestamps(counts: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the moments of the ratings of users, one user after the other, ascending for each.

    Args:
        counts: Number of ratings of each user.
        generator: Random numbers.
    """
    total = int(counts.sum())
    starts = np.cumsum(counts) - counts
    # Over half of the users have one session.
    returns = np.where(
        generator.random(len(counts)) < 0.52,
        0.001,
        np.minimum(generator.lognormal(np.log(0.02), 1.1, len(counts)), 0.5),
    )
    within = np.where(
        generator.random(total) < 0.24, 0.0, 1 + generator.lognormal(np.log(14), 1.35, total)
    )
    between = generator.lognormal(np.log(4 * 86_400), 2.0, total) + 3600
    gaps = np.where(generator.random(total) < np.repeat(returns, counts), between, within)
    gaps[starts] = 0
    passed = np.cumsum(np.floor(gaps))
    passed -= np.repeat(passed[starts], counts)
    span = passed[starts + counts - 1]
    available = (LAST - FIRST) * 0.9
    passed *= np.repeat(np.minimum(1, available / np.maximum(span, 1)), counts)
    latest = LAST - np.minimum(span, available)
    begun = FIRST + generator.random(len(counts)) * (latest - FIRST)
    return (np.repeat(np.floor(begun), counts) + np.floor(passed)).astype(np.int64)


def _watched(
    user: NDArray[np.int64],
    moment: NDArray[np.int64],
    taste: NDArray[np.float32],
    movies: Movies,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Return a movie for each rating, released before it and different for each of a user."""
    count = len(movies.release)
    movie = np.full(len(user), -1, dtype=np.int64)
    year = (moment - FIRST) // _YEAR
    open_ = np.arange(len(user))
    for round_ in range(_ROUNDS):
        for now in np.unique(year[open_]):
            rows = open_[year[open_] == now]
            chance = _chances(movies, int(now), 1 / (1 + round_ / 3))
            draws = generator.random((2, len(rows))) * float(chance[-1])
            drawn = np.minimum(np.searchsorted(chance, draws, side="right"), count - 1)
            # Of two movies, the one that the user probably prefers.
            first, second = (
                np.einsum("nf,nf->n", taste[user[rows]], movies.factors[drawn[side]])
                for side in (0, 1)
            )
            preferred = generator.logistic(size=len(rows)) < 1.5 * (first - second)
            movie[rows] = np.where(preferred, drawn[0], drawn[1])
        open_ = _repeated(user, movie, count)
        if not len(open_):
            return movie
    return _filled(user, moment, movie, open_, movies)


def _chances(movies: Movies, year: int, power: float) -> NDArray[np.float64]:
    """Return the cumulative weights of the movies at the begin of a year since `FIRST`."""
    age = (FIRST + year * _YEAR - movies.release) / _YEAR
    fresh = 1 + 2 * np.exp(-np.maximum(age, 0) / 2)
    return np.cumsum(np.where(age >= 0, (movies.popularity * fresh) ** power, 0.0))


def _repeated(user: NDArray[np.int64], movie: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the positions of ratings whose user has an earlier one of the movie."""
    _, first = np.unique(user * count + movie, return_index=True)
    repeated = np.ones(len(user), dtype=np.bool_)
    repeated[first] = False
    return np.flatnonzero(repeated)


def _filled(
    user: NDArray[np.int64],
    moment: NDArray[np.int64],
    movie: NDArray[np.int64],
    open_: NDArray[np.int64],
    movies: Movies,
) -> NDArray[np.int64]:
    """Give the remaining ratings the most popular movies that their users have not rated."""
    order = np.argsort(-movies.popularity)
    for one in np.unique(user[open_]):
        rows = open_[user[open_] == one]
        taken = np.zeros(len(order), dtype=np.bool_)
        taken[movie[user == one]] = True
        released = movies.release[order] <= moment[rows].min()
        left = order[released & ~taken[order]]
        if len(left) < len(rows):
            left = order[~taken[order]]
        movie[rows] = left[: len(rows)]
    return movie


if __name__ == "__main__":
    main()
