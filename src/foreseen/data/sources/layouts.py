"""The files of data sets: their names, and the readers of movies, links and tags."""

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from foreseen.data.input_files import display
from foreseen.data.schema import (
    GENRES,
    LINKS_SCHEMA,
    MOVIE,
    MOVIES_SCHEMA,
    TAGS_SCHEMA,
    TITLE,
    USER,
    YEAR,
)
from foreseen.data.sources.archive import Archive
from foreseen.data.sources.delimited import check_width
from foreseen.data.sources.detection import (
    MOVIE_ALIASES,
    columns_of,
    missing_columns,
    separator_of,
)
from foreseen.data.sources.fields import parse_id, parse_seconds
from foreseen.data.sources.personal import parse_year
from foreseen.data.sources.rows import BadRow, BadRows, RowText
from foreseen.data.sources.titles import split_genres, split_title
from foreseen.data.text import clean_text, excerpt, first_row, split_rows
from foreseen.errors import DataError

_MAX_TITLE_LENGTH: Final = 1000
# u.item has one 0/1 column per genre; u.genre with their names is missing in some copies.
_ML_100K_GENRES: Final = (
    "unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip


RATINGS_FILES: Final = re.compile(
    r"ratings?\.(csv|tsv|txt|json|jsonl|ndjson|parquet)|u\.data|ratings\.dat"
    r"|user_ratedmovies(-timestamps)?\.dat|.+\.inter"
)
"""Names of ratings files, as GroupLens, Kaggle, HetRec, RecBole and other programs write them."""
_MOVIES_FILES: Final = re.compile(r"movies?\.(csv|tsv|txt|dat|parquet)|u\.item|.+\.item")


def ratings_file(archive: Archive) -> str:
    """Return the name of the ratings file of a data set.

    Raises:
        DataError: If it has none, or several.
    """
    names = [name for name in archive.members if RATINGS_FILES.fullmatch(name)]
    if not names:
        found = excerpt(", ".join(sorted(archive.members)[:8]), 400) or "no files"
        names = "ratings.csv, u.data, ratings.dat, ratings.parquet"
        raise DataError(f"{display(archive.path)} has no ratings file ({names}); it has {found}")
    # HetRec has a second file with the parts of each date in columns of their own.
    with_time = [name for name in names if "timestamps" in name]
    if len(names) > 1 and not with_time:
        several = excerpt(", ".join(sorted(names)), 200)
        raise DataError(f"{display(archive.path)} has several ratings files: {several}; give one")
    return (with_time or names)[0]


def movies_file(archive: Archive) -> str | None:
    """Return the name of the movies file of a data set; None if it has none."""
    return next((name for name in archive.members if _MOVIES_FILES.fullmatch(name)), None)


def read_movies(data: bytes, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a movies file of any layout into the canonical columns.

    Returns:
        The valid rows; and the bad rows, which include repeated movies.

    Raises:
        DataError: If the file is empty, is not text, or lacks a column.
    """
    separator, positions, width, header_line = _movies_layout(data, file)
    rows = (row for row in split_rows(data, file, separator) if row[0] > header_line)
    valid: dict[int, tuple[int, str, int | None, list[str]]] = {}
    bad = BadRows(file)
    for line, fields in rows:
        row = RowText(line, separator.join(fields), {})
        try:
            check_width(fields, width)
            movie = parse_id(MOVIE, fields[positions[MOVIE]])
        except ValueError as error:
            bad.add(row, str(error), len(valid))
            continue
        if movie in valid:
            bad.add(row, f"movie {movie} is listed twice", len(valid))
            continue
        title, year = split_title(fields[positions[TITLE]][:_MAX_TITLE_LENGTH])
        if YEAR in positions:
            year = parse_year(fields[positions[YEAR]]) or year
        valid[movie] = (movie, title, year, _genres(fields, positions, separator))
    return pl.DataFrame(list(valid.values()), schema=MOVIES_SCHEMA, orient="row"), bad.found


def _movies_layout(data: bytes, file: str) -> tuple[str, dict[str, int], int, int]:
    """Return the separator, the columns, their number, and the line of the header or 0."""
    separator = separator_of(data, file, MOVIE_ALIASES)
    if separator is not None:
        line, header = first_row(data, file, separator)
        positions = columns_of(header, MOVIE_ALIASES)
        if error := missing_columns(header, positions, (MOVIE, TITLE), file):
            raise error
        return separator, positions, len(header), line
    without_header = {MOVIE: 0, TITLE: 1, GENRES: 2}
    ml_100k_width = 5 + len(_ML_100K_GENRES)
    for separator, width in (("|", ml_100k_width), ("::", 3), (",", 3), ("\t", 3), (";", 3)):
        fields = first_row(data, file, separator)[1]
        if len(fields) == width and _is_id(fields[0]):
            return separator, without_header, width, 0
    if file.endswith("u.item"):
        return "|", without_header, ml_100k_width, 0
    if file.endswith("movies.dat"):
        return "::", without_header, 3, 0
    found = excerpt(", ".join(first_row(data, file, ",")[1]), 200)
    message = f"{file}, line 1: no column {MOVIE}, {TITLE}; the header should have them"
    raise DataError(f"{message}. Received: {found}")


def _is_id(field: str) -> bool:
    try:
        parse_id(MOVIE, field)
    except ValueError:
        return False
    return True


def _genres(fields: list[str], positions: dict[str, int], separator: str) -> list[str]:
    if separator == "|" and len(fields) == 5 + len(_ML_100K_GENRES):
        flags = zip(_ML_100K_GENRES, fields[5:], strict=True)
        return split_genres("|".join(name for name, flag in flags if flag.strip() == "1"))
    return split_genres(fields[positions[GENRES]]) if GENRES in positions else []


def read_links(data: bytes, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read links.csv; IMDb and TMDB ids stay text because those of IMDb have leading zeros.

    Returns:
        The valid rows; and the bad rows.

    Raises:
        DataError: If the file is not text, or has too many bad rows.
    """
    links: list[tuple[int, str | None, str | None]] = []
    bad = BadRows(file)
    for row, fields in _rows_after_header(data, file, ","):
        try:
            movie = parse_id(MOVIE, fields[0])
        except ValueError as error:
            bad.add(row, str(error), len(links))
            continue
        imdb, tmdb = ([*fields[1:], "", ""])[:2]
        links.append((movie, _external_id(imdb), _external_id(tmdb)))
    return pl.DataFrame(links, schema=LINKS_SCHEMA, orient="row"), bad.found


def read_tags(data: bytes, file: str, separator: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read the tags that users gave to movies; see `read_links`."""
    tags: list[tuple[int, int, str, int]] = []
    bad = BadRows(file)
    for row, fields in _rows_after_header(data, file, separator):
        try:
            check_width(fields[: len(TAGS_SCHEMA)], len(TAGS_SCHEMA))
            user, movie = parse_id(USER, fields[0]), parse_id(MOVIE, fields[1])
            timestamp = parse_seconds(fields[-1])
        except ValueError as error:
            bad.add(row, str(error), len(tags))
            continue
        tags.append((user, movie, clean_text(separator.join(fields[2:-1])), timestamp))
    return pl.DataFrame(tags, schema=TAGS_SCHEMA, orient="row"), bad.found


def _rows_after_header(
    data: bytes, file: str, separator: str
) -> Iterator[tuple[RowText, list[str]]]:
    """Yield the rows of a file, without a first one of column names."""
    for position, (line, fields) in enumerate(split_rows(data, file, separator)):
        if position == 0 and fields[0].strip().lower().removesuffix("id") in {"movie", "user"}:
            continue
        yield RowText(line, separator.join(fields), {}), fields


def _external_id(text: str) -> str | None:
    """Return an id of another service; programs that save ids as fractions add `.0`."""
    return clean_text(text[:_MAX_TITLE_LENGTH]).removesuffix(".0") or None
