"""Tables of other programs, with columns of any type, by the same rules as text."""

from collections.abc import Iterator
from typing import Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from foreseen.data.schema import GENRES, MOVIE, RATING, RATINGS_SCHEMA, TIMESTAMP, TITLE, USER, YEAR
from foreseen.data.sources.delimited import with_positions, with_rating
from foreseen.data.sources.detection import ALIASES, columns_of, missing_columns
from foreseen.data.sources.fields import convert_columns, convert_ids
from foreseen.data.sources.rows import LINE, BadRow, BadRows, RowText, complete_rows
from foreseen.data.sources.titles import split_genres
from foreseen.data.text import clean_text, excerpt
from foreseen.errors import DataError

_LAST_YEAR: Final = 9999


def ratings_of(table: pl.DataFrame, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Return the valid ratings of a table with their row numbers, and its bad rows.

    Raises:
        DataError: If it lacks a column, or has too many bad rows.
    """
    positions = columns_of(table.columns, ALIASES)
    are_views = len(positions) == len(table.columns) and RATING not in positions
    optional = {TIMESTAMP, RATING} if are_views else {TIMESTAMP}
    required = [name for name in RATINGS_SCHEMA if name not in optional]
    if error := missing_columns(table.columns, positions, required, file):
        raise error
    names = {name: table.columns[positions[name]] for name in RATINGS_SCHEMA if name in positions}
    table = table.select(pl.col(column).alias(name) for name, column in names.items())
    _check_types(table, file)
    table = table.with_columns(pl.int_range(1, table.height + 1, dtype=pl.Int64).alias(LINE))
    frame, unit = convert_columns(table)
    bad = BadRows(file)
    is_unclear = frame.select(pl.any_horizontal(pl.all().is_null())).to_series()
    valid = with_rating(complete_rows(frame, _rows(table.filter(is_unclear)), unit, bad))
    return valid if TIMESTAMP in valid.columns else with_positions(valid), bad.found


def _check_types(table: pl.DataFrame, file: str) -> None:
    for name, dtype in table.schema.items():
        if dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object):
            message = f"column {name} should have numbers or texts. Received: {excerpt(str(dtype))}"
            raise DataError(f"{file}: {message}")


def conform(table: pl.DataFrame, schema: pl.Schema, file: str) -> pl.DataFrame:
    """Return a table of movies, links or tags with the columns and types of a schema.

    Raises:
        DataError: If a column is missing or has other values.
    """
    table = _selected(table, list(schema), file)
    if GENRES in schema and table.schema[GENRES] == pl.String():
        split = pl.col(GENRES).map_elements(split_genres, return_dtype=pl.List(pl.String()))
        table = table.with_columns(split)
    for name, dtype in schema.items():
        if name in {USER, MOVIE}:
            table = table.with_columns(_checked_ids(table[name], file))
        elif table.schema[name] != dtype:
            table = _cast(table, name, dtype, file)
    return _checked_movies(table, file) if TITLE in schema else table


def _checked_ids(column: pl.Series, file: str) -> pl.Series:
    ids = convert_ids(column)
    if ids.has_nulls():
        row = int(ids.is_null().arg_max() or 0)
        value = excerpt(str(column[row]))
        message = f"{column.name} should be a number or a text. Received: {value}"
        raise DataError(f"{file}, row {row + 1}: {message}")
    return ids


def _checked_movies(movies: pl.DataFrame, file: str) -> pl.DataFrame:
    if movies[MOVIE].n_unique() < movies.height:
        repeated = movies.filter(pl.col(MOVIE).is_duplicated())[MOVIE][0]
        raise DataError(f"{file}: movie {repeated} is listed twice; remove one of its rows")
    is_year = pl.col(YEAR).is_between(0, _LAST_YEAR)
    return movies.with_columns(
        pl.col(TITLE).map_elements(clean_text, return_dtype=pl.String()),
        pl.when(is_year).then(pl.col(YEAR)),
        pl.col(GENRES).fill_null([]).list.drop_nulls(),
    )


def _selected(table: pl.DataFrame, columns: list[str], file: str) -> pl.DataFrame:
    missing = [name for name in columns if name not in table.columns]
    if missing:
        found = excerpt(", ".join(table.columns), 200) or "nothing"
        raise DataError(f"{file} has no column {', '.join(missing)}. Received: {found}")
    return table.select(columns)


def _cast(table: pl.DataFrame, name: str, dtype: pl.DataType, file: str) -> pl.DataFrame:
    try:
        return table.with_columns(pl.col(name).cast(dtype))
    except (PolarsError, PanicException) as error:
        received = excerpt(str(table.schema[name]))
        message = f"{file}: column {name} should be of type {dtype}. Received: {received}"
        raise DataError(message) from error


def _rows(table: pl.DataFrame) -> Iterator[RowText]:
    for row in table.iter_rows(named=True):
        fields = {name: _as_text(row[name]) for name in table.columns if name != LINE}
        yield RowText(row[LINE], ",".join(fields.values()), fields)


def _as_text(value: object) -> str:
    return "" if value is None else str(value)
