"""Conversion of raw tables to canonical ones: validated, deduplicated, in time order."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.canonical_files import write_files
from foreseen.data.output import write_rows
from foreseen.data.schema import (
    MOVIE,
    MOVIES_SCHEMA,
    RATING,
    RATINGS_SCHEMA,
    TIME_ORDER,
    TIMESTAMP,
    USER,
    placeholder_movies,
)
from foreseen.data.sources import RawTables, read_source
from foreseen.data.sources.rows import BadRow, BadRows, RowText
from foreseen.errors import DataError

_MAX_SHOWN: Final = 10


@dataclass(frozen=True)
class Manifest:
    """Origin and counts of a data set; the fields are the keys of manifest.json.

    Attributes:
        source: Name of the data set.
        sha256: Checksum of each file read.
        ratings, users, movies: Counts; `movies` includes unrated ones.
        rated_movies: Number of movies with at least one rating.
        movies_without_metadata: Number of rated movies that the movies file lacks; they have no
            title, year or genres.
        first, last: Timestamps of the first and the last rating.
        lowest, highest: Minimum and maximum rating.
        ties: Number of ratings with the same user and second as an earlier row.
        bad_rows: Number of rows skipped with the caller's permission.
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
    """A data set in canonical form, the input of every later stage.

    Attributes:
        ratings: One row per (user, movie), sorted by (timestamp, userId, movieId).
        movies: One row per movie, sorted by movieId; contains every rated movie.
        manifest: Origin and counts.
        links: IMDb and TMDB ids, if the source has them.
        tags: User tags, if the source has them.
    """

    ratings: pl.DataFrame
    movies: pl.DataFrame
    manifest: Manifest
    links: pl.DataFrame | None = None
    tags: pl.DataFrame | None = None


def load_data(data: str | Path, skip_bad_rows: Path | None = None) -> Tables:
    """Read a data set and convert it to canonical form.

    Args:
        data: A built-in or downloadable name, a folder or a zip.
        skip_bad_rows: A CSV file to list bad rows in and skip them; if None, they are an error.

    Raises:
        DataError: If the data cannot be read, has no ratings, or has bad rows that may not be
            skipped.
        DownloadError: If a download fails.
    """
    return make_canonical(read_source(data), skip_bad_rows)


def load_ratings(data: str | Path, skip_bad_rows: Path | None = None) -> pl.DataFrame:
    """Read only the ratings, from a CSV file or any data set that `load_data` accepts.

    Raises:
        DataError: As `load_data`.
    """
    return make_canonical(read_source(data), skip_bad_rows).ratings


def ratings_frame(rows: Iterable[tuple[int, int, float, int]]) -> pl.DataFrame:
    """Return (user, movie, rating, timestamp) rows as a canonical ratings table.

    The last of several rows of a (user, movie) pair is kept.
    """
    frame = pl.DataFrame(list(rows), schema=RATINGS_SCHEMA, orient="row")
    return frame.unique([USER, MOVIE], keep="last", maintain_order=True).sort(TIME_ORDER)


def make_canonical(raw: RawTables, skip_bad_rows: Path | None = None) -> Tables:
    """Validate, deduplicate and sort raw tables; see `load_data` for `skip_bad_rows`.

    Raises:
        DataError: If there are no ratings, or bad rows and `skip_bad_rows` is None.
    """
    ratings, duplicates = _without_duplicates(raw)
    bad = [*raw.bad_rows, *duplicates]
    if bad and skip_bad_rows is None:
        raise DataError(_bad_rows_message(bad))
    if bad and skip_bad_rows is not None:
        _write_bad_rows(bad, skip_bad_rows)
    if ratings.is_empty():
        raise DataError(f"{raw.ratings_file} has no ratings; at least one is needed")
    ratings = ratings.select(*RATINGS_SCHEMA).sort(TIME_ORDER)
    movies, without_metadata = _with_rated_movies(raw.movies, ratings)
    manifest = Manifest(
        source=raw.name,
        sha256=dict(raw.checksums),
        ratings=ratings.height,
        users=ratings[USER].n_unique(),
        movies=movies.height,
        rated_movies=ratings[MOVIE].n_unique(),
        movies_without_metadata=without_metadata,
        first=int(ratings[TIMESTAMP][0]),
        last=int(ratings[TIMESTAMP][-1]),
        lowest=float(ratings[RATING].to_numpy().min()),
        highest=float(ratings[RATING].to_numpy().max()),
        ties=ratings.select(pl.len() - pl.struct(USER, TIMESTAMP).n_unique()).item(),
        bad_rows=len(bad),
    )
    return Tables(ratings, movies, manifest, raw.links, raw.tags)


def tables_before(tables: Tables, moment: int) -> Tables:
    """Return the tables with only the ratings before a timestamp; movies are unchanged.

    Raises:
        DataError: If there are none.
    """
    ratings = tables.ratings.filter(pl.col(TIMESTAMP) < moment)
    if ratings.is_empty():
        first = tables.manifest.first
        message = (
            f"no rating is before timestamp {moment}; the first is at {first}, give a later time"
        )
        raise DataError(message)
    manifest = replace(tables.manifest, ratings=ratings.height, last=int(ratings[TIMESTAMP][-1]))
    return replace(tables, ratings=ratings, manifest=manifest)


def write_tables(tables: Tables, folder: Path) -> None:
    """Replace the Parquet files and the manifest of a folder, all of them or none.

    Raises:
        OSError: If they cannot be written; the folder keeps what it has.
    """
    frames = {
        "ratings.parquet": tables.ratings,
        "movies.parquet": tables.movies,
        "links.parquet": tables.links,
        "tags.parquet": tables.tags,
    }
    present = {name: frame for name, frame in frames.items() if frame is not None}
    write_files(folder, present, vars(tables.manifest))


def _without_duplicates(raw: RawTables) -> tuple[pl.DataFrame, list[BadRow]]:
    """Keep the first rating of each (user, movie) pair; return the later ones as bad rows.

    Keeping the last one would leak the future into a point-in-time history.
    """
    ordered = raw.ratings.sort(*TIME_ORDER, "line")
    first = ordered.unique([USER, MOVIE], keep="first", maintain_order=True)
    if first.height == ordered.height:
        return first, []
    repeated = ordered.join(first, on="line", how="anti").join(
        first.select(USER, MOVIE, first_line="line"), on=[USER, MOVIE]
    )
    bad = BadRows(raw.ratings_file)
    for row in repeated.iter_rows(named=True):
        text = f"{row[USER]},{row[MOVIE]},{row[RATING]},{row[TIMESTAMP]}"
        reason = f"user {row[USER]} already rated movie {row[MOVIE]} in line {row['first_line']}"
        bad.add(RowText(row["line"], text, {}), reason, ordered.height)
    return first, bad.found


def _with_rated_movies(
    movies: pl.DataFrame | None, ratings: pl.DataFrame
) -> tuple[pl.DataFrame, int]:
    """Add rows for the rated movies that are missing; return the number of these too."""
    if movies is None:
        movies = pl.DataFrame(schema=MOVIES_SCHEMA)
    missing = ratings.select(pl.col(MOVIE).unique()).join(movies, on=MOVIE, how="anti")
    complete = pl.concat([movies.cast(MOVIES_SCHEMA), placeholder_movies(missing[MOVIE])])
    return complete.sort(MOVIE), missing.height


def _bad_rows_message(bad: list[BadRow]) -> str:
    shown = [f"  {row}" for row in bad[:_MAX_SHOWN]]
    if len(bad) > _MAX_SHOWN:
        shown.append(f"  and {len(bad) - _MAX_SHOWN} more")
    count = "1 bad row" if len(bad) == 1 else f"{len(bad)} bad rows"
    fix = "correct the file, or skip and list such rows with --skip-bad-rows FILE"
    return "\n".join([f"{count}; {fix}:", *shown])


def _write_bad_rows(bad: list[BadRow], file: Path) -> None:
    rows = ((row.file, row.line, row.reason, row.text) for row in bad)
    write_rows(["file", "line", "reason", "text"], rows, file)
