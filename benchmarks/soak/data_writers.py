"""Writers of canonical data, and of ratings in the database."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from writers import Step, Writer, require

from foreseen.data.canonical import Tables, load_data, make_canonical, write_tables
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.data.sources import RawTables
from foreseen.serving.locations import default_database
from foreseen.serving.store import Store, StoredRating

_IMPORTED: Final = 500


def random_tables(size: int, seed: int = 0, links: bool = False) -> Tables:
    """Return ratings of random movies by 25 users."""
    generator = np.random.default_rng(seed)
    cells = generator.choice(25 * 200, size=size, replace=False)
    frame = pl.DataFrame(
        {
            "userId": cells // 200 + 1,
            "movieId": cells % 200 + 1,
            "rating": generator.integers(1, 11, size) / 2,
            "timestamp": 1_000_000_000 + generator.integers(0, 50, size) * 1000,
        }
    ).cast(RATINGS_SCHEMA)
    lines = pl.int_range(2, size + 2, dtype=pl.Int64).alias("line")
    table = pl.DataFrame({"movieId": [1], "imdbId": ["0111161"], "tmdbId": ["278"]})
    raw = RawTables("soak", frame.with_columns(lines), None, "ratings.csv")
    return make_canonical(replace(raw, links=table if links else None))


# Canonical data: two data sets, written in turn.


@cache
def _data_sets() -> tuple[Tables, Tables]:
    return random_tables(2000), random_tables(2500, 1, links=True)


def _write_data(folder: Path, process: int) -> Step:
    _data_sets()

    def step(number: int) -> None:
        write_tables(_data_sets()[(number + process) % 2], folder / "data")

    return step


def _check_data(folder: Path, done: Mapping[int, int]) -> None:
    del done
    found = load_data(folder / "data")
    same = [
        found.ratings.equals(known.ratings) and (found.links is None) == (known.links is None)
        for known in _data_sets()
    ]
    require(any(same), "the tables are neither the old nor the new ones")


def _prepare_data(folder: Path) -> None:
    write_tables(_data_sets()[0], folder / "data")


# The database: single ratings, and imports of many at once.


def prepare_ratings(folder: Path) -> None:
    """Make a database with two users, who have one rating each."""
    store = Store(default_database(folder / "m"))
    for _ in range(2):
        store.rate(store.add_guest(1).id, [StoredRating(10**6, 3.0, 1)])
    store.close()


def _rate_one_by_one(folder: Path, process: int) -> Step:
    store = Store(default_database(folder / "m"))
    return lambda number: store.rate(1 + process, [StoredRating(number, 4.0, 2)])


def _import_many(folder: Path, process: int) -> Step:
    store = Store(default_database(folder / "m"))

    def step(number: int) -> None:
        movies = range(number * _IMPORTED, (number + 1) * _IMPORTED)
        store.rate(1 + process, [StoredRating(movie, 4.0, 2) for movie in movies])

    return step


def _check_ratings(folder: Path, done: Mapping[int, int], size: int = 1) -> None:
    store = Store(default_database(folder / "m"))
    for process, number in done.items():
        found = len(store.ratings(1 + process)) - 1
        require(found % size == 0, "a part of an import is stored")
        complete = number + 1
        require(complete <= found // size <= complete + 1, f"{found} ratings, {complete} reported")
    store.close()


def _check_imports(folder: Path, done: Mapping[int, int]) -> None:
    _check_ratings(folder, done, _IMPORTED)


WRITERS: Final[Mapping[str, Writer]] = {
    "canonical data": Writer(_prepare_data, _write_data, _check_data),
    "rating": Writer(prepare_ratings, _rate_one_by_one, _check_ratings),
    "import": Writer(prepare_ratings, _import_many, _check_imports),
}
