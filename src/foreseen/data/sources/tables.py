"""Reading of files with ratings or movies by their kind: text, JSON, Parquet."""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Final, cast

import polars as pl

from foreseen.data.parquet_check import from_unknown_parquet
from foreseen.data.schema import MOVIES_SCHEMA, RATING, TITLE
from foreseen.data.sources.columns import column_positions, format_with_columns, rename_columns
from foreseen.data.sources.delimited import read_ratings
from foreseen.data.sources.detection import MOVIE_ALIASES, columns_of, format_of
from foreseen.data.sources.frames import conform, ratings_of
from foreseen.data.sources.json_entries import read_entries
from foreseen.data.sources.matrix import is_matrix, read_matrix
from foreseen.data.sources.movies import movies_of, read_movies
from foreseen.data.sources.netflix import has_movie_lines, read_ratings_by_movie
from foreseen.data.sources.rows import BadRow
from foreseen.data.sources.values import text_columns
from foreseen.data.text import WINDOWS, encoding_of, excerpt, first_row, start_of_text, text_lines
from foreseen.errors import DataError

_logger: Final = logging.getLogger(__name__)
_PARQUET: Final = b"PAR1"
_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")
_JSON_LINES: Final = (".jsonl", ".ndjson")
_MAX_FIRST_LINE: Final = 131_072
_CHUNK: Final = 50_000
_TAR_MAGIC: Final = 257
# Jester has two tabs between its columns.
_TWO_TABS: Final = re.compile(rb"[^\t\r\n]+\t\t[^\t\r\n]+\t\t[^\t\r\n]+\r?(?:\n|$)")
_UNRATED: Final[Mapping[str, tuple[float, ...]]] = {
    **dict.fromkeys(("isbn", "is_read"), (0.0,)),
    **dict.fromkeys(("anime_id", "animeid", "my_score"), (-1.0, 0.0)),
}
"""Values that stand for no rating, by a column of the data sets that have them."""


def read_ratings_file(
    data: bytes, place: str, name: str, names: Mapping[str, str]
) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read a file of ratings.

    Args:
        data: Content of the file.
        place: Its path in messages.
        name: Its name, whose extension shows what its content does not.
        names: Names of columns by canonical column, where they are not recognised.

    Raises:
        DataError: If it cannot be read.
    """
    name = name.lower().removesuffix(".gz").removesuffix(".zst")
    if data.startswith(_PARQUET) or name.endswith(".parquet"):
        return ratings_of_table(_parquet(data, place), place, names)
    if name.endswith((".json", *_JSON_LINES)) or _JSON.match(data):
        table, header = _frame_of(_json_rows(data, place, name), place, names)
        ratings, bad = ratings_of(table, place)
        return without_unrated(ratings, header, place), bad
    if has_movie_lines(data) or is_matrix(data):
        check_unnamed(names, place)
        if is_matrix(data):
            return read_matrix(data, place), []
        return read_ratings_by_movie([(data, place)])
    if _TWO_TABS.match(data):
        data = data.replace(b"\t\t", b"\t")
    if data.startswith(b"ustar", _TAR_MAGIC):
        raise DataError(f"{place} is a tar archive; unpack it and give the folder")
    if (encoding := encoding_of(data, place)) == WINDOWS:
        data = data.decode(encoding, "replace").encode()  # Polars reads UTF-8 only.
    file_format = format_with_columns(data, place, names) if names else format_of(data, place)
    ratings, bad = read_ratings(data, place, file_format)
    header = first_row(data, place, file_format.separator)[1] if file_format.has_header else ()
    return without_unrated(ratings, header, place), bad


def check_unnamed(names: Mapping[str, str], place: str) -> None:
    """Check that no columns are named, for ratings in a layout without columns.

    Raises:
        DataError: If any are.
    """
    if names:
        raise DataError(f"{place} has no columns that can be named; leave out --columns")


def ratings_of_table(
    table: pl.DataFrame, place: str, names: Mapping[str, str]
) -> tuple[pl.DataFrame, list[BadRow]]:
    """Return the valid ratings of a table of another program, and its bad rows.

    Args:
        table: The table.
        place: Its path in messages.
        names: Names of columns by canonical column, where they are not recognised.

    Raises:
        DataError: If it lacks a column, or has too many bad rows.
    """
    header = table.columns
    ratings, bad = ratings_of(rename_columns(table, names, place) if names else table, place)
    return without_unrated(ratings, header, place), bad


def without_unrated(ratings: pl.DataFrame, header: Iterable[str], place: str) -> pl.DataFrame:
    """Return ratings without those that stand for none, in data sets known by their columns."""
    plain = {name.strip().lower().replace("-", "_") for name in header}
    values = {value for name, of in _UNRATED.items() if name in plain for value in of}
    rated = ratings.filter(~pl.col(RATING).is_in(values)) if values else ratings
    if rated.height < ratings.height:
        count = ratings.height - rated.height
        listed = " or ".join(f"{value:g}" for value in sorted(values))
        _logger.warning("%s: rows without a rating (%s) are left out: %d", place, listed, count)
    return rated


def read_movies_file(
    data: bytes, place: str, name: str
) -> tuple[pl.DataFrame | None, list[BadRow]]:
    """Read a file of movies; see `read_ratings_file`.

    Returns:
        The valid rows, None if a table of items has no titles; and the bad rows.
    """
    if not name.endswith(".parquet"):
        return read_movies(data, place)
    return movies_of_table(_parquet(data, place), place, name)


def movies_of_table(
    table: pl.DataFrame, place: str, name: str
) -> tuple[pl.DataFrame | None, list[BadRow]]:
    """Return the valid movies of a table; see `read_movies_file`."""
    if set(MOVIES_SCHEMA) <= set(table.columns):
        return conform(table, MOVIES_SCHEMA, place), []
    if name.startswith("item") and TITLE not in columns_of(table.columns, MOVIE_ALIASES):
        return None, []
    return movies_of(table, place)


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
        if name.endswith(_JSON_LINES) or _begins_with_rating(data)
        else (entry for _, entry in read_entries(data, place))
    )
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            message = (
                f"{place}, row {number}: a row should be an object with userId, movieId, rating"
            )
            raise DataError(message)
        yield cast("dict[str, object]", entry)


def _begins_with_rating(data: bytes) -> bool:
    """Return whether the first line is an object with the columns of a rating."""
    start = start_of_text(data)
    end = data.find(b"\n", start, start + _MAX_FIRST_LINE)
    try:
        first = json.loads(data[start : end if end >= 0 else start + _MAX_FIRST_LINE])
    except (ValueError, RecursionError):
        return False
    if not isinstance(first, dict):
        return False
    values = list(cast("dict[str, object]", first).values())
    return bool(values) and not all(isinstance(value, (list, dict)) for value in values)


def _json_lines(data: bytes, place: str) -> Iterator[object]:
    for number, line in enumerate(text_lines(data, place), start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = excerpt(str(error))
                raise DataError(f"{place}, line {number}: invalid JSON ({reason})") from error


def _frame_of(
    rows: Iterator[dict[str, object]], place: str, names: Mapping[str, str]
) -> tuple[pl.DataFrame, list[str]]:
    """Return the canonical columns of rows as text, and the names of all columns."""
    first = next(rows, None)
    if first is None:
        raise DataError(f"{place} has no ratings; a row should have userId, movieId and rating")
    header = list(first)
    positions = column_positions(header, names, place)
    chunks: list[pl.DataFrame] = []
    for chunk in _batched(chain([first], rows)):
        values = {name: [row.get(header[at]) for row in chunk] for name, at in positions.items()}
        chunks.append(text_columns(values))
    return pl.concat(chunks), header


def _batched(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk
