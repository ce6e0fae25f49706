"""Rows of ratings or pairs, valid and bad."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from foreseen.data.schema import MOVIE, USER
from foreseen.data.sources.fields import UNITS, convert_ids, parse_field
from foreseen.errors import DataError

LINE: Final = "line"
"""The column with the line, or the number of the row, in the file."""
POSITION: Final = "position"
"""The column with the positions of the rows, in place of timestamps that a source lacks."""
_MAX_BAD_ROWS: Final = 100_000
_MAX_BAD_SHARE: Final = 0.1
_MAX_ROW_TEXT: Final = 1000


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
class RowText:
    """A row as text.

    Attributes:
        line: Its line in the file.
        text: The whole row.
        fields: Its fields by canonical column; a message if it has a wrong number of fields.
    """

    line: int
    text: str
    fields: Mapping[str, str] | str


class BadRows:
    """The bad rows of one file, refused if they are too many."""

    def __init__(self, file: str) -> None:
        self.found: list[BadRow] = []
        self._file = file

    def add(self, row: RowText, reason: str, rows: int) -> None:
        """Add a row.

        Args:
            row: The row.
            reason: What is wrong with it.
            rows: Number of rows of the file so far.

        Raises:
            DataError: If over a tenth of the rows, and over 100,000, are bad: the file is of
                another kind than assumed.
        """
        self.found.append(BadRow(self._file, row.line, row.text[:_MAX_ROW_TEXT], reason))
        if len(self.found) > max(_MAX_BAD_ROWS, _MAX_BAD_SHARE * rows):
            message = f"{self.found[0]}; so have over {_MAX_BAD_ROWS:,} rows: is it the right file?"
            raise DataError(message)


def row_error(fields: Mapping[str, str]) -> str | None:
    """Return why a row has no valid values, in whichever unit its timestamp is; None if it has."""
    reason = None
    for unit in UNITS:
        try:
            for name, text in fields.items():
                parse_field(name, text, unit)
        except ValueError as error:
            reason = reason or str(error)
        else:
            return None
    return reason


def complete_rows(
    frame: pl.DataFrame, unclear: Iterable[RowText], unit: str, bad: BadRows
) -> pl.DataFrame:
    """Return the valid rows of a converted frame, in the order of their lines.

    Args:
        frame: Converted columns and `line`; null where the conversion failed.
        unclear: The rows with any null, as text, to be parsed one by one.
        unit: Unit of the timestamps.
        bad: Gets the rows that have no valid values.

    Raises:
        DataError: If too many rows are bad.
    """
    names = [name for name in frame.columns if name != LINE]
    parsed: list[Sequence[float | str]] = []
    for row in unclear:
        if isinstance(row.fields, str):
            bad.add(row, row.fields, row.line)
            continue
        try:
            parsed.append(
                [*(parse_field(name, row.fields[name], unit) for name in names), row.line]
            )
        except ValueError as error:
            bad.add(row, str(error), row.line)
    valid = frame.drop_nulls()
    if parsed:
        more = pl.DataFrame(parsed, schema=[*names, LINE], orient="row").cast(frame.schema)
        valid = pl.concat([valid, more]).sort(LINE)
    return valid


def table_of(rows: Sequence[Sequence[object]], schema: pl.Schema) -> pl.DataFrame:
    """Return rows with ids as text as a table; ids become whole numbers if all of them are."""
    text = {name: pl.String() if name in {USER, MOVIE} else schema[name] for name in schema}
    frame = pl.DataFrame(rows, schema=text, orient="row")
    return frame.with_columns(
        convert_ids(frame[name]) for name in (USER, MOVIE) if name in frame.columns
    )
