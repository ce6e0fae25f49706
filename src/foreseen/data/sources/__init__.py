"""Data sources: a built-in data set, GroupLens downloads, folders and zips.

`read_source` returns raw tables in one form for all of them; `foreseen.data.canonical` converts
these to canonical tables.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.schema import GENRES, MOVIES_SCHEMA, RATINGS_SCHEMA, TITLE
from foreseen.data.sources.archive import Archive, open_archive, sha256
from foreseen.data.sources.delimited import BadRow, read_ratings
from foreseen.data.sources.download import DOWNLOADS, fetch
from foreseen.data.sources.layouts import detect_layout, read_links, read_movies, read_tags
from foreseen.data.sources.titles import split_genres
from foreseen.errors import DataError

BUILT_IN: Final = "ml-latest-small"


@dataclass(frozen=True)
class RawTables:
    """The typed tables of a source, not yet canonical.

    Attributes:
        name: Name of the data set.
        ratings: userId, movieId, rating, timestamp, and `line`, the line in the file.
        movies: movieId, title, year, genres; None if the source has no such file.
        ratings_file: Path of the ratings file for messages.
        links: IMDb and TMDB ids, if the source has them.
        tags: User tags, if the source has them.
        checksums: SHA-256 checksum of each file read.
        bad_rows: Rows that could not be parsed.
    """

    name: str
    ratings: pl.DataFrame
    movies: pl.DataFrame | None
    ratings_file: str
    links: pl.DataFrame | None = None
    tags: pl.DataFrame | None = None
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    bad_rows: tuple[BadRow, ...] = ()


def read_source(data: str | Path) -> RawTables:
    """Read a data set by its name (built-in or downloadable), folder or zip.

    A folder or zip of that name takes precedence.

    Raises:
        DataError: If it cannot be found or read.
        DownloadError: If a download fails.
    """
    name = str(data)
    if name == BUILT_IN and not Path(name).exists():
        return _read_built_in()
    if name in DOWNLOADS and not Path(name).exists():
        return _read_archive(open_archive(fetch(name)), name)
    path = Path(data).expanduser()
    if not path.exists():
        names = ", ".join((BUILT_IN, *DOWNLOADS))
        raise DataError(f"{name}: no such folder or zip, and no data set of that name ({names})")
    archive = open_archive(path)
    if "ratings.parquet" in archive:
        return _read_parquet(path, path.name)
    return _read_archive(archive, path.stem if path.is_file() else path.resolve().name)


def _read_built_in() -> RawTables:
    with resources.as_file(resources.files("foreseen.data.sources").joinpath("builtin")) as folder:
        return _read_parquet(folder, BUILT_IN)


def _read_parquet(folder: Path, name: str) -> RawTables:
    """Read the canonical tables of a folder, as `canonical.write_tables` writes them."""
    checksums: dict[str, str] = {}

    def table(stem: str) -> pl.DataFrame | None:
        file = folder / f"{stem}.parquet"
        if not file.exists():
            return None
        content = file.read_bytes()
        checksums[file.name] = sha256(content)
        try:
            return pl.read_parquet(content)
        except pl.exceptions.PolarsError as error:
            message = (
                f"{file} is not a valid Parquet file ({error}); write it again: foreseen data get"
            )
            raise DataError(message) from error

    ratings, movies = table("ratings"), table("movies")
    missing = set(RATINGS_SCHEMA) - set(ratings.columns if ratings is not None else ())
    if ratings is None or missing:
        raise DataError(f"{folder}/ratings.parquet has no column {', '.join(sorted(missing))}")
    if movies is not None and movies.schema.get(GENRES) == pl.String():
        genres = pl.col(GENRES).map_elements(split_genres, return_dtype=pl.List(pl.String()))
        movies = movies.with_columns(genres, pl.col(TITLE))
    manifest = folder / "manifest.json"
    if manifest.exists():
        try:
            name = str(json.loads(manifest.read_text(encoding="utf-8"))["source"])
        except (ValueError, KeyError, TypeError) as error:
            message = f"{manifest} is damaged ({error!r}); write it again: foreseen data get"
            raise DataError(message) from error
    lines = pl.int_range(1, ratings.height + 1, dtype=pl.Int64).alias("line")
    return RawTables(
        name=name,
        ratings=ratings.select(*RATINGS_SCHEMA, lines).cast(RATINGS_SCHEMA),
        movies=movies.select(*MOVIES_SCHEMA) if movies is not None else None,
        links=table("links"),
        tags=table("tags"),
        checksums=checksums,
        ratings_file=str(folder / "ratings.parquet"),
    )


def _read_archive(archive: Archive, name: str) -> RawTables:
    layout = detect_layout(archive)
    separator = layout.movies_separator
    checksums: dict[str, str] = {}

    def content(file: str) -> bytes | None:
        if file not in archive:
            return None
        data = archive.read(file)
        checksums[file] = sha256(data)
        return data

    ratings_file = archive.display_path(layout.ratings)
    ratings, bad = read_ratings(content(layout.ratings) or b"", ratings_file, layout.ratings_format)
    movies = None
    if (data := content(layout.movies)) is not None:
        movies, bad_movies = read_movies(data, archive.display_path(layout.movies), separator)
        bad = [*bad, *bad_movies]
    links = tags = None
    if (data := content("links.csv")) is not None:
        links = read_links(data, archive.display_path("links.csv"))
    for file, parse in (
        ("tags.csv", partial(read_tags, separator=",")),
        ("tags.dat", partial(read_tags, separator="::")),
    ):
        if (data := content(file)) is not None:
            tags = parse(data, archive.display_path(file))
    return RawTables(name, ratings, movies, ratings_file, links, tags, checksums, tuple(bad))
