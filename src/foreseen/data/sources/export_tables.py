"""The tables of personal exports: delimited text with a header."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from foreseen.data.sources.personal import Entry, LayoutError, UnreadableEntry
from foreseen.data.text import excerpt, first_row, split_rows

MAX_LINES: Final = 1_000_000
_SEPARATORS: Final = (",", ";", "\t")
_MAX_ENTRY_TEXT: Final = 200

Row = Mapping[str, str]


@dataclass(frozen=True)
class TableLayout:
    """The columns of a service's table.

    Attributes:
        name: What the file is.
        required: Columns that it has; of several names for one, each in a tuple.
        convert: Returns the entry of a row, given its line.
        typical: Columns of which no other service's table has one; empty if the required ones are
            enough to recognise it.
    """

    name: str
    required: tuple[tuple[str, ...], ...]
    convert: Callable[[int, Row], Entry]
    typical: tuple[str, ...] = ()

    def read(self, data: bytes, name: str) -> Iterator[Entry]:
        """Yield the entries of a file.

        Raises:
            LayoutError: If it lacks a column.
            DataError: If it cannot be split into rows.
        """
        separator, line, header = table_header(data, name)
        if not self._has_columns(header):
            columns = ", ".join(names[0] for names in self.required)
            found = excerpt(", ".join(header), 200) or "nothing"
            message = f"{name}, line {line}: {self.name} has the columns {columns}"
            raise LayoutError(f"{message}; this has {found}")
        for number, fields in split_rows(data, name, separator, MAX_LINES):
            if number <= line:
                continue
            values = [field.strip() for field in fields] + [""] * (len(header) - len(fields))
            try:
                yield self.convert(number, dict(zip(header, values, strict=False)))
            except ValueError as error:
                text = excerpt(separator.join(fields), _MAX_ENTRY_TEXT)
                yield UnreadableEntry(number, text, str(error))

    def fits(self, data: bytes, name: str) -> bool:
        """Return whether a file is recognised as one of the service.

        Raises:
            DataError: If it is not text, or empty.
        """
        header = table_header(data, name)[2]
        is_typical = not self.typical or any(column in header for column in self.typical)
        return is_typical and self._has_columns(header)

    def _has_columns(self, header: list[str]) -> bool:
        return all(any(name in header for name in names) for names in self.required)


def table_header(data: bytes, name: str) -> tuple[str, int, list[str]]:
    """Return the separator, the line and the columns in lower case of a table's header.

    Raises:
        DataError: If the file is not text, or empty.
    """
    rows = {separator: first_row(data, name, separator) for separator in _SEPARATORS}
    separator = max(_SEPARATORS, key=lambda one: len(rows[one][1]))
    line, header = rows[separator]
    return separator, line, [field.lower() for field in header]


def first_of(row: Row, *names: str) -> str:
    """Return the first value that is not empty among several columns."""
    return next((row[name] for name in names if row.get(name)), "")
