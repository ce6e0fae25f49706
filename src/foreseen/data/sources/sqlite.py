"""Ratings in a table of an SQLite database, the only place with SQL outside the server's store.

The database is opened for reading only. Text has bounded length, and a query bounded time and rows,
since a view can describe more rows than any file holds.
"""

import sqlite3
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.input_files import check_regular, display
from foreseen.data.schema import MOVIE, RATING, TITLE
from foreseen.data.sources.columns import column_positions
from foreseen.data.sources.detection import MOVIE_ALIASES, columns_of
from foreseen.data.sources.values import text_columns
from foreseen.data.text import excerpt
from foreseen.errors import DataError, ForeseenError

SIGNATURE: Final = b"SQLite format 3\0"
URL: Final = "sqlite:///"
_WRITE_VERSION: Final = 18
"""Position in the header of a database of a byte that is 2 if it has a write-ahead log."""
_COLUMNS: Final = "SELECT name FROM pragma_table_info(?)"
_MOVIES_TABLES: Final = ("movies", "movie", "items", "films")
_CHUNK: Final = 50_000
_MAX_TEXT: Final = 131_072
_MAX_TABLES: Final = 1000
_MAX_ROWS: Final = 20_000_000
_TIMEOUT: Final = 600.0
_LOCK_TIMEOUT: Final = 5.0
_STEPS: Final = 1_000_000


def split_url(url: str) -> tuple[Path, str | None]:
    """Return the file and the table of `sqlite:///file.db#table`; None without a table.

    The path is relative, or absolute after a fourth slash; an absolute one may lack that slash.
    """
    text = url.removeprefix(URL)
    file, _, table = text.rpartition("#")
    if not file or _find(text).exists():
        return _find(text), None
    return _find(file), table or None


def _find(text: str) -> Path:
    path = Path(text).expanduser()
    absolute = Path("/") / text
    return absolute if not path.exists() and absolute.exists() else path


def read_sqlite(
    file: Path, table: str | None, names: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame | None, str]:
    """Read ratings, and the movies of a table `movies` beside them, as text.

    Args:
        file: The database.
        table: The table or view of ratings; None for the only one that has the columns of ratings.
        names: Names of columns by canonical column, where they are not recognised.

    Returns:
        The ratings; the movies or None; and the path of the table of ratings in messages.

    Raises:
        DataError: If the file is no database or damaged, or if there is no such table, or several.
        ForeseenError: If another process has locked it.
    """
    place = display(file)
    with _connection(file, place) as connection:
        tables = _tables(connection)
        chosen = table or _only_table(tables, names, place)
        if chosen not in tables:
            raise DataError(f"{place} has no table '{excerpt(chosen)}'; it has {_listed(tables)}")
        path = f"{place}#{excerpt(chosen)}"
        positions = column_positions(tables[chosen], names, path)
        wanted = {name: tables[chosen][position] for name, position in positions.items()}
        max_rows = max(_MAX_ROWS, file.stat().st_size)
        ratings = _read(connection, chosen, wanted, max_rows, path)
        movies = None
        beside = next((name for name in tables if name.lower() in _MOVIES_TABLES), None)
        if beside is not None and beside != chosen and _has_movies(tables[beside]):
            columns = {name: name for name in tables[beside]}
            movies = _read(connection, beside, columns, max_rows, f"{place}#{excerpt(beside)}")
    return ratings, movies, path


@contextmanager
def _connection(file: Path, place: str) -> Generator[sqlite3.Connection]:
    """Open a database, and raise its errors as those of the package."""
    check_regular(file)
    # Reading a database with a write-ahead log makes files beside it, unless it is immutable.
    is_closed = _has_write_ahead_log(file) and not file.with_name(f"{file.name}-wal").exists()
    uri = f"{file.resolve().as_uri()}?mode=ro{'&immutable=1' if is_closed else ''}"
    deadline = time.monotonic() + _TIMEOUT
    try:
        with closing(sqlite3.connect(uri, timeout=_LOCK_TIMEOUT, uri=True)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_TEXT)
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            connection.execute("PRAGMA trusted_schema = OFF")
            yield connection
    except sqlite3.Error as error:
        reason = excerpt(str(error))
        if "locked" in reason:
            raise ForeseenError(f"{place} is locked by another process; try again") from error
        if "interrupted" in reason:
            reason = f"it cannot be read within {_TIMEOUT:.0f} s"
        raise DataError(
            f"{place} cannot be read as an SQLite database ({reason}); restore it or export the "
            "table as CSV"
        ) from error


def _has_write_ahead_log(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(_WRITE_VERSION + 1)[_WRITE_VERSION:] == b"\2"


def _tables(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of each table and view."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT ?",
        (_MAX_TABLES,),
    )
    return {
        name: [column for (column,) in connection.execute(_COLUMNS, (name,))]
        for (name,) in rows.fetchall()
    }


def _only_table(tables: Mapping[str, list[str]], names: Mapping[str, str], place: str) -> str:
    found = [name for name, columns in tables.items() if _has_ratings(columns, names)]
    if len(found) == 1:
        return found[0]
    if found:
        several = excerpt(", ".join(found), 200)
        raise DataError(
            f"{place} has several tables of ratings: {several}; name one: {URL}FILE#TABLE"
        )
    raise DataError(
        f"{place} has no table with columns userId, movieId, rating; name the table and its "
        f"columns: {URL}FILE#TABLE --columns user=NAME,item=NAME,rating=NAME. It has "
        f"{_listed(tables)}"
    )


def _listed(tables: Mapping[str, list[str]]) -> str:
    listed = ", ".join(f"{name} ({', '.join(columns)})" for name, columns in tables.items())
    return excerpt(listed, 400) or "no tables"


def _has_ratings(columns: Sequence[str], names: Mapping[str, str]) -> bool:
    try:
        return RATING in column_positions(columns, names, "")
    except DataError:
        return False


def _has_movies(columns: Sequence[str]) -> bool:
    return columns_of(columns, MOVIE_ALIASES).keys() >= {MOVIE, TITLE}


def _read(
    connection: sqlite3.Connection,
    table: str,
    columns: Mapping[str, str],
    max_rows: int,
    path: str,
) -> pl.DataFrame:
    """Return columns of a table as text under new names.

    Args:
        connection: The database.
        table: The table.
        columns: Names of its columns by new name.
        max_rows: Maximum number of rows.
        path: The table in messages.

    Raises:
        DataError: If it has more rows.
    """
    connection.text_factory = bytes  # Text may be no valid UTF-8.
    listed = ", ".join(map(_quoted, columns.values()))
    cursor = connection.execute(f"SELECT {listed} FROM {_quoted(table)}")  # noqa: S608
    chunks = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))]
    count = 0
    while rows := cursor.fetchmany(_CHUNK):
        count += len(rows)
        if count > max_rows:
            raise DataError(f"{path} should have at most {max_rows:,} rows; export it as Parquet")
        values = zip(columns, map(list, zip(*rows, strict=True)), strict=True)
        chunks.append(text_columns(dict(values)))
    return pl.concat(chunks)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
