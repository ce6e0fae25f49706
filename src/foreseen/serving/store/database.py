"""An open database with the current schema: SQLite in one file, or PostgreSQL by its URL."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, ProgrammingError, SQLAlchemyError

from foreseen.errors import ForeseenError, InputError
from foreseen.serving.store import engine
from foreseen.serving.store.errors import StoreError, StoreUnavailableError, describe, translated

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


class Database:
    """An open database with the current schema.

    The methods of its subclasses raise a `StoreError` if a query fails: `StoreUnavailableError` if
    the database is, and `ConflictError` if a constraint does not allow a change.
    """

    def __init__(self, url: str) -> None:
        """Open a database and migrate it to the current schema.

        Raises:
            InputError: If the URL is invalid, or its database is not one of Foreseen.
            StoreUnavailableError: If the database cannot be opened.
        """
        parsed = engine.parse_url(url)
        self._engine = engine.open_engine(parsed)
        self._reader = self._engine.execution_options(**{engine.READS: True})
        self._brief = self._engine.execution_options(**{engine.BRIEF: True})
        try:
            _migrate(self._engine, self._reader)
        except (CommandError, SQLAlchemyError, TypeError) as error:
            self.close()
            raise _explain(error, engine.shown_url(parsed)) from None

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def ready(self) -> bool:
        """Return whether the database can be queried."""
        try:
            with self._reading() as connection:
                connection.execute(select(1))
        except StoreError:
            return False
        return True

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        """Yield a connection that does not wait for writers."""
        with translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self, *, brief: bool = False) -> Generator[Connection]:
        """Yield a connection in a transaction, which is on disk when the block ends.

        Args:
            brief: Whether to give up soon if another transaction is in the way.
        """
        with translated(), (self._brief if brief else self._engine).begin() as connection:
            yield connection

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


def _migrate(writer: Engine, reader: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    latest = ScriptDirectory.from_config(config).get_heads()
    with reader.connect() as connection:
        # A database with the current schema is opened even while it is locked.
        if set(MigrationContext.configure(connection).get_current_heads()) == set(latest):
            return
    with writer.begin() as connection:
        engine.serialise(connection, "migrate")
        engine.remove_time_limit(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _explain(error: Exception, shown: str) -> ForeseenError:
    """Return the error to raise if a database cannot be opened."""
    if isinstance(error, CommandError):
        return InputError(f"--db: {shown} was written by a later version; update Foreseen")
    if not isinstance(error, SQLAlchemyError):
        return InputError("--db: the URL has an unknown or invalid parameter")
    reason = describe(error)
    # The driver raises the general class for a file with other content.
    if type(error) is DatabaseError:
        return InputError(f"--db: {shown} is no database ({reason}); name another file")
    if isinstance(error, ProgrammingError) and "connection option" in reason:
        return InputError(f"--db: {reason}")
    return StoreUnavailableError(f"the database {shown} cannot be opened: {reason}")
