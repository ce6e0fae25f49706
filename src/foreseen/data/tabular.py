"""Tables that callers pass: of which types, and by which rules they are checked.

The rules are those for files; see `foreseen.data.sources.fields`.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from operator import index
from typing import Any, Final, SupportsIndex, cast

import numpy as np
import polars as pl
from polars.exceptions import PanicException, PolarsError

from foreseen.data.checks import ratings_on_scale
from foreseen.data.encoding import Id, as_id
from foreseen.data.rating_scale import RatingScale
from foreseen.data.schema import MOVIE, RATINGS_SCHEMA, TIMESTAMP, USER
from foreseen.data.sources import RawTables
from foreseen.data.sources.detection import ALIASES, columns_of, missing_columns
from foreseen.data.sources.fields import convert_columns
from foreseen.data.sources.frames import ratings_of
from foreseen.data.sources.rows import row_error
from foreseen.data.text import excerpt
from foreseen.errors import InputError

TableLike = Any
"""A Polars, pandas or PyArrow table; a mapping of columns; a NumPy array or a list of rows."""
_TYPES: Final = (
    "a Polars, pandas or PyArrow table, a dict of columns, a NumPy array or a list of rows"
)
_MAX_SHOWN: Final = 3
_logger: Final = logging.getLogger(__name__)


def as_table(data: TableLike, name: str, columns: Sequence[str]) -> pl.DataFrame:
    """Return a table of any common type as a Polars data frame.

    Args:
        data: The table.
        name: What it is, for messages.
        columns: Names of the columns of arrays and of rows without names.

    Raises:
        InputError: If it is of another type, or its columns differ in length.
    """
    try:
        frame = _as_table(data, columns)
    except (PolarsError, PanicException, TypeError, ValueError, OverflowError) as error:
        reason = excerpt((str(error).splitlines() or [type(error).__name__])[0], 200)
        raise InputError(f"{name} should be {_TYPES} ({reason})") from error
    if frame is None:
        raise InputError(f"{name} should be {_TYPES}. Received: {type(data).__name__}")
    return frame


def _as_table(data: TableLike, columns: Sequence[str]) -> pl.DataFrame | None:
    if isinstance(data, pl.LazyFrame):
        return data.collect()
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, np.ndarray):
        return _from_array(cast("np.ndarray[Any, np.dtype[Any]]", data), columns)
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        # pandas, without a need for PyArrow.
        return pl.DataFrame(
            {str(column): _list_or_array(data[column].to_numpy()) for column in data.columns}
        )
    if hasattr(data, "__arrow_c_stream__"):
        return pl.DataFrame(data)
    if isinstance(data, Mapping):
        named = cast("Mapping[Any, Any]", data)
        return pl.DataFrame({str(key): value for key, value in named.items()})
    if isinstance(data, str | bytes) or not isinstance(data, Sequence):
        return None
    return _from_rows(cast("Sequence[Any]", data), columns)


def _from_array(
    array: "np.ndarray[Any, np.dtype[Any]]", columns: Sequence[str]
) -> pl.DataFrame | None:
    if array.dtype.names is not None:
        return pl.DataFrame({field: array[field] for field in array.dtype.names})
    if array.ndim == 2:
        width = min(array.shape[1], len(columns))
        return pl.DataFrame({columns[n]: _list_or_array(array[:, n]) for n in range(width)})
    return None


def _from_rows(rows: Sequence[Any], columns: Sequence[str]) -> pl.DataFrame | None:
    if not rows:
        return pl.DataFrame(schema={column: RATINGS_SCHEMA[column] for column in columns})
    if isinstance(rows[0], Mapping):
        return pl.DataFrame(rows, infer_schema_length=None, strict=False)
    if not isinstance(rows[0], Sequence | np.ndarray) or isinstance(rows[0], str):
        return None
    width = len(cast("Sequence[Any]", rows[0]))
    if any(len(row) != width for row in rows):
        raise ValueError("rows differ in length")
    return pl.DataFrame(
        {name: _column([row[n] for row in rows]) for n, name in enumerate(columns[:width])}
    )


def _list_or_array(values: "np.ndarray[Any, np.dtype[Any]]") -> pl.Series:
    if values.dtype == object:
        return _column(values.tolist())
    return pl.Series(values)


def _column(values: list[Any]) -> pl.Series:
    """Return values of one type as a column, of several types as text."""
    try:
        return pl.Series(values)
    except (TypeError, PolarsError):
        return pl.Series([None if value is None else str(value) for value in values])


def raw_tables(data: TableLike) -> RawTables:
    """Return ratings as the tables of a source.

    Raises:
        DataError: If a column is missing.
        InputError: If they are of another type.
    """
    table = as_table(data, "ratings", list(RATINGS_SCHEMA))
    ratings, bad = ratings_of(table, "ratings")
    return RawTables("ratings", ratings, None, "ratings", bad_rows=tuple(bad))


def checked_ratings(data: TableLike, scale: RatingScale, end: int) -> tuple[pl.DataFrame, bool]:
    """Return ratings as the columns of `RATINGS_SCHEMA`, and whether they have timestamps.

    Ids are as they are.

    Args:
        data: The ratings.
        scale: The scale that they should be on.
        end: Where ratings without timestamps begin: they get one second each, in their order.

    Raises:
        InputError: If a column is missing or a row is not valid; the message names it.
    """
    raw = raw_tables(data)
    if not raw.has_timestamps and raw.ratings.height:
        _logger.warning(
            "the new ratings have no timestamps; they follow the latest one of the model, a second "
            "each, in their order"
        )
    has_timestamps = raw.has_timestamps
    raw = raw.dated(end)
    valid, beyond = ratings_on_scale(raw, scale)
    bad = [*raw.bad_rows, *beyond]
    if bad:
        shown = "; ".join(f"row {row.line}: {row.reason}" for row in bad[:_MAX_SHOWN])
        more = f"; and {len(bad) - _MAX_SHOWN} more rows" if len(bad) > _MAX_SHOWN else ""
        raise InputError(f"ratings, {shown}{more}")
    return valid.select(*RATINGS_SCHEMA), has_timestamps


def checked_pairs(data: TableLike) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return pairs as a table of the columns that they have, and as the columns that models use.

    The latter are userId, movieId and, if present, timestamp.

    Raises:
        InputError: If a column is missing or a row is not valid; the message names it.
    """
    given = as_table(data, "pairs", [USER, MOVIE, TIMESTAMP])
    positions = columns_of(given.columns, ALIASES)
    if error := missing_columns(given.columns, positions, (USER, MOVIE), "pairs"):
        raise error
    names = {name: positions[name] for name in (USER, MOVIE, TIMESTAMP) if name in positions}
    pairs = given.select(pl.nth(position).alias(name) for name, position in names.items())
    converted, _ = convert_columns(pairs)
    is_unclear = converted.select(pl.any_horizontal(pl.all().is_null())).to_series()
    if is_unclear.any():
        row = int(is_unclear.arg_max() or 0)
        fields = {
            name: "" if value is None else str(value)
            for name, value in pairs.row(row, named=True).items()
        }
        reason = row_error(fields) or "a value is missing"
        raise InputError(f"pairs, row {row + 1}: {reason}")
    return given, converted


def checked_ids(ids: object, name: str) -> list[Id]:
    """Return an id, or ids, as a list.

    Raises:
        InputError: If one of them is neither a whole number nor a text.
    """
    is_one = isinstance(ids, str) or not isinstance(ids, Iterable)
    several = cast("Iterable[object]", [ids] if is_one else ids)
    return [_checked_id(identifier, name) for identifier in several]


def _checked_id(identifier: object, name: str) -> Id:
    if isinstance(identifier, str):
        return as_id(identifier)
    if isinstance(identifier, float) and identifier.is_integer():
        return int(identifier)
    if isinstance(identifier, bool) or not isinstance(identifier, SupportsIndex):
        received = type(identifier).__name__
        raise InputError(f"{name} ids should be whole numbers or texts. Received: {received}")
    return index(identifier)
