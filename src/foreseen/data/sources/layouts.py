"""The layouts of GroupLens data sets: names and formats of their files."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from foreseen.data.schema import (
    GENRES,
    IMDB,
    LINKS_SCHEMA,
    MOVIE,
    MOVIES_SCHEMA,
    RATING,
    TAG,
    TAGS_SCHEMA,
    TIMESTAMP,
    TITLE,
    TMDB,
    USER,
    YEAR,
)
from foreseen.data.sources.archive import Archive
from foreseen.data.sources.delimited import COMMA, BadRow, FileFormat, field_count_error, split_rows
from foreseen.data.sources.titles import split_genres, split_title
from foreseen.errors import DataError

_COLUMNS: Final = (USER, MOVIE, RATING, TIMESTAMP)
# u.item has one 0/1 column per genre; u.genre with their names is missing in some copies.
_ML_100K_GENRES: Final = (
    "unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip


@dataclass(frozen=True)
class DatasetLayout:
    """The file names and formats of a data set.

    Attributes:
        name: The data sets with this layout.
        ratings: Name of the ratings file.
        ratings_format: Format of the ratings file.
        movies: Name of the movies file.
        movies_separator: Separator of the movies file.
    """

    name: str
    ratings: str
    ratings_format: FileFormat
    movies: str
    movies_separator: str


LAYOUTS: Final = (
    DatasetLayout("GroupLens CSV", "ratings.csv", COMMA, "movies.csv", ","),
    DatasetLayout("ml-100k", "u.data", FileFormat("\t", _COLUMNS), "u.item", "|"),
    DatasetLayout(
        "ml-1m and ml-10m", "ratings.dat", FileFormat("::", _COLUMNS), "movies.dat", "::"
    ),
)


def detect_layout(archive: Archive) -> DatasetLayout:
    """Return the layout of a data set by the name of its ratings file.

    Raises:
        DataError: If there is no ratings file of any layout.
    """
    for layout in LAYOUTS:
        if layout.ratings in archive:
            return layout
    names = ", ".join(layout.ratings for layout in LAYOUTS)
    found = ", ".join(sorted(archive.members)[:8]) or "no files"
    raise DataError(f"{archive.path} has no ratings file ({names}); it has {found}")


def read_movies(data: bytes, file: str, separator: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a movies file of any layout into the canonical columns.

    Returns:
        The valid rows; and the bad rows, which include repeated movies.

    Raises:
        DataError: If the file is empty, is not text, or lacks a column.
    """
    rows = split_rows(data, file, separator)
    positions = {MOVIE: 0, TITLE: 1, GENRES: 2}
    width: int | None = None
    if separator == ",":
        header = [name.strip().lower() for name in next(rows, (1, list[str]()))[1]]
        positions = _movie_columns(header, file)
        width = len(header)
    elif separator == "|":
        width = 5 + len(_ML_100K_GENRES)
    valid: dict[int, tuple[int, str, int | None, list[str]]] = {}
    bad: list[BadRow] = []
    for line, fields in rows:
        text = separator.join(fields)
        if len(fields) != (width or 3):
            bad.append(BadRow(file, line, text, field_count_error(len(fields), width or 3)))
            continue
        identifier = fields[positions[MOVIE]].strip()
        if not identifier.isascii() or not identifier.isdigit():
            reason = f"movieId should be a whole number of 0 or more. Received: '{identifier}'"
            bad.append(BadRow(file, line, text, reason))
            continue
        if int(identifier) in valid:
            bad.append(BadRow(file, line, text, f"movie {identifier} is listed twice"))
            continue
        title, year = split_title(fields[positions[TITLE]])
        if YEAR in positions and fields[positions[YEAR]].strip().isdigit():
            year = int(fields[positions[YEAR]])
        valid[int(identifier)] = (
            int(identifier),
            title,
            year,
            _genres(fields, positions, separator),
        )
    return pl.DataFrame(list(valid.values()), schema=MOVIES_SCHEMA, orient="row"), bad


def _movie_columns(header: list[str], file: str) -> dict[str, int]:
    names = {
        MOVIE: ("movieid", "movie_id", "itemid", "item_id", "item", "movie"),
        TITLE: ("title", "movie_title", "name"),
        GENRES: ("genres", "genre"),
        YEAR: ("year", "release_year"),
    }
    positions = {
        column: header.index(alias)
        for column, aliases in names.items()
        for alias in aliases
        if alias in header
    }
    missing = [name for name in (MOVIE, TITLE) if name not in positions]
    if missing:
        found = ", ".join(header) or "nothing"
        message = (
            f"{file}, line 1: no column {', '.join(missing)}; the header should have "
            f"movieId, title and, optionally, genres and year. Received: {found}"
        )
        raise DataError(message)
    return positions


def _genres(fields: list[str], positions: dict[str, int], separator: str) -> list[str]:
    if separator == "|":
        flags = zip(_ML_100K_GENRES, fields[5:], strict=True)
        return split_genres("|".join(name for name, flag in flags if flag.strip() == "1"))
    return split_genres(fields[positions[GENRES]]) if GENRES in positions else []


def read_links(data: bytes, file: str) -> pl.DataFrame:
    """Read links.csv; IMDb and TMDB ids stay text because those of IMDb have leading zeros."""
    rows = (
        (
            int(fields[0]),
            fields[1].strip() or None,
            (fields[2].strip() if len(fields) > 2 else "") or None,
        )
        for _, fields in split_rows(data, file, ",")
        if len(fields) > 1 and fields[0].strip().isdigit()
    )
    return pl.DataFrame(list(rows), schema=[MOVIE, IMDB, TMDB], orient="row").cast(LINKS_SCHEMA)


def read_tags(data: bytes, file: str, separator: str) -> pl.DataFrame:
    """Read the tags that users gave to movies."""
    rows = (
        (int(fields[0]), int(fields[1]), separator.join(fields[2:-1]).strip(), int(fields[-1]))
        for _, fields in split_rows(data, file, separator)
        if len(fields) > 3 and fields[0].strip().isdigit() and fields[-1].strip().isdigit()
    )
    return pl.DataFrame(list(rows), schema=[USER, MOVIE, TAG, TIMESTAMP], orient="row").cast(
        TAGS_SCHEMA
    )
