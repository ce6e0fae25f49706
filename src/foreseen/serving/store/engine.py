"""Connections to SQLite and PostgreSQL, with bounded waiting and recovery after an outage."""

import sqlite3
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DisconnectionError, SAWarning
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from foreseen.errors import InputError

READS: Final = "foreseen_reads"
"""Execution option of connections that only read."""
BRIEF: Final = "foreseen_brief"
"""Execution option of transactions that give up soon if they have to wait."""
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_LOCK_MILLISECONDS: Final = 2000
_BRIEF_MILLISECONDS: Final = 100
_STATEMENT_MILLISECONDS: Final = 10_000
_POOL_SECONDS: Final = 3
"""The longest wait for a connection that other threads use."""
_LIBPQ: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Bounds, in seconds and milliseconds, on the wait for a server that does not respond."""


def parse_url(text: str) -> URL:
    """Return the URL of a database.

    Raises:
        InputError: If it is none, or that of an unsupported database. The message does not repeat
            it, because it may contain a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InputError(
            "--db: no database URL such as sqlite:///ratings.db or "
            "postgresql+psycopg://user:password@host/name; write special characters of the "
            "password as %XX"
        ) from None
    if url.drivername not in _DRIVERS:
        raise InputError(
            f"--db: '{url.drivername}' is not supported; the database should be "
            "sqlite:///FILE or postgresql+psycopg://..."
        )
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise InputError("--db: the URL names no file; it should be sqlite:///FILE")
    return url.set(drivername=_DRIVERS[url.drivername])


def shown_url(url: URL) -> str:
    """Return a URL without its password and its parameters."""
    return url.set(query={}).render_as_string(hide_password=True)


def open_engine(url: URL) -> Engine:
    """Return an engine; it connects on first use.

    Raises:
        InputError: If the driver is not installed, or a parameter of the URL is unknown.
    """
    options: dict[str, Any] = {"hide_parameters": True, "pool_timeout": _POOL_SECONDS}
    if url.get_backend_name() == "sqlite":
        configure = _configure_sqlite
    else:
        configure = _configure_postgresql
        # A connection may have been closed by the server.
        options["pool_pre_ping"] = True
        options["connect_args"] = {k: v for k, v in _LIBPQ.items() if k not in url.query}
    try:
        with warnings.catch_warnings():
            # An unknown parameter of an SQLite URL.
            warnings.simplefilter("error", SAWarning)
            engine = create_engine(url, **options)
    except ImportError as error:
        raise InputError(f"--db: {error}; install foreseen[postgresql]") from None
    except (ArgumentError, SAWarning, TypeError, ValueError):
        raise InputError("--db: the URL has an unknown or invalid parameter") from None
    configure(engine)
    return engine


def serialise(connection: Connection, action: str) -> None:
    """Wait for the other transactions that do the same action, in any process.

    In SQLite, a transaction that writes excludes all others anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext(%s))", (action,))


def remove_time_limit(connection: Connection) -> None:
    """Let the statements of a transaction, which reads or changes whole tables, run for long."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def _configure_postgresql(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "begin", _begin_postgresql)


def _prepare_postgresql(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET statement_timeout = {_STATEMENT_MILLISECONDS}")
    cursor.execute(f"SET lock_timeout = {_LOCK_MILLISECONDS}")
    cursor.close()
    connection.commit()


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(BRIEF):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_BRIEF_MILLISECONDS}")


def _configure_sqlite(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _reconnect_sqlite)
    name = engine.url.database or ""
    if not name.startswith("file:"):
        _follow_file(engine, Path(name))


def _prepare_sqlite(connection: DBAPIConnection, _: object) -> None:
    # The driver's implicit transactions exclude table definitions; `_begin_sqlite` begins ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_LOCK_MILLISECONDS}")
    # Readers do not wait for writers; committed data survives a power failure.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A read is one statement, which sees a consistent state without a transaction. A transaction
    # that upgraded from read to write could fail, so a writer takes the write lock at its start.
    options = connection.get_execution_options()
    if options.get(READS):
        return
    wait = _BRIEF_MILLISECONDS if options.get(BRIEF) else _LOCK_MILLISECONDS
    connection.exec_driver_sql(f"PRAGMA busy_timeout={wait}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _reconnect_sqlite(context: ExceptionContext) -> None:
    """Close all connections after an error of the file, which they would not recover from."""
    code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF
    if code in {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    }:
        context.is_disconnect = True


def _follow_file(engine: Engine, file: Path) -> None:
    """Keep connections to the file of that name only, and never create it anew.

    A connection to a file that was moved or deleted would store ratings where nobody finds them.
    """
    # Readable by its owner only, from the start.
    with suppress(OSError):
        file.touch(mode=0o600, exist_ok=True)

    def connect(
        _dialect: Dialect, entry: ConnectionPoolEntry | None, _args: Sequence[Any], _kwargs: object
    ) -> None:
        identity = _identity(file)
        if identity is None:
            raise sqlite3.OperationalError("the file cannot be created or was removed")
        if entry is not None:
            entry.info["identity"] = identity

    def check_out(
        _connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        if entry.info.get("identity") != _identity(file):
            raise DisconnectionError("the file was replaced")

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkout", check_out)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
