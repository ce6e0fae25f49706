"""Data shared by many tests."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foreseen.data.canonical import Tables, load_data, make_canonical
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.data.sources import RawTables
from foreseen.features.interaction_log import InteractionLog


@pytest.fixture(scope="session")
def real() -> Tables:
    """The complete ml-latest-small of 2016."""
    return load_data("ml-latest-small")


@pytest.fixture(scope="session")
def small(real: Tables) -> Tables:
    """The ratings of the first sixty users by id: about nine thousand."""
    return tables_of(ratings_of_users(real, 60), real.movies)


@pytest.fixture(scope="session")
def tiny(real: Tables) -> Tables:
    """The ratings of the first 22 users by id, about 4,000, without unrated movies."""
    ratings = ratings_of_users(real, 22)
    return tables_of(ratings, real.movies.join(ratings, on="movieId", how="semi"))


def ratings_of_users(tables: Tables, count: int) -> pl.DataFrame:
    """Return the ratings of the first users by id."""
    users = tables.ratings["userId"].unique().sort().head(count).to_list()
    return tables.ratings.filter(pl.col("userId").is_in(users))


@pytest.fixture(scope="session")
def log(small: Tables) -> InteractionLog:
    return InteractionLog.of(small.ratings, Catalogue.of(small.movies))


def tables_of(ratings: pl.DataFrame, movies: pl.DataFrame | None = None) -> Tables:
    lines = pl.int_range(2, ratings.height + 2, dtype=pl.Int64).alias("line")
    return make_canonical(RawTables("test", ratings.with_columns(lines), movies, "ratings.csv"))


def ratings_of(*rows: tuple[int, int, float, int]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=RATINGS_SCHEMA, orient="row")


def random_ratings(seed: int, count: int, users: int = 12, movies: int = 30) -> pl.DataFrame:
    """Return ratings of random distinct (user, movie) pairs with many ties in time."""
    generator = np.random.default_rng(seed)
    cells = generator.choice(users * movies, size=min(count, users * movies), replace=False)
    return pl.DataFrame(
        {
            "userId": cells // movies + 1,
            "movieId": cells % movies + 1,
            "rating": generator.integers(1, 11, len(cells)) / 2,
            "timestamp": 1_000_000_000 + generator.integers(0, 50, len(cells)) * 1000,
        }
    ).cast(RATINGS_SCHEMA)


def write_folder(folder: Path, ratings: str | bytes, movies: str | bytes | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("ratings.csv", ratings), ("movies.csv", movies)):
        if content is not None:
            data = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(data)
    return folder


def zip_folder(folder: Path, file: Path) -> Path:
    with zipfile.ZipFile(file, "w") as bundle:
        for entry in sorted(folder.iterdir()):
            bundle.write(entry, f"{folder.name}/{entry.name}")
    return file


def environment_with(package: Path, target: Path) -> dict[str, str]:
    """Install a package into a folder of its own; return an environment that has it."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*install, *options, str(package)], check=True, capture_output=True)
    return {**os.environ, "PYTHONPATH": str(target)}
