"""CSV input and output of pair predictions."""

from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.schema import MOVIE, TIMESTAMP, USER
from foreseen.data.sources.delimited import (
    BadRow,
    column_positions,
    named_fields,
    parse_id,
    parse_number,
    read_header,
    split_rows,
)
from foreseen.errors import DataError
from foreseen.files import write_atomically


def _parse_timestamp(name: str, text: str) -> int:
    return int(parse_number(name, text))


_PARSERS: Final = {USER: parse_id, MOVIE: parse_id, TIMESTAMP: _parse_timestamp}


def read_pairs(file: Path) -> pl.DataFrame:
    """Read the columns userId, movieId and, if present, timestamp, in the file's order.

    Returns:
        One row per pair, of type Int64.

    Raises:
        DataError: If the file cannot be read, lacks a column, or has a bad row.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        message = f"{file} cannot be read ({error.strerror}); give a readable CSV file"
        raise DataError(message) from error
    header = read_header(data, str(file))
    positions = column_positions(header, str(file), required=(USER, MOVIE))
    columns = [name for name in (USER, MOVIE, TIMESTAMP) if name in positions]
    rows = split_rows(data, str(file), ",")
    next(rows)
    pairs: list[list[int]] = []
    for line, fields in rows:
        try:
            values = named_fields(fields, len(header), positions)
            pairs.append([_PARSERS[name](name, values[name]) for name in columns])
        except ValueError as error:
            raise DataError(str(BadRow(str(file), line, "", str(error)))) from error
    return pl.DataFrame(pairs, schema=dict.fromkeys(columns, pl.Int64), orient="row")


def write_predictions(predictions: pl.DataFrame, file: Path) -> None:
    """Write predictions as CSV with six decimals."""
    write_atomically(file, lambda path: predictions.write_csv(path, float_precision=6))
