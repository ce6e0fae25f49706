"""The pairs that predictions are asked for, and the answers, as CSV."""

from pathlib import Path
from typing import Final

import polars as pl

from foreseen.errors import DataError
from foreseen.files import write_whole
from foreseen.data.schema import MOVIE, TIMESTAMP, USER
from foreseen.data.sources.delimited import (
    BadRow,
    column_positions,
    identifier,
    named_fields,
    number,
    read_header,
    split_rows,
)


def _moment(name: str, text: str) -> int:
    return int(number(name, text))


_CONVERTED: Final = {USER: identifier, MOVIE: identifier, TIMESTAMP: _moment}


def read_pairs(file: Path) -> pl.DataFrame:
    """Read userId,movieId[,timestamp] in the file's order; other columns are left aside.

    Raises:
        DataError: If the file cannot be read or has a bad row.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror})") from error
    header = read_header(data, str(file))
    positions = column_positions(header, str(file), required=(USER, MOVIE))
    wanted = [name for name in (USER, MOVIE, TIMESTAMP) if name in positions]
    rows = split_rows(data, str(file), ",")
    next(rows)
    found: list[list[int]] = []
    for line, fields in rows:
        try:
            values = named_fields(fields, len(header), positions)
            found.append([_CONVERTED[name](name, values[name]) for name in wanted])
        except ValueError as error:
            raise DataError(str(BadRow(str(file), line, "", str(error)))) from error
    return pl.DataFrame(found, schema=dict.fromkeys(wanted, pl.Int64), orient="row")


def write_predictions(answers: pl.DataFrame, file: Path) -> None:
    """Write answers as CSV; the file gets its name when it is whole."""
    write_whole(file, lambda draft: answers.write_csv(draft, float_precision=6))
