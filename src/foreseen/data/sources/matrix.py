"""Ratings as a matrix of users and items, as Jester has them: a row per user, without a header.

The first field of a row is the number of its ratings; 99 stands for none.
"""

import io
import re
from typing import Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from foreseen.data.schema import MOVIE, RATING, USER
from foreseen.data.sources.delimited import with_positions
from foreseen.data.sources.rows import LINE
from foreseen.data.text import excerpt, start_of_text
from foreseen.errors import DataError

_UNRATED: Final = 99.0
_LEAST_ITEMS: Final = 10
_FIRST_ROW: Final = re.compile(rb"[-+0-9.,;\t ]{20,65536}\r?(?:\n|$)")


def is_matrix(data: bytes) -> bool:
    """Return whether the first row has numbers only, of which the first counts the ratings."""
    return _separator(data) is not None


def _separator(data: bytes) -> str | None:
    found = _FIRST_ROW.match(data, start_of_text(data))
    if found is None:
        return None
    for separator in (",", ";", "\t"):
        try:
            count, *values = map(float, found.group().decode("ascii").split(separator))
        except ValueError:
            continue
        if len(values) >= _LEAST_ITEMS and count == sum(value != _UNRATED for value in values):
            return separator
    return None


def read_matrix(data: bytes, file: str) -> pl.DataFrame:
    """Read the ratings of a matrix; the order of the rows takes the place of timestamps.

    Users and items are numbered from 1.

    Returns:
        The ratings, with their line numbers in a column `line`.

    Raises:
        DataError: If a field is no number, or a row has another number of fields than the first.
    """
    start = start_of_text(data)
    first = data.count(b"\n", 0, start) + 1
    try:
        matrix = pl.read_csv(
            io.BytesIO(data[start:]),
            has_header=False,
            separator=_separator(data) or ",",
            infer_schema=False,
        ).cast(pl.Float64())
    except (PolarsError, PanicException, UnicodeDecodeError) as error:
        reason = excerpt(str(error).splitlines()[0], 120)
        raise DataError(f"{file} should be a matrix of numbers ({reason})") from error
    items = matrix.columns[1:]
    long = (
        matrix.rename({name: str(number) for number, name in enumerate(items, start=1)})
        .drop(matrix.columns[0])
        .with_row_index(USER, offset=1)
        .unpivot(index=USER, variable_name=MOVIE, value_name=RATING)
        .filter(pl.col(RATING) != _UNRATED)
    )
    numbers = long.select(pl.col(USER, MOVIE).cast(pl.Int64()), RATING)
    lines = (pl.col(USER) + first - 1).alias(LINE)
    return with_positions(numbers.sort(USER, maintain_order=True).with_columns(lines))
