"""An open database with the current schema: SQLite in one file, or PostgreSQL by its URL."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, ProgrammingError, SQLAlchemyError

from foreseen.errors import ForeseenError, InputError
from foreseen.serving.store import engine
from foreseen.serving.store.errors import StoreError, StoreUnavailableError, describe, translated
from foreseen.serving.store.tables import SCHEMA, schema_version


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
        shown = engine.shown_url(parsed)
        try:
            if _schema(self._reader) != SCHEMA:
                # Imported here because it takes longer than to open a current database.
                from foreseen.serving.store.migration import migrate

                migrate(self._engine, shown)
        except (SQLAlchemyError, TypeError) as error:
            self.close()
            raise _explain(error, shown) from None
        except InputError:
            self.close()
            raise

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


def _schema(reader: Engine) -> str | None:
    """Return the version of the schema, also of a locked database; None without one."""
    with reader.connect() as connection:
        if not inspect(connection).has_table(schema_version.name):
            return None
        return connection.execute(select(schema_version.c.version_num)).scalar()


def _explain(error: Exception, shown: str) -> ForeseenError:
    """Return the error to raise if a database cannot be opened."""
    if not isinstance(error, SQLAlchemyError):
        return InputError("--db: the URL has an unknown or invalid parameter")
    reason = describe(error)
    # The driver raises the general class for a file with other content.
    if type(error) is DatabaseError:
        return InputError(f"--db: {shown} is no database ({reason}); name another file")
    if isinstance(error, ProgrammingError) and "connection option" in reason:
        return InputError(f"--db: {reason}")
    return StoreUnavailableError(f"the database {shown} cannot be opened: {reason}")
