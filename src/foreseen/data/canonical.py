"""Raw tables to canonical ones: checked, without duplicates, in time order, with a manifest."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from foreseen.errors import DataError
from foreseen.data.schema import (
    MOVIE,
    MOVIES_SCHEMA,
    RATING,
    RATINGS_SCHEMA,
    TIME_ORDER,
    TIMESTAMP,
    USER,
    untitled,
)
from foreseen.data.sources import BadRow, RawTables, read_source
from foreseen.data.sources.delimited import COMMA, read_ratings

_SHOWN: Final = 10


@dataclass(frozen=True)
class Manifest:
    """Where tables come from and what they hold.

    Attributes:
        source: The data set's name.
        sha256: Checksum of each file that was read.
        ratings, users, movies: Counts; `movies` is the catalogue, rated or not.
        rated_movies: Movies with at least one rating.
        movies_without_metadata: Rated movies that the movies file does not know; they have
            neither title nor genres nor year.
        first, last: Timestamps of the first and the last rating.
        lowest, highest: The least and the greatest rating.
        ties: Ratings whose second is also that of the same user's rating before it.
        bad_rows: Rows that were left out because the caller allowed it.
    """

    source: str
    sha256: dict[str, str]
    ratings: int
    users: int
    movies: int
    rated_movies: int
    movies_without_metadata: int
    first: int
    last: int
    lowest: float
    highest: float
    ties: int
    bad_rows: int


@dataclass(frozen=True)
class Tables:
    """A data set in canonical form: what every later stage reads.

    Attributes:
        ratings: One row per (user, movie), sorted by (timestamp, userId, movieId).
        movies: One row per movie, sorted by movieId; every rated movie has its row.
        manifest: Origin and counts.
        links: Ids at IMDb and TMDB, where the source has them.
        tags: Tags given by people, where the source has them.
    """

    ratings: pl.DataFrame
    movies: pl.DataFrame
    manifest: Manifest
    links: pl.DataFrame | None = None
    tags: pl.DataFrame | None = None


def load_data(data: str | Path, skip_bad_rows: Path | None = None) -> Tables:
    """Read a data set and make it canonical.

    Args:
        data: A built-in or downloadable name, a folder or a zip.
        skip_bad_rows: A CSV file to write bad rows to; without it they are refused.

    Raises:
        DataError: If the data cannot be read, holds no rating, or holds bad rows.
    """
    return make_canonical(read_source(data), skip_bad_rows)


def load_ratings(data: str | Path, skip_bad_rows: Path | None = None) -> pl.DataFrame:
    """Read ratings alone, from a CSV file or from anything `load_data` takes.

    Raises:
        DataError: As `load_data`.
    """
    path = Path(data)
    if path.is_file() and path.suffix.lower() != ".zip":
        ratings, bad = read_ratings(path.read_bytes(), str(path), COMMA)
        raw = RawTables(path.stem, ratings, None, str(path), bad_rows=tuple(bad))
    else:
        raw = read_source(data)
    return make_canonical(raw, skip_bad_rows).ratings


def ratings_frame(rows: Iterable[tuple[int, int, float, int]]) -> pl.DataFrame:
    """Return (user, movie, rating, timestamp) rows as a canonical ratings table."""
    frame = pl.DataFrame(list(rows), schema=RATINGS_SCHEMA, orient="row")
    return frame.unique([USER, MOVIE], keep="last", maintain_order=True).sort(TIME_ORDER)


def make_canonical(raw: RawTables, skip_bad_rows: Path | None = None) -> Tables:
    """Check, deduplicate and sort raw tables; nothing is left out in silence.

    Raises:
        DataError: If there is no rating, or there are bad rows and `skip_bad_rows` is None.
    """
    ratings, duplicates = _without_duplicates(raw)
    bad = [*raw.bad_rows, *duplicates]
    if bad and skip_bad_rows is None:
        raise DataError(_refusal(bad))
    if bad and skip_bad_rows is not None:
        _write_bad_rows(bad, skip_bad_rows)
    if ratings.is_empty():
        raise DataError(f"{raw.ratings_file} holds no rating")
    ratings = ratings.select(*RATINGS_SCHEMA).sort(TIME_ORDER)
    movies, unknown = _complete_catalogue(raw.movies, ratings)
    manifest = Manifest(
        source=raw.name,
        sha256=dict(raw.checksums),
        ratings=ratings.height,
        users=ratings[USER].n_unique(),
        movies=movies.height,
        rated_movies=ratings[MOVIE].n_unique(),
        movies_without_metadata=unknown,
        first=int(ratings[TIMESTAMP][0]),
        last=int(ratings[TIMESTAMP][-1]),
        lowest=float(ratings[RATING].to_numpy().min()),
        highest=float(ratings[RATING].to_numpy().max()),
        ties=ratings.select(pl.len() - pl.struct(USER, TIMESTAMP).n_unique()).item(),
        bad_rows=len(bad),
    )
    return Tables(ratings, movies, manifest, raw.links, raw.tags)


def until(tables: Tables, moment: int) -> Tables:
    """Return the tables as they were just before `moment`: the catalogue stays whole.

    Raises:
        DataError: If no rating is older.
    """
    ratings = tables.ratings.filter(pl.col(TIMESTAMP) < moment)
    if ratings.is_empty():
        raise DataError(f"no rating is older than timestamp {moment}")
    manifest = replace(tables.manifest, ratings=ratings.height, last=int(ratings[TIMESTAMP][-1]))
    return replace(tables, ratings=ratings, manifest=manifest)


def write_tables(tables: Tables, folder: Path) -> None:
    """Write ratings, movies, links and tags as Parquet, and manifest.json last."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, pl.DataFrame | None] = {
        "ratings": tables.ratings,
        "movies": tables.movies,
        "links": tables.links,
        "tags": tables.tags,
    }
    for stem, frame in parts.items():
        if frame is not None:
            frame.write_parquet(folder / f"{stem}.parquet", compression="zstd")
    manifest: dict[str, Any] = dict(vars(tables.manifest))
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _without_duplicates(raw: RawTables) -> tuple[pl.DataFrame, list[BadRow]]:
    """Keep each user's first rating of a movie; a later one would tell of the future."""
    ordered = raw.ratings.sort(*TIME_ORDER, "line")
    first = ordered.unique([USER, MOVIE], keep="first", maintain_order=True)
    if first.height == ordered.height:
        return first, []
    again = ordered.join(first, on="line", how="anti").join(
        first.select(USER, MOVIE, first_line="line"), on=[USER, MOVIE]
    )
    return first, [
        BadRow(
            raw.ratings_file,
            row["line"],
            f"{row[USER]},{row[MOVIE]},{row[RATING]},{row[TIMESTAMP]}",
            f"user {row[USER]} has rated movie {row[MOVIE]} already, in line {row['first_line']}",
        )
        for row in again.iter_rows(named=True)
    ]


def _complete_catalogue(
    movies: pl.DataFrame | None, ratings: pl.DataFrame
) -> tuple[pl.DataFrame, int]:
    if movies is None:
        movies = pl.DataFrame(schema=MOVIES_SCHEMA)
    unknown = ratings.select(pl.col(MOVIE).unique()).join(movies, on=MOVIE, how="anti")
    whole = pl.concat([movies.cast(MOVIES_SCHEMA), untitled(unknown[MOVIE])])
    return whole.sort(MOVIE), unknown.height


def _refusal(bad: list[BadRow]) -> str:
    shown = [f"  {row}" for row in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        shown.append(f"  and {len(bad) - _SHOWN} more")
    count = "1 bad row" if len(bad) == 1 else f"{len(bad)} bad rows"
    mend = "mend the file, or leave such rows out with --skip-bad-rows FILE, which lists them"
    return "\n".join([f"{count}; {mend}:", *shown])


def _write_bad_rows(bad: list[BadRow], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["file", "line", "reason", "text"])
        writer.writerows((row.file, row.line, row.reason, row.text) for row in bad)
