"""Columns that the caller names, of ratings whose header is not recognised or missing."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER
from foreseen.data.sources.detection import (
    ALIASES,
    SEPARATORS,
    FileFormat,
    columns_of,
    missing_columns,
)
from foreseen.data.sources.fields import parse_number
from foreseen.data.text import excerpt, first_row
from foreseen.errors import DataError, InputError

_KEYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("user", "userid"), USER),
    **dict.fromkeys(("item", "itemid", "movie", "movieid"), MOVIE),
    "rating": RATING,
    **dict.fromkeys(("time", "timestamp"), TIMESTAMP),
}
_EXAMPLE: Final = "user=uid,item=film,rating=score,time=when"


def canonical_names(columns: Mapping[str, str | int]) -> dict[str, str]:
    """Return the name, or the position from 1, of each canonical column that a caller names.

    Args:
        columns: Names by `user`, `item` (or `movie`), `rating` and `time` (or `timestamp`).

    Raises:
        InputError: If a key is of no column, is repeated, or has no name.
    """
    names: dict[str, str] = {}
    for key, value in columns.items():
        column = _KEYS.get(key.strip().lower())
        name = str(value).strip()
        if column is None or not name:
            raise InputError(
                f"columns should be named as in {_EXAMPLE}. Received: '{excerpt(f'{key}={value}')}'"
            )
        if column in names:
            raise InputError(f"columns: {column} is named twice; name it once")
        names[column] = name
    return names


def parse_columns(text: str) -> dict[str, str]:
    """Return the names in a text such as `user=uid,item=film,rating=score,time=when`.

    Raises:
        InputError: As `canonical_names`.
    """
    names: dict[str, str] = {}
    for part in text.split(","):
        key, separator, name = part.partition("=")
        named = canonical_names({key: name if separator else ""})
        if named.keys() & names.keys():
            raise InputError(f"columns: {', '.join(named)} is named twice; name it once")
        names |= named
    return names


def rename_columns(table: pl.DataFrame, names: Mapping[str, str], file: str) -> pl.DataFrame:
    """Return the columns of ratings of a table, under their canonical names.

    Raises:
        DataError: If the table lacks a column.
    """
    positions = column_positions(table.columns, names, file)
    return table.select(
        pl.col(table.columns[position]).alias(name) for name, position in positions.items()
    )


def format_with_columns(data: bytes, file: str, names: Mapping[str, str]) -> FileFormat:
    """Return the format of a delimited file of which columns are named.

    Without a header, all columns are named by their positions.

    Raises:
        DataError: If the file is empty, is not text, or lacks a column.
    """
    rows = {separator: first_row(data, file, separator)[1] for separator in SEPARATORS}
    separator = max(SEPARATORS, key=lambda separator: _fit(rows[separator], names))
    header = rows[separator]
    positions = column_positions(header, names, file)
    columns = [""] * len(header)
    for name, position in positions.items():
        columns[position] = name
    return FileFormat(separator, tuple(columns), has_header=not _is_row(header, names))


def _fit(header: Sequence[str], names: Mapping[str, str]) -> tuple[int, int, int]:
    found = sum(_position(header, name) is not None for name in names.values())
    return found, len(columns_of(header, ALIASES)), len(header)


def _is_row(fields: Sequence[str], names: Mapping[str, str]) -> bool:
    """Return whether the first row is one of ratings, whose columns are named by position."""
    if not all(name.isdigit() for name in names.values()) or columns_of(fields, ALIASES):
        return False
    position = _position(fields, names.get(RATING, ""))
    if position is None:
        return True
    try:
        parse_number(RATING, fields[position])
    except ValueError:
        return False
    return True


def column_positions(header: Sequence[str], names: Mapping[str, str], file: str) -> dict[str, int]:
    """Return the positions of the columns that a caller names, and of those that are recognised.

    Args:
        header: Names of all columns.
        names: Names by canonical column, see `canonical_names`.
        file: The file in messages.

    Raises:
        DataError: If a named column is missing or named twice, or if there is no column of users,
            movies or ratings. A table of only users, movies and perhaps timestamps has no ratings.
    """
    named: dict[str, int] = {}
    for column, name in names.items():
        position = _position(header, name)
        if position is None:
            found = excerpt(", ".join(header), 200) or "nothing"
            raise DataError(
                f"{file} has no column '{excerpt(name)}'; name columns that it has. "
                f"Received: {found}"
            )
        if position in named.values():
            raise DataError(f"{file}: column '{excerpt(name)}' is named twice; name it once")
        named[column] = position
    recognised = columns_of(header, ALIASES)
    positions = named | {
        column: position
        for column, position in recognised.items()
        if column not in named and position not in named.values()
    }
    required = (USER, MOVIE) if len(positions) == len(header) else (USER, MOVIE, RATING)
    if error := missing_columns(header, positions, required, file):
        raise error
    return positions


def _position(header: Sequence[str], name: str) -> int | None:
    """Return the position of a column given by a number from 1, or by its name in any case."""
    if name.isascii() and name.isdigit() and len(name) < 6 and 1 <= int(name) <= len(header):
        return int(name) - 1
    if name in header:
        return header.index(name)
    lower = [column.strip().lower() for column in header]
    # RecBole writes the type after the name.
    plain = [column.partition(":")[0] for column in lower]
    for columns in (lower, plain):
        if name.lower() in columns:
            return columns.index(name.lower())
    return None
