"""Conversion of raw tables to canonical ones: validated, deduplicated, in time order."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from foreseen.data.canonical_files import write_files
from foreseen.data.checks import (
    ratings_on_scale,
    scale_of,
    skip,
    warn_of_odd_ids,
    without_duplicates,
)
from foreseen.data.encoding import Encoding
from foreseen.data.ordering import count_distinct, sorted_by
from foreseen.data.rating_scale import RatingScale
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
from foreseen.data.sources.rows import LINE
from foreseen.data.tabular import TableLike, raw_tables
from foreseen.errors import DataError

_logger: Final = logging.getLogger(__name__)


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
        lowest, highest: Minimum and maximum rating, on the scale of the source.
        ties: Number of ratings with the same user and second as an earlier row.
        bad_rows: Number of rows skipped with the caller's permission.
        scale: The scale of the ratings; None in a manifest of an older version.
        has_timestamps: Whether the source has timestamps; otherwise they are positions of rows.
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
    scale: RatingScale | None = None
    has_timestamps: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the manifest as the command line prints it; `has_timestamps` only if false."""
        document = {**vars(self), "scale": None if self.scale is None else vars(self.scale)}
        if self.has_timestamps:
            del document["has_timestamps"]
        return document


@dataclass(frozen=True)
class Tables:
    """A data set in canonical form, the input of every later stage.

    Attributes:
        ratings: One row per (user, movie), sorted by (timestamp, userId, movieId); or by timestamp
            and then in the order of the source, if `in_file_order`.
        movies: One row per movie, sorted by movieId; contains every rated movie.
        manifest: Origin and counts.
        links: IMDb and TMDB ids, if the source has them.
        tags: User tags, if the source has them.
        encoding: The ids and the scale of the source; the tables have codes and stars.
        in_file_order: Whether ratings of one second keep the order of the source.
    """

    ratings: pl.DataFrame
    movies: pl.DataFrame
    manifest: Manifest
    links: pl.DataFrame | None = None
    tags: pl.DataFrame | None = None
    encoding: Encoding = field(default_factory=Encoding)
    in_file_order: bool = False

    def decoded(self) -> "Tables":
        """Return the tables with the ids and ratings of the source."""
        decode = self.encoding.decode
        return replace(
            self,
            ratings=decode(self.ratings),
            movies=decode(self.movies),
            links=None if self.links is None else decode(self.links),
            tags=None if self.tags is None else decode(self.tags),
        )


def load_data(
    data: str | Path | TableLike,
    skip_bad_rows: Path | None = None,
    scale: RatingScale | None = None,
    max_bad_rows: float | None = None,
    columns: Mapping[str, str | int] | None = None,
    keep_order: bool = False,
) -> Tables:
    """Read a data set and convert it to canonical form.

    Args:
        data: A built-in or downloadable name, a folder, a zip, a file of ratings,
            `sqlite:///FILE#TABLE`, or `-` for standard input; or a table of ratings, such as a
            data frame or a list of rows.
        skip_bad_rows: A CSV file to list bad rows in and skip them; if None, they are an error.
        scale: The scale of the ratings; None to recognise it.
        max_bad_rows: Largest share of rows that may be skipped; None for a hundredth.
        columns: Names of the columns of ratings where they are not recognised, or their positions
            from 1, by `user`, `item`, `rating` and `time`.
        keep_order: Whether ratings of one second keep the order of the source; otherwise they are
            sorted by user and movie.

    Raises:
        DataError: If the data cannot be read, has no ratings, or has bad rows that may not be
            skipped.
        InputError: If a table is of no common type.
        DownloadError: If a download fails.
    """
    # Not held here: the rows as read are dropped before the sort, which needs as much memory.
    return make_canonical(
        read_source(data, columns) if isinstance(data, str | Path) else raw_tables(data),
        skip_bad_rows,
        scale,
        max_bad_rows,
        keep_order,
    )


def load_ratings(
    data: str | Path,
    skip_bad_rows: Path | None = None,
    scale: RatingScale | None = None,
    max_bad_rows: float | None = None,
    columns: Mapping[str, str | int] | None = None,
) -> pl.DataFrame:
    """Read only the ratings, with the ids and on the scale of the source; see `load_data`.

    If the source has no timestamps, neither have they: they are in its order.

    Raises:
        DataError: As `load_data`.
    """
    tables = load_data(data, skip_bad_rows, scale, max_bad_rows, columns)
    ratings = tables.decoded().ratings
    return ratings if tables.manifest.has_timestamps else ratings.drop(TIMESTAMP)


def ratings_frame(rows: Iterable[tuple[int, int, float, int]]) -> pl.DataFrame:
    """Return (user, movie, rating, timestamp) rows as a canonical ratings table.

    The last of several rows of a (user, movie) pair is kept.
    """
    frame = pl.DataFrame(list(rows), schema=RATINGS_SCHEMA, orient="row")
    return frame.unique([USER, MOVIE], keep="last", maintain_order=True).sort(TIME_ORDER)


def make_canonical(
    raw: RawTables,
    skip_bad_rows: Path | None = None,
    scale: RatingScale | None = None,
    max_bad_rows: float | None = None,
    keep_order: bool = False,
) -> Tables:
    """Validate, deduplicate, encode and sort raw tables; see `load_data` for the arguments.

    Raises:
        DataError: If there are no ratings, or more bad rows than may be skipped.
    """
    has_timestamps = raw.has_timestamps
    if not has_timestamps:
        _logger.warning(
            "%s has no timestamps; the order of its rows is used instead", raw.ratings_file
        )
        raw = raw.dated()
    scale = scale or raw.scale or scale_of(raw)
    ratings, beyond = ratings_on_scale(raw, scale)
    ratings, duplicates = without_duplicates(ratings, raw.ratings_file)
    bad = [*raw.bad_rows, *beyond, *duplicates]
    if bad:
        skip(bad, raw.ratings.height + len(raw.bad_rows), skip_bad_rows, max_bad_rows)
    raw = replace(raw, ratings=raw.ratings.clear())
    if ratings.is_empty():
        raise DataError(f"{raw.ratings_file} has no ratings; at least one is needed")
    warn_of_odd_ids(ratings, raw.ratings_file)
    others = [table for table in (raw.movies, raw.links, raw.tags) if table is not None]
    encoding = Encoding(scale=scale).extended([ratings, *others])
    values = ratings[RATING].to_numpy()
    lowest, highest = float(values.min()), float(values.max())
    if keep_order:
        ratings = sorted_by(ratings, (TIMESTAMP, LINE))
    ratings = encoding.encode(ratings.select(*RATINGS_SCHEMA))
    if not keep_order:
        ratings = sorted_by(ratings, TIME_ORDER)
    movies = None if raw.movies is None else encoding.encode(raw.movies)
    movies, without_metadata = _with_rated_movies(movies, ratings)
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
        lowest=lowest,
        highest=highest,
        ties=ratings.height - count_distinct(ratings, (TIMESTAMP, USER)),
        bad_rows=len(bad),
        scale=scale,
        has_timestamps=has_timestamps,
    )
    return Tables(
        ratings,
        movies,
        manifest,
        None if raw.links is None else encoding.encode(raw.links),
        None if raw.tags is None else encoding.encode(raw.tags),
        encoding,
        keep_order,
    )


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
    decoded = tables.decoded()
    frames = {
        "ratings.parquet": decoded.ratings,
        "movies.parquet": decoded.movies,
        "links.parquet": decoded.links,
        "tags.parquet": decoded.tags,
    }
    present = {name: frame for name, frame in frames.items() if frame is not None}
    write_files(folder, present, tables.manifest.as_json())


def _with_rated_movies(
    movies: pl.DataFrame | None, ratings: pl.DataFrame
) -> tuple[pl.DataFrame, int]:
    """Add rows for the rated movies that are missing; return the number of these too."""
    if movies is None:
        movies = pl.DataFrame(schema=MOVIES_SCHEMA)
    missing = ratings.select(pl.col(MOVIE).unique()).join(movies, on=MOVIE, how="anti")
    complete = pl.concat([movies.cast(MOVIES_SCHEMA), placeholder_movies(missing[MOVIE])])
    return complete.sort(MOVIE), missing.height
