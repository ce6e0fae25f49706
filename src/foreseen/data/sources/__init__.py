"""Data sources: a built-in data set, GroupLens downloads, folders, zips, files, databases.

`read_source` returns raw tables in one form for all of them; `foreseen.data.canonical` converts
these to canonical tables.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Final, Self

import polars as pl

from foreseen.data.canonical_files import holds_tables, read_files
from foreseen.data.input_files import STDIN, display, path_error, read_file, read_stdin
from foreseen.data.parquet import from_parquet
from foreseen.data.rating_scale import RatingScale
from foreseen.data.schema import (
    LINKS_SCHEMA,
    RATINGS_SCHEMA,
    TAGS_SCHEMA,
    TIMESTAMP,
    TIMESTAMP_LIMIT,
)
from foreseen.data.sources.archive import Archive, open_archive
from foreseen.data.sources.columns import canonical_names
from foreseen.data.sources.compression import decompress
from foreseen.data.sources.download import DOWNLOADS, fetch
from foreseen.data.sources.frames import conform
from foreseen.data.sources.layouts import (
    RATINGS_FILES,
    has_user_tags,
    movies_file,
    ratings_files,
    read_links,
    read_tags,
)
from foreseen.data.sources.netflix import read_ratings_by_movie
from foreseen.data.sources.rows import LINE, POSITION, BadRow
from foreseen.data.sources.sqlite import SIGNATURE, URL, read_sqlite, split_url
from foreseen.data.sources.tables import (
    check_unnamed,
    movies_of_table,
    ratings_of_table,
    read_movies_file,
    read_ratings_file,
)
from foreseen.data.sources.zips import SIGNATURE as ZIP_SIGNATURE
from foreseen.data.sources.zips import is_zip
from foreseen.data.text import excerpt
from foreseen.errors import DataError
from foreseen.integrity import sha256

BUILT_IN: Final = "ml-latest-small"
_STDIN: Final = ("-", "/dev/stdin")


@dataclass(frozen=True)
class RawTables:
    """The typed tables of a source, not yet canonical.

    Attributes:
        name: Name of the data set.
        ratings: userId, movieId, rating, timestamp or, if the source has none, `position`; and
            `line`, the line in the file.
        movies: movieId, title, year, genres; None if the source has no such file.
        ratings_file: Path of the ratings file for messages.
        links: IMDb and TMDB ids, if the source has them.
        tags: User tags, if the source has them.
        checksums: SHA-256 checksum of each file read.
        bad_rows: Rows that could not be parsed.
        scale: The scale of the ratings, if the source states it.
    """

    name: str
    ratings: pl.DataFrame
    movies: pl.DataFrame | None
    ratings_file: str
    links: pl.DataFrame | None = None
    tags: pl.DataFrame | None = None
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    bad_rows: tuple[BadRow, ...] = ()
    scale: RatingScale | None = None

    @property
    def has_timestamps(self) -> bool:
        """Whether the source has timestamps."""
        return TIMESTAMP in self.ratings.columns

    def dated(self, start: int = 0) -> Self:
        """Return the tables with a second per row, in their order, for timestamps that lack.

        Args:
            start: The first of these seconds.
        """
        if self.has_timestamps:
            return self
        seconds = (pl.col(POSITION) + start).clip(upper_bound=TIMESTAMP_LIMIT - 1)
        ratings = self.ratings.with_columns(seconds.alias(TIMESTAMP))
        return replace(self, ratings=ratings.select(*RATINGS_SCHEMA, LINE))


def read_source(data: str | Path, columns: Mapping[str, str | int] | None = None) -> RawTables:
    """Read a data set by its name (built-in or downloadable), its path, or its database.

    A file or folder takes precedence over a data set of its name.

    Args:
        data: A name, a folder, a zip, a file of ratings, `sqlite:///FILE#TABLE`, or `-` for
            standard input.
        columns: Names of the columns of ratings where they are not recognised, or their positions
            from 1, by `user`, `item`, `rating` and `time`.

    Raises:
        DataError: If it cannot be found or read.
        DownloadError: If a download fails.
    """
    names = canonical_names(columns or {})
    name = str(data)
    if name in _STDIN:
        return _read_stdin(names)
    if name.startswith(URL):
        return _read_database(*split_url(name), names)
    if name.startswith("sqlite:"):
        raise DataError(f"{display(name)} should be {URL}FILE or {URL}FILE#TABLE")
    path = _expanded(data)
    if name == BUILT_IN and not path.exists():
        return _read_built_in(names)
    if name in DOWNLOADS and not path.exists():
        return _read_archive(open_archive(fetch(name), RATINGS_FILES), name, names)
    if not name.strip() or (not path.exists() and not path.is_symlink()):
        known = ", ".join((BUILT_IN, *DOWNLOADS))
        message = f"{display(name)}: no such file or folder, and no data set of that name ({known})"
        raise DataError(message)
    if path.is_dir() and holds_tables(path):
        return _read_canonical(path, names)
    if path.is_file() and _first_bytes(path) == SIGNATURE:
        return _read_database(path, None, names)
    if path.is_file() and not is_zip(path):
        return _read_file(path, names)
    archive = open_archive(path, RATINGS_FILES)
    name = excerpt(path.stem if path.is_file() else path.resolve().name)
    return _read_archive(archive, name, names)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(SIGNATURE))


def _expanded(data: str | Path) -> Path:
    """Return a path with `~` replaced, if there is such a user."""
    path = Path(data)
    try:
        path = path.expanduser()
        path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise path_error(path, error) from error
    return path


def _read_built_in(names: Mapping[str, str]) -> RawTables:
    folder = resources.files("foreseen.data.sources").joinpath("builtin")
    content = {
        name: folder.joinpath(name).read_bytes() for name in ("ratings.parquet", "movies.parquet")
    }
    tables = {name: from_parquet(data) for name, data in content.items()}
    checksums = {name: sha256(data) for name, data in content.items()}
    return _typed(tables, checksums, BUILT_IN, BUILT_IN, names)


def _read_canonical(folder: Path, names: Mapping[str, str]) -> RawTables:
    """Read the tables of a folder, as `canonical.write_tables` writes them."""
    try:
        files = read_files(folder)
    except (OSError, ValueError) as error:
        raise path_error(folder, error) from error
    name = excerpt(files.source or folder.resolve().name)
    raw = _typed(files.tables, files.checksums, name, display(folder), names)
    if not files.has_timestamps:
        raw = replace(raw, ratings=raw.ratings.rename({TIMESTAMP: POSITION}))
    return replace(raw, scale=files.scale)


def _typed(
    tables: Mapping[str, pl.DataFrame],
    checksums: Mapping[str, str],
    name: str,
    place: str,
    names: Mapping[str, str],
) -> RawTables:
    """Return tables of Parquet files after the checks that text gets."""
    if "ratings.parquet" not in tables:
        raise DataError(f"{place} has no ratings.parquet; write it again: foreseen data get")
    file = "ratings.parquet"
    ratings, bad = ratings_of_table(tables[file], f"{place}/{file}", names)
    movies = None
    if (file := "movies.parquet") in tables:
        movies, bad_movies = movies_of_table(tables[file], f"{place}/{file}", file)
        bad = [*bad, *bad_movies]
    others = {
        file: conform(tables[file], schema, f"{place}/{file}")
        for file, schema in (("links.parquet", LINKS_SCHEMA), ("tags.parquet", TAGS_SCHEMA))
        if file in tables
    }
    return RawTables(
        name=name,
        ratings=ratings,
        movies=movies,
        links=others.get("links.parquet"),
        tags=others.get("tags.parquet"),
        checksums=checksums,
        ratings_file=f"{place}/ratings.parquet",
        bad_rows=tuple(bad),
    )


def _read_archive(archive: Archive, name: str, names: Mapping[str, str]) -> RawTables:
    checksums: dict[str, str] = {}
    bad: list[BadRow] = []

    def contents(files: Sequence[str]) -> Iterator[tuple[bytes, str]]:
        for file, data in zip(files, archive.read_all(files), strict=True):
            checksums[file] = sha256(data)
            yield data, archive.display_path(file)

    def content(file: str) -> tuple[bytes, str]:
        (found,) = contents([file])
        return found

    file, *others = files = ratings_files(archive)
    place = archive.display_path(file)
    if others:
        check_unnamed(names, place)
        ratings, bad_ratings = read_ratings_by_movie(contents(files))
        place = f"{place} to {others[-1]}"
    else:
        ratings, bad_ratings = read_ratings_file(*content(file), file, names)
    bad += bad_ratings
    movies = links = tags = None
    if (found := movies_file(archive)) is not None:
        movies, bad_movies = read_movies_file(*content(found), found)
        bad += bad_movies
    for found in ("links.csv", "link.csv"):
        if found in archive and links is None:
            links, bad_links = read_links(*content(found))
            bad += bad_links
    # Of tags.dat, HetRec has another kind: the names of the tags.
    tags_files = (("tags.csv", ","), ("tag.csv", ","), ("tags.dat", "::"))
    for found, separator in () if file.startswith("user_") else tags_files:
        if found in archive and has_user_tags(*(tagged := content(found)), separator):
            tags, bad_tags = read_tags(*tagged, separator)
            bad += bad_tags
    return RawTables(name, ratings, movies, place, links, tags, checksums, tuple(bad))


def _read_file(path: Path, names: Mapping[str, str]) -> RawTables:
    """Read a single ratings file."""
    data = decompress(read_file(path), display(path))
    return _read_ratings(data, display(path), path.name, excerpt(path.stem), names)


def _read_stdin(names: Mapping[str, str]) -> RawTables:
    data = decompress(read_stdin(), STDIN)
    if data.startswith((ZIP_SIGNATURE, SIGNATURE)):
        raise DataError(f"{STDIN} is a zip or a database; save it and give its path")
    return _read_ratings(data, STDIN, STDIN, STDIN, names)


def _read_ratings(
    data: bytes, place: str, file: str, name: str, names: Mapping[str, str]
) -> RawTables:
    ratings, bad = read_ratings_file(data, place, file, names)
    checksums = {file: sha256(data)}
    return RawTables(name, ratings, None, place, checksums=checksums, bad_rows=tuple(bad))


def _read_database(path: Path, table: str | None, names: Mapping[str, str]) -> RawTables:
    rows, movie_rows, place = read_sqlite(path, table, names)
    ratings, bad = ratings_of_table(rows, place, {})
    movies = None
    if movie_rows is not None:
        movies, bad_movies = movies_of_table(movie_rows, display(path), "movies")
        bad = [*bad, *bad_movies]
    with path.open("rb") as file:
        checksums = {path.name: hashlib.file_digest(file, "sha256").hexdigest()}
    return RawTables(
        excerpt(path.stem), ratings, movies, place, checksums=checksums, bad_rows=tuple(bad)
    )
