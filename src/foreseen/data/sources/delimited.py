"""Delimited text to typed columns, with every bad row named by file and line.

Sound files take a fast way through Polars. A file in which anything is wrong is read again row by
row, slower, so that each fault can be told with its line.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from foreseen.errors import DataError
from foreseen.data.schema import (
    END_OF_TIME,
    HIGHEST_RATING,
    LOWEST_RATING,
    MOVIE,
    RATING,
    RATINGS_SCHEMA,
    TIMESTAMP,
    USER,
)

_ALIASES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("userid", "user_id", "user", "uid"), USER),
    **dict.fromkeys(("movieid", "movie_id", "movie", "itemid", "item_id", "item", "iid"), MOVIE),
    **dict.fromkeys(("rating", "stars", "score"), RATING),
    **dict.fromkeys(("timestamp", "time", "ts", "unix_timestamp"), TIMESTAMP),
}
_LARGEST_ID: Final = 2**53


@dataclass(frozen=True)
class BadRow:
    """One row that cannot be used: where it stands, what it says, and why it is refused."""

    file: str
    line: int
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


@dataclass(frozen=True)
class Layout:
    """How a file is written: its separator, and its columns where no header names them."""

    separator: str
    columns: tuple[str, ...] | None = None


COMMA: Final = Layout(",")


def decode(data: bytes, file: str) -> str:
    """Return text from UTF-8, with or without a byte-order mark, or from Latin-1.

    Raises:
        DataError: If the bytes are not text, or are UTF-16.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{file} is in UTF-16; save it as UTF-8")
    if b"\0" in data[:65536]:
        raise DataError(f"{file} is a binary file, not a text of delimited values")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # ml-100k and ml-1m come in Latin-1.
        return data.decode("latin-1")


def split_rows(data: bytes, file: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of every row that is not blank; quotes count in comma-separated files.

    Raises:
        DataError: If the text cannot be taken apart.
    """
    text = decode(data, file)
    if separator != ",":
        for line, row in enumerate(text.splitlines(), start=1):
            if row.strip():
                yield line, row.split(separator)
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=False)
    start = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file}, line {start}: {error}") from error


def read_header(data: bytes, file: str) -> list[str]:
    """Return the first row's fields, stripped.

    Raises:
        DataError: If the file is empty or is no text.
    """
    decode(data[:65536], file)
    head = data[:65536].split(b"\n", 1)[0]
    for _, fields in split_rows(head, file, ","):
        return [field.strip() for field in fields]
    raise DataError(f"{file} is empty")


def column_positions(
    header: Sequence[str], file: str, required: Sequence[str] = tuple(RATINGS_SCHEMA)
) -> dict[str, int]:
    """Find the canonical columns of a ratings or pairs file in its header, in any letter case.

    Raises:
        DataError: If a required column is missing.
    """
    positions: dict[str, int] = {}
    for position, name in enumerate(header):
        known = _ALIASES.get(name.lower())
        if known is not None:
            positions.setdefault(known, position)
    missing = [name for name in required if name not in positions]
    if missing:
        message = (
            f"{file}, line 1: no column {', '.join(missing)}; the header must name "
            f"{', '.join(required)} and has {', '.join(header) or 'nothing'}"
        )
        raise DataError(message)
    return positions


def read_ratings(data: bytes, file: str, layout: Layout) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a ratings file into the canonical columns, in the file's order.

    Returns:
        The sound rows, with a column `line` that says where each one stood; and the bad rows.

    Raises:
        DataError: If the file is empty, is no text, or lacks a column.
    """
    if not data.strip(b"\xef\xbb\xbf \r\n\t"):
        raise DataError(f"{file} is empty")
    if layout.columns is None:
        header = read_header(data, file)
        positions = column_positions(header, file)
    else:
        header = list(layout.columns)
        positions = {name: position for position, name in enumerate(layout.columns)}
    frame = _read_sound(data, layout, header, positions)
    if frame is not None:
        return frame, []
    return _read_row_by_row(data, file, layout, header, positions)


def _read_sound(
    data: bytes, layout: Layout, header: Sequence[str], positions: Mapping[str, int]
) -> pl.DataFrame | None:
    """Return the typed rows, or None where anything at all is out of order."""
    if b"\0" in data:
        return None
    if len(layout.separator) > 1:
        data = data.replace(layout.separator.encode(), b"\t")
    names = [f"column {position}" for position in range(len(header))]
    by_position = {names[position]: name for name, position in positions.items()}
    try:
        frame = pl.read_csv(
            data,
            has_header=layout.columns is None,
            separator=layout.separator if len(layout.separator) == 1 else "\t",
            quote_char='"' if layout.separator == "," else None,
            new_columns=names,
            schema_overrides=[
                RATINGS_SCHEMA[by_position[name]] if name in by_position else pl.String()
                for name in names
            ],
        )
    except (PolarsError, UnicodeDecodeError):
        return None
    frame = frame.select(
        pl.col(names[position]).alias(name)
        for name in RATINGS_SCHEMA
        for position in [positions[name]]
    )
    sound = frame.select(
        ~pl.any_horizontal(pl.all().is_null().any())
        & pl.col(USER).is_between(0, _LARGEST_ID).all()
        & pl.col(MOVIE).is_between(0, _LARGEST_ID).all()
        & pl.col(RATING).is_between(LOWEST_RATING, HIGHEST_RATING).all()
        & pl.col(TIMESTAMP).is_between(0, END_OF_TIME - 1).all()
    ).item()
    if not sound:
        return None
    first = 1 if layout.columns is not None else 2
    return frame.with_columns(line=pl.int_range(first, first + frame.height, dtype=pl.Int64))


def _read_row_by_row(
    data: bytes, file: str, layout: Layout, header: Sequence[str], positions: Mapping[str, int]
) -> tuple[pl.DataFrame, list[BadRow]]:
    sound: list[tuple[int, int, float, int, int]] = []
    bad: list[BadRow] = []
    rows = split_rows(data, file, layout.separator)
    if layout.columns is None:
        next(rows)
    for line, fields in rows:
        try:
            values = named_fields(fields, len(header), positions)
            sound.append(
                (
                    identifier(USER, values[USER]),
                    identifier(MOVIE, values[MOVIE]),
                    _rating(values[RATING]),
                    _timestamp(values[TIMESTAMP]),
                    line,
                )
            )
        except ValueError as error:
            bad.append(BadRow(file, line, layout.separator.join(fields), str(error)))
    schema = {**RATINGS_SCHEMA, "line": pl.Int64()}
    return pl.DataFrame(sound, schema=schema, orient="row"), bad


def named_fields(fields: Sequence[str], width: int, positions: Mapping[str, int]) -> dict[str, str]:
    """Return a row's fields by name, or raise a ValueError if it is too long or too short."""
    if len(fields) != width:
        raise ValueError(f"{len(fields)} fields where {width} are due")
    return {name: fields[position].strip() for name, position in positions.items()}


def number(name: str, text: str) -> float:
    """Return a finite number, or raise a ValueError that says what is wrong."""
    try:
        value = float(text)
    except ValueError:
        shown = f"'{text}'" if text else "nothing"
        raise ValueError(f"{name} should be a number. Received: {shown}") from None
    if not math.isfinite(value):
        raise ValueError(f"{name} should be finite. Received: {text}")
    return value


def identifier(name: str, text: str) -> int:
    """Return a user's or movie's id, or raise a ValueError that says what is wrong."""
    value = number(name, text)
    if value != int(value) or not 0 <= value <= _LARGEST_ID:
        raise ValueError(f"{name} should be a whole number of 0 or more. Received: {text}")
    return int(value)


def _rating(text: str) -> float:
    value = number(RATING, text)
    if not LOWEST_RATING <= value <= HIGHEST_RATING:
        scale = f"{LOWEST_RATING} to {HIGHEST_RATING}"
        raise ValueError(f"rating should be on the scale {scale}. Received: {text}")
    return value


def _timestamp(text: str) -> int:
    value = number(TIMESTAMP, text)
    if value >= END_OF_TIME:
        raise ValueError(
            f"timestamp should be in seconds, before the year 2100. Received: {text}"
            + (" (milliseconds?)" if value / 1000 < END_OF_TIME else "")
        )
    if value < 0:
        raise ValueError(f"timestamp should be 0 or more. Received: {text}")
    return int(value)
