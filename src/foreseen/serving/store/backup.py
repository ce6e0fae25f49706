"""Copies of the database: SQLite by its online backup, PostgreSQL by pg_dump and pg_restore."""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Final

from sqlalchemy import URL, inspect
from sqlalchemy.exc import SQLAlchemyError

from foreseen.errors import ForeseenError, InputError
from foreseen.serving.store.engine import open_engine, parse_url, shown_url
from foreseen.serving.store.errors import StoreUnavailableError, describe
from foreseen.serving.store.tables import metadata, schema_version

_TABLES: Final = (*(table.name for table in metadata.sorted_tables), schema_version.name)


def backend(url: str) -> str:
    """Return the kind of a database: `sqlite` or `postgresql`.

    Raises:
        InputError: If the URL is invalid.
    """
    return parse_url(url).get_backend_name()


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite database; None for another database.

    Raises:
        InputError: If the URL is invalid, or has a URI instead of the name of a file.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    name = parsed.database or ""
    if name.startswith("file:"):
        raise InputError("--db: the URL should be sqlite:///FILE")
    return Path(name)


def dump(url: str, file: Path) -> None:
    """Write a consistent copy of a database, which may be in use, to a new file of its owner only.

    Raises:
        InputError: If there is no database, or the URL is invalid.
        ForeseenError: If it cannot be read or is damaged, or pg_dump is not installed.
    """
    file.touch(mode=0o600)
    source = sqlite_file(url)
    if source is None:
        tables = [f"--table={name}" for name in _TABLES]
        target = ["--format=custom", f"--file={file}"]
        _run("pg_dump", parse_url(url), [*target, *tables])
        return
    if not source.is_file():
        raise InputError(f"--db: {source} does not exist")
    try:
        _copy_sqlite(source, file)
    except sqlite3.Error as error:
        # Errors that the module raises itself have no code.
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CORRUPT:
            raise _damaged(source, str(error)) from error
        raise ForeseenError(f"{source} cannot be copied ({error})") from error


def _copy_sqlite(source: Path, file: Path) -> None:
    original, copy = sqlite3.connect(source), sqlite3.connect(file)
    try:
        original.backup(copy)
        # One file, without a write-ahead log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        copy.close()
        original.close()
    if found != "ok":
        raise _damaged(source, found)


def _damaged(source: Path, reason: str) -> ForeseenError:
    return ForeseenError(f"{source} is damaged ({reason}); restore an earlier backup")


def holds_tables(url: str) -> bool:
    """Return whether a PostgreSQL database has any of the tables of the application.

    Raises:
        InputError: If the URL is invalid.
        StoreUnavailableError: If the database cannot be reached.
    """
    parsed = parse_url(url)
    engine = open_engine(parsed)
    try:
        return bool(set(_TABLES) & set(inspect(engine).get_table_names()))
    except SQLAlchemyError as error:
        raise StoreUnavailableError(
            f"the database {shown_url(parsed)} cannot be opened: {describe(error)}"
        ) from None
    finally:
        engine.dispose()


def load(file: Path, url: str) -> None:
    """Fill a PostgreSQL database from a file that `dump` wrote, with all of it or nothing.

    Raises:
        ForeseenError: If that fails, or pg_restore is not installed.
    """
    whole = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", parse_url(url), [*whole, str(file)])


def _run(program: str, url: URL, arguments: list[str]) -> None:
    found = shutil.which(program)
    if found is None:
        raise ForeseenError(f"{program} is not installed; install the client of PostgreSQL")
    # Without the password: others can see the arguments of a process.
    address = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.query,
    ).render_as_string()
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    done = subprocess.run(
        [found, f"--dbname={address}", *arguments],
        env={**os.environ, **password},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        raise ForeseenError(f"{shown_url(url)}: {reason}")
