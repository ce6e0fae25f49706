"""The rules for ids, ratings and timestamps: for one field, and for whole columns."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import polars as pl

from foreseen.data.identifiers import WHOLE_NUMBER
from foreseen.data.schema import (
    MOVIE,
    RATING,
    RATINGS_SCHEMA,
    TIMESTAMP,
    TIMESTAMP_LIMIT,
    USER,
)
from foreseen.data.text import excerpt

_MAX_ID_LENGTH: Final = 200
_LARGEST_RATING: Final = 1e9
# Control characters, and those that reverse the direction of text.
_CONTROL: Final = "[\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]"
_FRACTIONLESS: Final = r"^([0-9]+)\.0+$"
# No two parts can match the same digits, so that matching takes linear time.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_NOT_FINITE: Final = frozenset({"nan", "inf", "infinity"})
_DATE_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d")
UNITS: Final[Mapping[str, int]] = {
    "seconds": 1,
    "milliseconds": 1000,
    "microseconds": 1_000_000,
    "nanoseconds": 1_000_000_000,
}
"""Units of timestamps, as their number per second."""
_FIRST_YEARS: Final = 100_000_000
"""Timestamps before this (1973) do not show whether they are in a smaller unit."""


def received(text: str) -> str:
    """Return the last sentence of a message about a field."""
    if _NUMBER.fullmatch(text):
        return f"Received: {excerpt(text)}"
    return f"Received: '{excerpt(text)}'" if text else "Received: nothing"


def parse_number(name: str, text: str) -> float:
    """Return the finite number in a field.

    Raises:
        ValueError: If there is none; the message names the column.
    """
    text = text.strip()
    if text.lower().lstrip("+-") in _NOT_FINITE:
        raise ValueError(f"{name} should be finite. {received(text)}")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} should be a number. {received(text)}")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{name} should be finite. {received(text)}")
    return value


def parse_id(name: str, text: str) -> str:
    """Return the user or movie id in a field: any text; 862.0 is the id 862.

    Raises:
        ValueError: If there is none; the message names the column.
    """
    text = text.strip()
    if not text:
        raise ValueError(f"{name} is missing")
    if len(text) > _MAX_ID_LENGTH:
        raise ValueError(f"{name} should have at most {_MAX_ID_LENGTH} characters")
    if re.search(_CONTROL, text):
        raise ValueError(f"{name} should have no control characters. {received(text)}")
    return re.sub(_FRACTIONLESS, r"\1", text)


def parse_rating(text: str) -> float:
    """Return the rating in a field, on any scale.

    Raises:
        ValueError: If there is none.
    """
    return parse_number(RATING, text)


def parse_seconds(text: str, unit: str = "seconds") -> int:
    """Return the timestamp in a field: a number, or a date as in 2005-04-02 23:53:47, in UTC.

    Args:
        text: The field.
        unit: A key of `UNITS`, of numbers.

    Raises:
        ValueError: If there is none, or it is before 1970 or after 2099.
    """
    text = text.strip()
    if len(text) >= len("2005-04-02") and text[4] == text[7] == "-":
        value = _parse_date(text)
    else:
        value = parse_number(TIMESTAMP, text) / UNITS[unit]
    if value < 0:
        raise ValueError(f"timestamp should be 0 or more. {received(text)}")
    if value >= TIMESTAMP_LIMIT:
        smaller = next(
            (name for name, count in UNITS.items() if value / count < TIMESTAMP_LIMIT), None
        )
        question = f" ({smaller}?)" if smaller else ""
        message = f"timestamp should be in seconds, before the year 2100. {received(text)}"
        raise ValueError(message + question)
    return math.floor(value)


def _parse_date(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        message = f"timestamp should be a date as in 2005-04-02 23:53:47. {received(text)}"
        raise ValueError(message) from None


def parse_field(name: str, text: str, unit: str = "seconds") -> float | str:
    """Return the value of a field by the rules of its column.

    Raises:
        ValueError: If it has none.
    """
    if name == RATING:
        return parse_rating(text)
    return parse_seconds(text, unit) if name == TIMESTAMP else parse_id(name, text)


def convert_columns(frame: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Convert the canonical columns of a frame, of any type, to their types.

    Returns:
        The frame, with null where the quick rules fail: there `parse_field` decides; and the
        unit of the timestamps.
    """
    unit = "seconds"
    converted: list[pl.Series] = []
    for column in frame.get_columns():
        if column.name == TIMESTAMP:
            seconds, unit = _convert_timestamps(column)
            converted.append(seconds)
        elif column.name == RATING:
            converted.append(_numbers(column))
        elif column.name in {USER, MOVIE}:
            converted.append(convert_ids(column))
        else:
            converted.append(column)
    result = pl.DataFrame(converted)
    allowed = {name: _LIMITS[name] for name in (RATING, TIMESTAMP) if name in result.columns}
    return result.with_columns(
        pl.when(pl.col(name).is_between(*limits)).then(pl.col(name))
        for name, limits in allowed.items()
    ), unit


_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    USER: (0, 2**63 - 1),
    MOVIE: (0, 2**63 - 1),
    RATING: (-_LARGEST_RATING, _LARGEST_RATING),
    TIMESTAMP: (0, TIMESTAMP_LIMIT - 1),
}


def is_valid(frame: pl.DataFrame) -> bool:
    """Return whether every canonical column of a typed frame has only valid values."""
    columns = [name for name in RATINGS_SCHEMA if name in frame.columns]
    return frame.select(
        pl.all_horizontal(
            pl.col(name).is_between(*_LIMITS[name]).fill_null(value=False).all() for name in columns
        )
    ).item()


def convert_ids(column: pl.Series) -> pl.Series:
    """Return ids as whole numbers if all of them are; else as text; null where `parse_id` fails."""
    if column.dtype.is_integer() and not column.is_empty():
        least, largest = column.min(), column.max()
        if isinstance(least, int) and isinstance(largest, int) and 0 <= least <= largest < 2**63:
            return column.cast(pl.Int64)
    if isinstance(column.dtype, (pl.List, pl.Array, pl.Struct, pl.Object, pl.Binary)):
        return pl.Series(column.name, [None] * len(column), pl.String)
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.cast(pl.Int64, strict=False)
        text = (
            whole.cast(pl.String)
            .set(whole.cast(column.dtype) != column, None)
            .fill_null(column.cast(pl.String))
        )
    else:
        text = column.cast(pl.String).str.strip_chars().str.replace(_FRACTIONLESS, "$1")
    is_id = (text.str.len_chars().is_between(1, _MAX_ID_LENGTH)) & ~text.str.contains(_CONTROL)
    text = text.set(~is_id, None)
    return text.cast(pl.Int64) if bool(text.str.contains(WHOLE_NUMBER).all()) else text


def _numbers(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        column = column.str.strip_chars()
    elif not column.dtype.is_numeric():
        return pl.Series(column.name, [None] * len(column), pl.Float64)
    return column.cast(pl.Float64, strict=False)


def _whole_numbers(column: pl.Series) -> pl.Series:
    """Return whole numbers as exact integers; null for others."""
    if column.dtype == pl.String:
        column = column.str.strip_chars()
    elif not column.dtype.is_numeric():
        return pl.Series(column.name, [None] * len(column), pl.Int64)
    if column.dtype == pl.String or column.dtype.is_integer():
        exact = column.cast(pl.Int64, strict=False)
        if not exact.has_nulls() or column.dtype.is_integer():
            return exact
    else:
        exact = pl.Series(column.name, [None] * len(column), pl.Int64)
    numbers = column.cast(pl.Float64, strict=False)
    is_whole = (numbers.floor() == numbers) & (numbers.abs() <= 2**53)
    return exact.fill_null(numbers.set(~is_whole, None).cast(pl.Int64, strict=False))


def _convert_timestamps(column: pl.Series) -> tuple[pl.Series, str]:
    if column.dtype.is_temporal():
        if isinstance(column.dtype, (pl.Date, pl.Datetime)):
            return column.dt.epoch("s"), "seconds"
        return pl.Series(column.name, [None] * len(column), pl.Int64), "seconds"
    whole = _whole_numbers(column)
    if whole.has_nulls():
        numbers = _numbers(column)
        whole = whole.fill_null(
            numbers.set(numbers.abs() >= 2.0**62, None).floor().cast(pl.Int64, strict=False)
        )
    unit = unit_of(whole)
    seconds = whole // UNITS[unit]
    if column.dtype == pl.String and seconds.has_nulls():
        for date_format in _DATE_FORMATS:
            dates = column.str.strip_chars().str.to_datetime(date_format, strict=False)
            seconds = seconds.fill_null(dates.dt.epoch("s"))
            if not seconds.has_nulls():
                break
    return seconds, unit


def unit_of(timestamps: pl.Series) -> str:
    """Return the unit of whole numbers: the smallest one in which all of them are after 1973."""
    least = timestamps.min()
    for name, count in reversed(UNITS.items()):
        if isinstance(least, int) and count > 1 and least >= _FIRST_YEARS * count:
            return name
    return "seconds"
