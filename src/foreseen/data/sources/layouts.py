"""GroupLens's layouts: which files a data set has, and how each of them is written."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from foreseen.errors import DataError
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
from foreseen.data.sources.delimited import COMMA, BadRow, Layout, split_rows
from foreseen.data.sources.titles import split_genres, split_title

_COLUMNS: Final = (USER, MOVIE, RATING, TIMESTAMP)
# u.item has one 0/1 column per genre; u.genre, which names them, is not in every copy.
_ML_100K_GENRES: Final = (
    "unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip


@dataclass(frozen=True)
class Edition:
    """One way GroupLens has laid a data set out: the names of its files and their writing."""

    name: str
    ratings: str
    ratings_layout: Layout
    movies: str
    movies_separator: str


EDITIONS: Final = (
    Edition("GroupLens CSV", "ratings.csv", COMMA, "movies.csv", ","),
    Edition("ml-100k", "u.data", Layout("\t", _COLUMNS), "u.item", "|"),
    Edition("ml-1m and ml-10m", "ratings.dat", Layout("::", _COLUMNS), "movies.dat", "::"),
)


def recognise(archive: Archive) -> Edition:
    """Return the layout of a data set by the name of its ratings file.

    Raises:
        DataError: If no layout's ratings file is there.
    """
    for edition in EDITIONS:
        if edition.ratings in archive:
            return edition
    known = ", ".join(edition.ratings for edition in EDITIONS)
    found = ", ".join(sorted(archive.members)[:8]) or "no files"
    raise DataError(f"{archive.path} holds no ratings (none of {known}); it has {found}")


def read_movies(data: bytes, file: str, separator: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a movies file of any layout into the canonical columns.

    Raises:
        DataError: If the file is empty, is no text, or lacks a column.
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
    sound: dict[int, tuple[int, str, int | None, list[str]]] = {}
    bad: list[BadRow] = []
    for line, fields in rows:
        text = separator.join(fields)
        if len(fields) != (width or 3):
            reason = f"{len(fields)} fields where {width or 3} are due"
            bad.append(BadRow(file, line, text, reason))
            continue
        identifier = fields[positions[MOVIE]].strip()
        if not identifier.isascii() or not identifier.isdigit():
            reason = f"movieId should be a whole number of 0 or more. Received: '{identifier}'"
            bad.append(BadRow(file, line, text, reason))
            continue
        if int(identifier) in sound:
            bad.append(BadRow(file, line, text, f"movie {identifier} stands in the file already"))
            continue
        title, year = split_title(fields[positions[TITLE]])
        if YEAR in positions and fields[positions[YEAR]].strip().isdigit():
            year = int(fields[positions[YEAR]])
        sound[int(identifier)] = (
            int(identifier),
            title,
            year,
            _genres(fields, positions, separator),
        )
    return pl.DataFrame(list(sound.values()), schema=MOVIES_SCHEMA, orient="row"), bad


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
        shown = ", ".join(header) or "nothing"
        message = (
            f"{file}, line 1: no column {', '.join(missing)}; the header must name "
            f"movieId, title and, if known, genres; it has {shown}"
        )
        raise DataError(message)
    return positions


def _genres(fields: list[str], positions: dict[str, int], separator: str) -> list[str]:
    if separator == "|":
        flags = zip(_ML_100K_GENRES, fields[5:], strict=True)
        return split_genres("|".join(name for name, flag in flags if flag.strip() == "1"))
    return split_genres(fields[positions[GENRES]]) if GENRES in positions else []


def read_links(data: bytes, file: str) -> pl.DataFrame:
    """Read links.csv: a movie's ids at IMDb and TMDB, as text, since IMDb's have leading zeros."""
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
    """Read the tags people gave to movies."""
    rows = (
        (int(fields[0]), int(fields[1]), separator.join(fields[2:-1]).strip(), int(fields[-1]))
        for _, fields in split_rows(data, file, separator)
        if len(fields) > 3 and fields[0].strip().isdigit() and fields[-1].strip().isdigit()
    )
    return pl.DataFrame(list(rows), schema=[USER, MOVIE, TAG, TIMESTAMP], orient="row").cast(
        TAGS_SCHEMA
    )
