"""Parsing of delimited files with ids, ratings and timestamps into typed columns.

A valid file is parsed by Polars, straight into types. Else the fields are read as text and
converted column by column; rows that still have no valid value are parsed one by one, to report
each error with its line.
"""

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from polars.exceptions import PanicException, PolarsError

from foreseen.data.schema import MOVIE, RATING, RATINGS_SCHEMA, TIMESTAMP, USER
from foreseen.data.sources.detection import (
    ALIASES,
    FileFormat,
    columns_of,
    format_of,
    missing_columns,
    other_separator,
)
from foreseen.data.sources.fields import convert_columns, is_valid
from foreseen.data.sources.rows import (
    LINE,
    POSITION,
    BadRow,
    BadRows,
    RowText,
    complete_rows,
    row_error,
)
from foreseen.data.text import first_row, split_rows, start_of_text
from foreseen.errors import DataError

_REQUIRED: Final = (USER, MOVIE, RATING)
_logger: Final = logging.getLogger(__name__)
_CHUNK: Final = 50_000
_BLOCK: Final = 1 << 18
_ZERO, _NINE, _POINT = b"09."
_LINE_END: Final = np.frombuffer(b"\n", dtype=np.uint8)


@dataclass(frozen=True)
class _Layout:
    """The columns of one file.

    Attributes:
        width: Number of fields of a row.
        positions: Position of each canonical column.
        header_line: Line of the header; without one, the number of blank lines before the rows.
    """

    width: int
    positions: Mapping[str, int]
    header_line: int


def read_ratings(
    data: bytes, file: str, file_format: FileFormat | None = None
) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a ratings file into the canonical columns, in the file's order.

    Without a column of timestamps, the column `position` has the positions of the rows.

    Args:
        data: Content of the file.
        file: Its name in messages.
        file_format: Its format; None to recognise it by the first row.

    Returns:
        The valid rows, with their line numbers in a column `line`; and the bad rows.

    Raises:
        DataError: If the file is empty, is not text, or lacks a column; or if over a tenth of its
            rows, and over 100,000, are bad.
    """
    if start_of_text(data) == len(data):
        raise DataError(f"{file} is empty")
    ratings, bad = read_columns(data, file, file_format or format_of(data, file), _REQUIRED)
    if RATING not in ratings.columns:
        _logger.warning("%s has no ratings; each row counts as a view", file)
    ratings = with_rating(ratings)
    return ratings if TIMESTAMP in ratings.columns else with_positions(ratings), bad


def with_rating(ratings: pl.DataFrame) -> pl.DataFrame:
    """Return views as ratings of 1, and ratings as they are."""
    if RATING in ratings.columns:
        return ratings
    return ratings.insert_column(2, pl.lit(1.0).alias(RATING))


def with_positions(ratings: pl.DataFrame) -> pl.DataFrame:
    """Return ratings with the positions of their rows."""
    return ratings.with_row_index(POSITION).select(
        *_REQUIRED, pl.col(POSITION).cast(pl.Int64), LINE
    )


def read_columns(
    data: bytes, file: str, file_format: FileFormat, columns: Sequence[str]
) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read canonical columns of a file; see `read_ratings`.

    Args:
        data: Content of the file.
        file: Its name in messages.
        file_format: Its format.
        columns: The required ones of `RATINGS_SCHEMA`; of others, `timestamp` is read if present.
            A file of only users, movies and perhaps timestamps may lack ratings.
    """
    names = file_format.columns
    if file_format.has_header:
        line, header = first_row(data, file, file_format.separator)
        positions = columns_of(header, ALIASES) if names is None else _by_name(names)
        required = [name for name in columns if name != RATING or len(positions) < len(header)]
        if error := missing_columns(header, positions, required, file):
            raise error
        layout = _Layout(len(header), _wanted(positions, columns), line)
    else:
        names = names or ()
        blank = data.count(b"\n", 0, start_of_text(data))
        layout = _Layout(len(names), _wanted(_by_name(names), columns), blank)
    frame = _read_typed(data, file_format, layout)
    if frame is not None:
        return frame, []
    source = _Source(data, file, file_format, layout)
    bad = BadRows(file)
    _check_kind(source)
    strings = _read_strings(data, file_format, layout)
    if strings is None:
        strings = _split_strings(source, bad)
    converted, unit = convert_columns(strings)
    if unit != "seconds":
        _logger.warning("%s has timestamps in %s; they are converted to seconds", file, unit)
    unclear = converted.filter(pl.any_horizontal(pl.all().is_null()))[LINE]
    frame = complete_rows(converted, source.rows(unclear), unit, bad)
    return frame, sorted(bad.found, key=lambda row: row.line)


@dataclass(frozen=True)
class _Source:
    """A file and its layout."""

    data: bytes
    file: str
    file_format: FileFormat
    layout: _Layout

    def rows(self, wanted: Iterable[int] | None = None) -> Iterator[RowText]:
        """Yield the rows after the header, or those of certain lines in ascending order."""
        separator = self.file_format.separator
        following = (
            (line, fields)
            for line, fields in split_rows(self.data, self.file, separator)
            if line > self.layout.header_line
        )
        for line, fields in following if wanted is None else _at_lines(following, wanted):
            values: Mapping[str, str] | str
            try:
                check_width(fields, self.layout.width)
                positions = self.layout.positions
                values = {name: fields[position] for name, position in positions.items()}
            except ValueError as error:
                values = str(error)
            yield RowText(line, separator.join(fields), values)


def _check_kind(source: _Source) -> None:
    """Refuse a file whose first rows are all bad, before it is read in whole."""
    bad = BadRows(source.file)
    for row in source.rows():
        is_one_field = source.file_format.separator not in row.text
        if is_one_field and (other := other_separator(row.text, source.layout.width)):
            expected = source.file_format.separator
            raise DataError(
                f"{source.file}, line {row.line}: its fields are separated by {other!r}, those of "
                f"the header by {expected!r}; use one separator"
            )
        reason = row.fields if isinstance(row.fields, str) else row_error(row.fields)
        if not reason:
            return
        bad.add(row, reason, row.line)


def _at_lines(
    rows: Iterator[tuple[int, list[str]]], wanted: Iterable[int]
) -> Iterator[tuple[int, list[str]]]:
    line, fields = 0, list[str]()
    for number in wanted:
        while line < number:
            line, fields = next(rows, (sys.maxsize, fields))
        if line == number:
            yield line, fields


def _by_name(names: Sequence[str]) -> dict[str, int]:
    return {name: position for position, name in enumerate(names) if name}


def _wanted(positions: Mapping[str, int], columns: Sequence[str]) -> dict[str, int]:
    wanted = [name for name in RATINGS_SCHEMA if name in columns or name == TIMESTAMP]
    return {name: positions[name] for name in wanted if name in positions}


def _read_typed(data: bytes, file_format: FileFormat, layout: _Layout) -> pl.DataFrame | None:
    """Return the typed rows; None if any row is bad, or has an id that is no plain number."""
    if _has_padded_numbers(data):
        return None
    types = {position: RATINGS_SCHEMA[name] for name, position in layout.positions.items()}
    frame = _parse(data, file_format, layout, types)
    if frame is None or not is_valid(frame):
        return None
    first = layout.header_line + 1
    return frame.with_columns(pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(LINE))


def _has_padded_numbers(data: bytes) -> bool:
    """Return whether a number may begin with + or a superfluous 0.

    Polars reads 007 and +7 as the number 7; as ids, they are three texts.
    """
    if b"+" in data:
        return True
    letters = np.frombuffer(data, dtype=np.uint8)
    for start in range(0, len(letters), _BLOCK):
        # With the byte before and the one after, or line ends at the ends of the text.
        block = letters[max(start - 1, 0) : start + _BLOCK + 1]
        block = np.concatenate([_LINE_END[int(start > 0) :], block, _LINE_END])
        zeros = np.flatnonzero(block[1:-1] == _ZERO) + 1
        before, after = block[zeros - 1], block[zeros + 1]
        continues = (before >= _ZERO) & (before <= _NINE) | (before == _POINT)
        if np.any(~continues & (after >= _ZERO) & (after <= _NINE)):
            return True
    return False


def _read_strings(data: bytes, file_format: FileFormat, layout: _Layout) -> pl.DataFrame | None:
    """Return the rows as text; None unless each is one line of the file."""
    if data.count(b"\r") != data.count(b"\r\n"):
        return None
    frame = _parse(data, file_format, layout, {})
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if frame is None or frame.height != lines - layout.header_line:
        return None
    first = layout.header_line + 1
    return frame.with_columns(pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(LINE))


def _parse(
    data: bytes,
    file_format: FileFormat,
    layout: _Layout,
    types: Mapping[int, pl.DataType | type[pl.DataType]],
) -> pl.DataFrame | None:
    """Return the canonical columns as Polars parses them, by default as text; None if it fails."""
    separator = file_format.separator
    if b"\0" in data or (len(separator) > 1 and b"\t" in data):
        return None
    if len(separator) > 1:
        data, separator = data.replace(separator.encode(), b"\t"), "\t"
    names = [f"column {position}" for position in range(layout.width)]
    try:
        frame = pl.read_csv(
            data,
            has_header=file_format.has_header,
            separator=separator,
            quote_char='"' if separator in ",;" else None,
            new_columns=names,
            schema_overrides=[types.get(position, pl.String()) for position in range(layout.width)],
            encoding="utf8" if types else "utf8-lossy",
        )
    except (PolarsError, PanicException, UnicodeDecodeError):
        return None
    return frame.select(
        pl.col(names[position]).alias(name) for name, position in layout.positions.items()
    )


def _split_strings(source: _Source, bad: BadRows) -> pl.DataFrame:
    """Return the rows as text, split one by one, without those of a wrong number of fields."""
    schema = {**dict.fromkeys(source.layout.positions, pl.String()), LINE: pl.Int64()}
    chunks = [pl.DataFrame(schema=schema)]
    rows: list[list[str | int]] = []
    for count, row in enumerate(source.rows(), start=1):
        if isinstance(row.fields, str):
            bad.add(row, row.fields, count)
            continue
        rows.append([*row.fields.values(), row.line])
        if len(rows) == _CHUNK:
            chunks.append(pl.DataFrame(rows, schema=schema, orient="row"))
            rows.clear()
    return pl.concat([*chunks, pl.DataFrame(rows, schema=schema, orient="row")])


def check_width(fields: Sequence[str], width: int) -> None:
    """Check the number of fields of a row.

    Raises:
        ValueError: If it is not `width`.
    """
    if len(fields) != width:
        raise ValueError(f"a row should have {width} fields. Received: {len(fields)}")
