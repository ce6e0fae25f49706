"""Data sources: a built-in data set, GroupLens downloads, folders and zips.

`read_source` returns raw tables in one form for all of them; `foreseen.data.canonical` converts
these to canonical tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.canonical_files import holds_tables, read_files
from foreseen.data.input_files import display, path_error, read_file
from foreseen.data.parquet import from_parquet
from foreseen.data.schema import LINKS_SCHEMA, MOVIES_SCHEMA, TAGS_SCHEMA
from foreseen.data.sources.archive import Archive, open_archive
from foreseen.data.sources.compression import decompress
from foreseen.data.sources.download import DOWNLOADS, fetch
from foreseen.data.sources.frames import conform, ratings_of
from foreseen.data.sources.layouts import (
    RATINGS_FILES,
    movies_file,
    ratings_file,
    read_links,
    read_tags,
)
from foreseen.data.sources.rows import BadRow
from foreseen.data.sources.tables import read_movies_file, read_ratings_file
from foreseen.data.sources.zips import is_zip
from foreseen.data.text import excerpt
from foreseen.errors import DataError
from foreseen.integrity import sha256

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
    path = _expanded(data)
    if name == BUILT_IN and not path.exists():
        return _read_built_in()
    if name in DOWNLOADS and not path.exists():
        return _read_archive(open_archive(fetch(name), RATINGS_FILES), name)
    if not name.strip() or (not path.exists() and not path.is_symlink()):
        names = ", ".join((BUILT_IN, *DOWNLOADS))
        message = f"{display(name)}: no such folder or zip, and no data set of that name ({names})"
        raise DataError(message)
    if path.is_dir() and holds_tables(path):
        return _read_canonical(path)
    if path.is_file() and not is_zip(path):
        return _read_file(path)
    archive = open_archive(path, RATINGS_FILES)
    return _read_archive(archive, excerpt(path.stem if path.is_file() else path.resolve().name))


def _expanded(data: str | Path) -> Path:
    """Return a path with `~` replaced, if there is such a user."""
    path = Path(data)
    try:
        path = path.expanduser()
        path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise path_error(path, error) from error
    return path


def _read_built_in() -> RawTables:
    folder = resources.files("foreseen.data.sources").joinpath("builtin")
    content = {
        name: folder.joinpath(name).read_bytes() for name in ("ratings.parquet", "movies.parquet")
    }
    tables = {name: from_parquet(data) for name, data in content.items()}
    checksums = {name: sha256(data) for name, data in content.items()}
    return _typed(tables, checksums, BUILT_IN, BUILT_IN)


def _read_canonical(folder: Path) -> RawTables:
    """Read the tables of a folder, as `canonical.write_tables` writes them."""
    try:
        files = read_files(folder)
    except (OSError, ValueError) as error:
        raise path_error(folder, error) from error
    name = excerpt(files.source or folder.resolve().name)
    return _typed(files.tables, files.checksums, name, display(folder))


def _typed(
    tables: Mapping[str, pl.DataFrame], checksums: Mapping[str, str], name: str, place: str
) -> RawTables:
    """Return tables of Parquet files after the checks that text gets."""
    if "ratings.parquet" not in tables:
        raise DataError(f"{place} has no ratings.parquet; write it again: foreseen data get")
    ratings, bad = ratings_of(tables["ratings.parquet"], f"{place}/ratings.parquet")
    others = {
        stem: conform(tables[f"{stem}.parquet"], schema, f"{place}/{stem}.parquet")
        for stem, schema in (
            ("movies", MOVIES_SCHEMA),
            ("links", LINKS_SCHEMA),
            ("tags", TAGS_SCHEMA),
        )
        if f"{stem}.parquet" in tables
    }
    return RawTables(
        name=name,
        ratings=ratings,
        movies=others.get("movies"),
        links=others.get("links"),
        tags=others.get("tags"),
        checksums=checksums,
        ratings_file=f"{place}/ratings.parquet",
        bad_rows=tuple(bad),
    )


def _read_archive(archive: Archive, name: str) -> RawTables:
    checksums: dict[str, str] = {}
    bad: list[BadRow] = []

    def content(file: str) -> tuple[bytes, str]:
        data = archive.read(file)
        checksums[file] = sha256(data)
        return data, archive.display_path(file)

    file = ratings_file(archive)
    ratings, bad_ratings = read_ratings_file(*content(file), file)
    bad += bad_ratings
    movies = links = tags = None
    if (found := movies_file(archive)) is not None:
        movies, bad_movies = read_movies_file(*content(found), found)
        bad += bad_movies
    if "links.csv" in archive:
        links, bad_links = read_links(*content("links.csv"))
        bad += bad_links
    for found, separator in (("tags.csv", ","), ("tags.dat", "::")):
        # HetRec has a tags.dat of another kind: the names of the tags.
        if found in archive and not file.startswith("user_"):
            tags, bad_tags = read_tags(*content(found), separator)
            bad += bad_tags
    place = archive.display_path(file)
    return RawTables(name, ratings, movies, place, links, tags, checksums, tuple(bad))


def _read_file(path: Path) -> RawTables:
    """Read a single ratings file."""
    place = display(path)
    data = decompress(read_file(path), place)
    ratings, bad = read_ratings_file(data, place, path.name)
    checksums = {path.name: sha256(data)}
    return RawTables(
        excerpt(path.stem), ratings, None, place, checksums=checksums, bad_rows=tuple(bad)
    )
