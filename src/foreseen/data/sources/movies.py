"""Reading of movies: text in any layout, and tables of other programs."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, cast

import polars as pl

from foreseen.data.schema import GENRES, MOVIE, MOVIES_SCHEMA, TITLE, YEAR
from foreseen.data.sources.delimited import check_width
from foreseen.data.sources.detection import (
    MOVIE_ALIASES,
    columns_of,
    missing_columns,
    separator_of,
)
from foreseen.data.sources.fields import parse_id
from foreseen.data.sources.netflix import MAX_TITLE_LENGTH, has_title_lines, read_numbered_titles
from foreseen.data.sources.personal_fields import parse_year
from foreseen.data.sources.rows import BadRow, BadRows, RowText, table_of
from foreseen.data.sources.titles import split_genres, split_title
from foreseen.data.text import excerpt, first_row, split_rows
from foreseen.errors import DataError

# u.item has one 0/1 column per genre; u.genre with their names is missing in some copies.
_ML_100K_GENRES: Final = (
    "unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip

_BOOK_CROSSING: Final = b'"ISBN";'
"""The start of a file in which a quote in a title has a backslash before it."""


def read_movies(data: bytes, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a movies file of any layout into the canonical columns.

    Returns:
        The valid rows; and the bad rows, which include repeated movies.

    Raises:
        DataError: If the file is empty, is not text, or lacks a column.
    """
    if has_title_lines(data):
        return read_numbered_titles(data, file)
    separator, positions, width, header_line = _movies_layout(data, file)
    if data.startswith(_BOOK_CROSSING):
        data = data.replace(b'\\"', b'""')
    rows = (row for row in split_rows(data, file, separator) if row[0] > header_line)
    return _read_rows(rows, file, separator, positions, width)


def movies_of(table: pl.DataFrame, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Return the valid movies of a table, and its bad rows; see `read_movies`.

    Raises:
        DataError: If the table lacks a column, or has too many bad rows.
    """
    positions = columns_of(table.columns, MOVIE_ALIASES)
    if error := missing_columns(table.columns, positions, (MOVIE, TITLE), file):
        raise error
    rows = enumerate(([_as_text(value) for value in row] for row in table.iter_rows()), start=1)
    return _read_rows(rows, file, "|", positions, table.width)


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return "|".join(str(part) for part in cast("list[object]", value) if part is not None)
    return "" if value is None else str(value)


def _read_rows(
    rows: Iterable[tuple[int, Sequence[str]]],
    file: str,
    separator: str,
    positions: Mapping[str, int],
    width: int,
) -> tuple[pl.DataFrame, list[BadRow]]:
    """Return the valid movies of rows of fields, and the bad rows."""
    valid: dict[str, tuple[str, str, int | None, list[str]]] = {}
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
        title, year = split_title(fields[positions[TITLE]][:MAX_TITLE_LENGTH])
        if YEAR in positions:
            year = parse_year(fields[positions[YEAR]].strip().removesuffix(".0")) or year
        valid[movie] = (movie, title, year, _genres(fields, positions, separator))
    return table_of(list(valid.values()), MOVIES_SCHEMA), bad.found


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
        return any(letter.isdigit() for letter in parse_id(MOVIE, field))
    except ValueError:
        return False


# Of many thousands of movies, few differ in their list of genres.
_split_genres: Final = lru_cache(4096)(split_genres)


def _genres(fields: Sequence[str], positions: Mapping[str, int], separator: str) -> list[str]:
    if separator == "|" and len(fields) == 5 + len(_ML_100K_GENRES):
        flags = zip(_ML_100K_GENRES, fields[5:], strict=True)
        return _split_genres("|".join(name for name, flag in flags if flag.strip() == "1"))
    text = fields[positions[GENRES]] if GENRES in positions else ""
    is_list = "|" in text or text.startswith("[")
    return _split_genres(text if is_list else text.replace(", ", "|"))
