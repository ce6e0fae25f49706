"""Input and output of pair predictions."""

from pathlib import Path

import polars as pl

from foreseen.data.input_files import display, read_file
from foreseen.data.output import write_table
from foreseen.data.schema import MOVIE, TIMESTAMP, USER
from foreseen.data.sources.delimited import read_columns
from foreseen.data.sources.detection import COMMA
from foreseen.errors import DataError


def read_pairs(file: Path) -> pl.DataFrame:
    """Read the columns userId, movieId and, if present, timestamp, in the file's order.

    Returns:
        One row per pair, of type Int64.

    Raises:
        DataError: If the file cannot be read, lacks a column, or has a bad row.
    """
    pairs, bad = read_columns(read_file(file), display(file), COMMA, (USER, MOVIE))
    if bad:
        raise DataError(str(bad[0]))
    columns = [name for name in (USER, MOVIE, TIMESTAMP) if name in pairs.columns]
    return pairs.select(columns)


def write_predictions(predictions: pl.DataFrame, file: Path) -> None:
    """Write predictions as CSV with six decimals, as Parquet or as JSON, by the extension.

    Raises:
        InputError: If the extension is of no format.
    """
    write_table(predictions, file, float_precision=6)
