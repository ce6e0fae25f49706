"""Tables as CSV, Parquet or JSON files.

Spreadsheets run a CSV cell as a formula if it begins with one of a few characters. Text cells that
do are written with an apostrophe before them, as OWASP recommends ("CSV injection"). Parquet and
JSON have the text as it is.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.errors import InputError
from foreseen.files import is_stream, write_atomically, write_text

TABLE_FORMATS: Final = (".csv", ".parquet", ".json")
"""Extensions of the files that `write_table` writes."""
_FORMULA: Final = r"^([=+\-@\t\r\n＝＋－＠])"


def escape_formula(text: str) -> str:
    """Return the text of a CSV cell, with an apostrophe before what would run as a formula."""
    return re.sub(_FORMULA, r"'\1", text)


def csv_table(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with cells as CSV has them: lists joined by `|`, formulas escaped."""
    return _csv_columns(table.lazy()).collect()


def _csv_columns(table: pl.LazyFrame) -> pl.LazyFrame:
    joined = table.with_columns(pl.col(pl.List(pl.String)).list.join("|"))
    return joined.with_columns(pl.col(pl.String).str.replace(_FORMULA, "'$1"))


def write_rows(header: Sequence[str], rows: Iterable[Sequence[object]], file: Path) -> None:
    """Write rows as CSV; cells of type `str` are text.

    Lines end in CR and LF, as RFC 4180 has them.
    """
    content = io.StringIO(newline="")
    writer = csv.writer(content)
    writer.writerow(header)
    writer.writerows(
        [escape_formula(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    data = content.getvalue().encode(errors="surrogateescape")
    write_atomically(file, partial(Path.write_bytes, data=data))


def table_format(file: Path) -> str:
    """Return the format of an output file, one of `TABLE_FORMATS`, by its extension.

    FIFOs and devices with another extension or none get CSV.

    Raises:
        InputError: If a regular file would have another extension.
    """
    extension = file.suffix.lower()
    if extension in TABLE_FORMATS:
        return extension
    if is_stream(file):
        return ".csv"
    raise InputError(
        f"the name of an output table should end in {', '.join(TABLE_FORMATS)}. Received: {file}"
    )


def write_table(table: pl.DataFrame, file: Path, float_precision: int | None = None) -> None:
    """Write a table as CSV, Parquet or JSON (a list of rows), by the extension of the file.

    Args:
        table: The table.
        file: The file.
        float_precision: Decimals of fractional numbers in CSV; None for as many as needed.

    Raises:
        InputError: If the extension is of no format.
    """
    extension = table_format(file)
    if extension == ".parquet":
        write_atomically(file, table.write_parquet)
    elif extension == ".json":
        # Writing to a file itself, Polars drops the errors of its last block.
        text = table.write_json()
        write_text(file, text)
    else:
        rows = csv_table(table)
        write_atomically(file, lambda path: rows.write_csv(path, float_precision=float_precision))


def sink_table(table: pl.LazyFrame, file: Path, float_precision: int | None = None) -> None:
    """Write a table as CSV or Parquet while it is computed, part by part; see `write_table`."""
    if table_format(file) == ".parquet":
        write_atomically(file, table.sink_parquet)
    else:
        rows = _csv_columns(table)
        write_atomically(file, lambda path: rows.sink_csv(path, float_precision=float_precision))
