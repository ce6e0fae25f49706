"""Reading of files with ratings or movies by their kind: text, JSON, Parquet."""

import json
from collections.abc import Iterator
from typing import Final, cast

import polars as pl

from foreseen.data.parquet_check import from_unknown_parquet
from foreseen.data.schema import MOVIES_SCHEMA
from foreseen.data.sources.delimited import read_ratings
from foreseen.data.sources.detection import ALIASES, columns_of
from foreseen.data.sources.frames import conform, ratings_of
from foreseen.data.sources.json_entries import read_entries
from foreseen.data.sources.layouts import read_movies
from foreseen.data.sources.rows import BadRow
from foreseen.data.text import excerpt, text_lines
from foreseen.errors import DataError

_PARQUET: Final = b"PAR1"
_JSON_LINES: Final = (".jsonl", ".ndjson")


def read_ratings_file(data: bytes, place: str, name: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a file of ratings.

    Args:
        data: Content of the file.
        place: Its path in messages.
        name: Its name, whose extension gives the kind of JSON.

    Raises:
        DataError: If it cannot be read.
    """
    name = name.lower().removesuffix(".gz").removesuffix(".zst")
    if data.startswith(_PARQUET) or name.endswith(".parquet"):
        return ratings_of(_parquet(data, place), place)
    if name.endswith((".json", *_JSON_LINES)):
        return ratings_of(_frame_of(_json_rows(data, place, name), place), place)
    return read_ratings(data, place)


def read_movies_file(data: bytes, place: str, name: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a file of movies; see `read_ratings_file`."""
    if name.endswith(".parquet"):
        return conform(_parquet(data, place), MOVIES_SCHEMA, place), []
    return read_movies(data, place)


def _parquet(data: bytes, place: str) -> pl.DataFrame:
    try:
        return from_unknown_parquet(data)
    except ValueError as error:
        reason = excerpt(str(error), 120)
        raise DataError(
            f"{place} is not a valid Parquet file ({reason}); write it again"
        ) from error


def _json_rows(data: bytes, place: str, name: str) -> Iterator[dict[str, object]]:
    """Yield the rows of a JSON list of objects, or of JSON lines."""
    entries = (
        _json_lines(data, place)
        if name.endswith(_JSON_LINES)
        else (entry for _, entry in read_entries(data, place))
    )
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            message = (
                f"{place}, row {number}: a row should be an object with userId, movieId, rating"
            )
            raise DataError(message)
        yield cast("dict[str, object]", entry)


def _json_lines(data: bytes, place: str) -> Iterator[object]:
    for number, line in enumerate(text_lines(data, place), start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = excerpt(str(error))
                raise DataError(f"{place}, line {number}: invalid JSON ({reason})") from error


def _frame_of(rows: Iterator[dict[str, object]], place: str) -> pl.DataFrame:
    """Return the canonical columns of rows as text."""
    columns: dict[str, list[str | None]] = {}
    names: dict[str, str] = {}
    for row in rows:
        if not names:
            keys = list(row)
            names = {name: keys[place] for name, place in columns_of(keys, ALIASES).items()}
            columns = {name: [] for name in names}
        for name, key in names.items():
            value = row.get(key)
            columns[name].append(None if value is None else str(value))
    if not columns:
        raise DataError(f"{place} has no ratings; a row should have userId, movieId and rating")
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String()))
