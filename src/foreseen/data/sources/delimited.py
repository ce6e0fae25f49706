"""Parsing of delimited ratings files into typed columns, reporting bad rows by file and line.

Valid files are parsed by Polars. A file with any error is parsed again row by row, slower, to
report each error with its line.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from foreseen.data.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    MOVIE,
    RATING,
    RATINGS_SCHEMA,
    TIMESTAMP,
    TIMESTAMP_LIMIT,
    USER,
)
from foreseen.errors import DataError

_ALIASES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("userid", "user_id", "user", "uid"), USER),
    **dict.fromkeys(("movieid", "movie_id", "movie", "itemid", "item_id", "item", "iid"), MOVIE),
    **dict.fromkeys(("rating", "stars", "score"), RATING),
    **dict.fromkeys(("timestamp", "time", "ts", "unix_timestamp"), TIMESTAMP),
}
_MAX_ID: Final = 2**53


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used: its file, line and text, and the reason."""

    file: str
    line: int
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


@dataclass(frozen=True)
class FileFormat:
    """The format of a delimited file.

    Attributes:
        separator: Text between two fields.
        columns: Names of the columns; None if the file has a header.
    """

    separator: str
    columns: tuple[str, ...] | None = None


COMMA: Final = FileFormat(",")


def decode(data: bytes, file: str) -> str:
    """Decode UTF-8, with or without a byte-order mark, or Latin-1.

    Raises:
        DataError: If the data is binary or UTF-16.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{file} is in UTF-16; save it as UTF-8")
    if b"\0" in data[:65536]:
        raise DataError(f"{file} is a binary file; give a text file of delimited values")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # ml-100k and ml-1m are in Latin-1.
        return data.decode("latin-1")


def split_rows(data: bytes, file: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of each non-blank row; only comma-separated files have quoting.

    Raises:
        DataError: If the text cannot be parsed.
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
    """Return the fields of the first row, stripped.

    Raises:
        DataError: If the file is empty or not text.
    """
    decode(data[:65536], file)
    head = data[:65536].split(b"\n", 1)[0]
    for _, fields in split_rows(head, file, ","):
        return [field.strip() for field in fields]
    raise DataError(f"{file} is empty")


def column_positions(
    header: Sequence[str], file: str, required: Sequence[str] = tuple(RATINGS_SCHEMA)
) -> dict[str, int]:
    """Return the position of each canonical column in a header, in any letter case or alias.

    Raises:
        DataError: If a required column is missing.
    """
    positions: dict[str, int] = {}
    for position, name in enumerate(header):
        column = _ALIASES.get(name.lower())
        if column is not None:
            positions.setdefault(column, position)
    missing = [name for name in required if name not in positions]
    if missing:
        message = (
            f"{file}, line 1: no column {', '.join(missing)}; the header should have "
            f"{', '.join(required)}. Received: {', '.join(header) or 'nothing'}"
        )
        raise DataError(message)
    return positions


def read_ratings(
    data: bytes, file: str, file_format: FileFormat
) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a ratings file into the canonical columns, in the file's order.

    Returns:
        The valid rows, with their line numbers in a column `line`; and the bad rows.

    Raises:
        DataError: If the file is empty, is not text, or lacks a column.
    """
    if not data.strip(b"\xef\xbb\xbf \r\n\t"):
        raise DataError(f"{file} is empty")
    if file_format.columns is None:
        header = read_header(data, file)
        positions = column_positions(header, file)
    else:
        header = list(file_format.columns)
        positions = {name: position for position, name in enumerate(file_format.columns)}
    frame = _read_valid(data, file_format, header, positions)
    if frame is not None:
        return frame, []
    return _read_row_by_row(data, file, file_format, header, positions)


def _read_valid(
    data: bytes, file_format: FileFormat, header: Sequence[str], positions: Mapping[str, int]
) -> pl.DataFrame | None:
    """Return the typed rows, or None if any row is bad."""
    if b"\0" in data:
        return None
    if len(file_format.separator) > 1:
        data = data.replace(file_format.separator.encode(), b"\t")
    names = [f"column {position}" for position in range(len(header))]
    by_position = {names[position]: name for name, position in positions.items()}
    try:
        frame = pl.read_csv(
            data,
            has_header=file_format.columns is None,
            separator=file_format.separator if len(file_format.separator) == 1 else "\t",
            quote_char='"' if file_format.separator == "," else None,
            new_columns=names,
            schema_overrides=[
                RATINGS_SCHEMA[by_position[name]] if name in by_position else pl.String()
                for name in names
            ],
        )
    except (PolarsError, UnicodeDecodeError):
        return None
    frame = frame.select(pl.col(names[positions[name]]).alias(name) for name in RATINGS_SCHEMA)
    is_valid = frame.select(
        ~pl.any_horizontal(pl.all().is_null().any())
        & pl.col(USER).is_between(0, _MAX_ID).all()
        & pl.col(MOVIE).is_between(0, _MAX_ID).all()
        & pl.col(RATING).is_between(LOWEST_RATING, HIGHEST_RATING).all()
        & pl.col(TIMESTAMP).is_between(0, TIMESTAMP_LIMIT - 1).all()
    ).item()
    if not is_valid:
        return None
    first = 1 if file_format.columns is not None else 2
    return frame.with_columns(line=pl.int_range(first, first + frame.height, dtype=pl.Int64))


def _read_row_by_row(
    data: bytes,
    file: str,
    file_format: FileFormat,
    header: Sequence[str],
    positions: Mapping[str, int],
) -> tuple[pl.DataFrame, list[BadRow]]:
    valid: list[tuple[int, int, float, int, int]] = []
    bad: list[BadRow] = []
    rows = split_rows(data, file, file_format.separator)
    if file_format.columns is None:
        next(rows)
    for line, fields in rows:
        try:
            values = named_fields(fields, len(header), positions)
            valid.append(
                (
                    parse_id(USER, values[USER]),
                    parse_id(MOVIE, values[MOVIE]),
                    _parse_rating(values[RATING]),
                    _parse_timestamp(values[TIMESTAMP]),
                    line,
                )
            )
        except ValueError as error:
            bad.append(BadRow(file, line, file_format.separator.join(fields), str(error)))
    schema = {**RATINGS_SCHEMA, "line": pl.Int64()}
    return pl.DataFrame(valid, schema=schema, orient="row"), bad


def named_fields(fields: Sequence[str], width: int, positions: Mapping[str, int]) -> dict[str, str]:
    """Return the fields of a row by column, stripped.

    Raises:
        ValueError: If the row does not have `width` fields.
    """
    if len(fields) != width:
        raise ValueError(field_count_error(len(fields), width))
    return {name: fields[position].strip() for name, position in positions.items()}


def field_count_error(received: int, expected: int) -> str:
    """Return the message for a row with a wrong number of fields."""
    return f"a row should have {expected} fields. Received: {received}"


def parse_number(name: str, text: str) -> float:
    """Return the finite number in a field.

    Raises:
        ValueError: If there is none; the message names the column.
    """
    try:
        value = float(text)
    except ValueError:
        received = f"'{text}'" if text else "nothing"
        raise ValueError(f"{name} should be a number. Received: {received}") from None
    if not math.isfinite(value):
        raise ValueError(f"{name} should be finite. Received: {text}")
    return value


def parse_id(name: str, text: str) -> int:
    """Return the user or movie id in a field.

    Raises:
        ValueError: If there is none; the message names the column.
    """
    value = parse_number(name, text)
    if value != int(value) or not 0 <= value <= _MAX_ID:
        raise ValueError(f"{name} should be a whole number of 0 or more. Received: {text}")
    return int(value)


def _parse_rating(text: str) -> float:
    value = parse_number(RATING, text)
    if not LOWEST_RATING <= value <= HIGHEST_RATING:
        scale = f"{LOWEST_RATING} to {HIGHEST_RATING}"
        raise ValueError(f"rating should be on the scale {scale}. Received: {text}")
    return value


def _parse_timestamp(text: str) -> int:
    value = parse_number(TIMESTAMP, text)
    if value >= TIMESTAMP_LIMIT:
        raise ValueError(
            f"timestamp should be in seconds, before the year 2100. Received: {text}"
            + (" (milliseconds?)" if value / 1000 < TIMESTAMP_LIMIT else "")
        )
    if value < 0:
        raise ValueError(f"timestamp should be 0 or more. Received: {text}")
    return int(value)
