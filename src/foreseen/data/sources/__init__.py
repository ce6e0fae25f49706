"""Where data comes from: a built-in set, GroupLens's downloads, a folder or a zip.

Whatever the source, `read_source` returns the same raw tables, and `foreseen.data.canonical` makes
them canonical.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.errors import DataError
from foreseen.data.schema import GENRES, MOVIES_SCHEMA, RATINGS_SCHEMA, TITLE
from foreseen.data.sources.archive import Archive, open_archive, sha256
from foreseen.data.sources.delimited import BadRow, read_ratings
from foreseen.data.sources.download import DOWNLOADS, fetch
from foreseen.data.sources.layouts import read_links, read_movies, read_tags, recognise
from foreseen.data.sources.titles import split_genres

BUILT_IN: Final = "ml-latest-small"


@dataclass(frozen=True)
class RawTables:
    """What a source holds, typed but not yet canonical.

    Attributes:
        name: The data set's name, for people.
        ratings: userId, movieId, rating, timestamp, and `line`, its place in the file.
        movies: movieId, title, year, genres; None where the source has no such file.
        links: Ids at IMDb and TMDB, where the source has them.
        tags: Tags given by people, where the source has them.
        checksums: SHA-256 of each file read.
        bad_rows: Rows left out so far.
        ratings_file: The ratings file as a person would look for it.
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

    Raises:
        DataError: If it cannot be found or read.
        DownloadError: If it must be downloaded and that fails.
    """
    name = str(data)
    if name == BUILT_IN and not Path(name).exists():
        return _read_built_in()
    if name in DOWNLOADS and not Path(name).exists():
        return _read_archive(open_archive(fetch(name)), name)
    path = Path(data).expanduser()
    if not path.exists():
        known = ", ".join((BUILT_IN, *DOWNLOADS))
        raise DataError(f"{name}: no such folder or zip, and no data set of that name ({known})")
    archive = open_archive(path)
    if "ratings.parquet" in archive:
        return _read_parquet(path, path.name)
    return _read_archive(archive, path.stem if path.is_file() else path.resolve().name)


def _read_built_in() -> RawTables:
    with resources.as_file(resources.files("foreseen.data.sources").joinpath("builtin")) as folder:
        return _read_parquet(folder, BUILT_IN)


def _read_parquet(folder: Path, name: str) -> RawTables:
    """Read canonical tables back; their own writer has checked them."""
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
            raise DataError(f"{file} is no sound Parquet file ({error})") from error

    ratings, movies = table("ratings"), table("movies")
    missing = set(RATINGS_SCHEMA) - set(ratings.columns if ratings is not None else ())
    if ratings is None or missing:
        raise DataError(f"{folder}/ratings.parquet lacks {', '.join(sorted(missing))}")
    if movies is not None and movies.schema.get(GENRES) == pl.String():
        genres = pl.col(GENRES).map_elements(split_genres, return_dtype=pl.List(pl.String()))
        movies = movies.with_columns(genres, pl.col(TITLE))
    manifest = folder / "manifest.json"
    if manifest.exists():
        try:
            name = str(json.loads(manifest.read_text(encoding="utf-8"))["source"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{manifest} is damaged; make it again: foreseen data get") from error
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
    edition = recognise(archive)
    separator = edition.movies_separator
    checksums: dict[str, str] = {}

    def content(file: str) -> bytes | None:
        if file not in archive:
            return None
        data = archive.read(file)
        checksums[file] = sha256(data)
        return data

    ratings_file = archive.locate(edition.ratings)
    ratings, bad = read_ratings(
        content(edition.ratings) or b"", ratings_file, edition.ratings_layout
    )
    movies = None
    if (data := content(edition.movies)) is not None:
        movies, bad_movies = read_movies(data, archive.locate(edition.movies), separator)
        bad = [*bad, *bad_movies]
    links = tags = None
    if (data := content("links.csv")) is not None:
        links = read_links(data, archive.locate("links.csv"))
    for file, parse in (
        ("tags.csv", partial(read_tags, separator=",")),
        ("tags.dat", partial(read_tags, separator="::")),
    ):
        if (data := content(file)) is not None:
            tags = parse(data, archive.locate(file))
    return RawTables(name, ratings, movies, ratings_file, links, tags, checksums, tuple(bad))
