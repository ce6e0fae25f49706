"""Values of other programs, of any types, as columns of text."""

from collections.abc import Mapping, Sequence

import polars as pl
from polars.exceptions import PanicException, PolarsError


def text_columns(columns: Mapping[str, Sequence[object]]) -> pl.DataFrame:
    """Return columns of values as text; None becomes null, true 1 and false 0."""
    return pl.DataFrame([_as_series(name, values) for name, values in columns.items()])


def _as_series(name: str, values: Sequence[object]) -> pl.Series:
    try:
        series = pl.Series(name, values, strict=True)
        if series.dtype == pl.Boolean():
            series = series.cast(pl.Int8())
        if series.dtype.is_numeric() or series.dtype in (pl.String(), pl.Binary(), pl.Null()):
            return series.cast(pl.String())
    except (PolarsError, PanicException, TypeError, ValueError, OverflowError):
        pass  # Values of several types, or bytes that are no UTF-8.
    return pl.Series(name, [_as_text(value) for value in values], pl.String())


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(int(value)) if isinstance(value, bool) else str(value)
