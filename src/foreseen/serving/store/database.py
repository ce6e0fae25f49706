"""An open database with the current schema: SQLite in one file, or PostgreSQL by its URL."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from foreseen.errors import ForeseenError, InputError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_READS: Final = "foreseen_reads"


class Database:
    """An open database with the current schema."""

    def __init__(self, url: str) -> None:
        """Open a database and migrate it to the current schema.

        Raises:
            InputError: If the URL is invalid.
            ForeseenError: If the database cannot be reached.
        """
        try:
            self._engine = _open(url)
            self._reader = self._engine.execution_options(**{_READS: True})
            with self._engine.begin() as connection:
                config = Config()
                config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except ArgumentError as error:
            raise InputError(
                f"--db {url}: no database URL such as sqlite:///ratings.db or "
                "postgresql+psycopg://user:password@host/name"
            ) from error
        except ImportError as error:
            raise InputError(f"--db: {error}; install foreseen[postgresql]") from error
        except OperationalError as error:
            shown = make_url(url).render_as_string(hide_password=True)
            raise ForeseenError(f"the database {shown} cannot be opened: {error.orig}") from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def ready(self) -> bool:
        """Return whether the database can be queried."""
        try:
            with self._reader.connect() as connection:
                connection.execute(select(1))
        except SQLAlchemyError:
            return False
        return True

    def _upsert(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[dict[str, Any]],
        updated: Sequence[str],
    ) -> None:
        """Insert rows; update the named columns of rows that exist."""
        dialect = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(table)
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={name: statement.excluded[name] for name in updated},
        )
        connection.execute(statement, list(rows))


def _open(url: str) -> Engine:
    file = make_url(url).database if url.startswith("sqlite:") else None
    if file:
        # Readable by its owner only, from the start.
        with suppress(OSError):
            Path(file).touch(mode=0o600, exist_ok=True)
    # The connection to a server may have been closed by the server.
    engine = create_engine(url, pool_pre_ping=not file)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: object) -> None:
    # The driver's implicit transactions exclude table definitions; `_begin_sqlite` begins ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Readers do not wait for writers; committed data survives a power failure.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A read is one statement, which sees a consistent state without a transaction. A transaction
    # that upgraded from read to write could fail, so a writer takes the write lock at its start.
    if not connection.get_execution_options().get(_READS):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
