"""Imports, and the rankings that users were shown."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, insert, select

from foreseen.serving.store import tables
from foreseen.serving.store.database import Database
from foreseen.serving.store.errors import best_effort

_MAX_IMPORTS: Final = 100
_MAX_IMPRESSIONS: Final = 1000
"""Rows of one user; a further one replaces the oldest."""

_LATEST: Final = (
    select(tables.shown.c.movies)
    .where(tables.shown.c.user_id == bindparam("user"))
    .order_by(tables.shown.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Impression:
    """A ranking that was shown to a user.

    Attributes:
        at: When, in seconds since 1970 UTC.
        by: The criterion.
        version: Version of the model.
        movies: Movie ids in rank order.
    """

    at: int
    by: str
    version: int
    movies: tuple[int, ...]


class Activity(Database):
    """Imports and impressions."""

    def add_import(self, user: int, now: int, service: str, counts: dict[str, int]) -> None:
        """Store the counts of an import: matched, changed, ambiguous, missing."""
        values = {"user_id": user, "at": now, "service": service, **counts}
        with self._writing() as connection:
            connection.execute(insert(tables.imports).values(values))
            _keep_latest(connection, tables.imports, user, _MAX_IMPORTS)

    def imports(self, user: int) -> list[dict[str, Any]]:
        """Return a user's imports, oldest first."""
        table = tables.imports
        columns = [column for column in table.c if column.name != "user_id"]
        query = select(*columns).where(table.c.user_id == user).order_by(table.c.id)
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    @best_effort("a ranking that was shown is")
    def add_impression(self, user: int, impression: Impression) -> None:
        """Store a ranking that was shown, unless it has the same movies as the one before it.

        It is not stored while the database is locked or unavailable.
        """
        movies = " ".join(map(str, impression.movies))
        table = tables.shown
        values = {
            "user_id": user,
            "at": impression.at,
            "by": impression.by,
            "version": impression.version,
            "movies": movies,
        }
        # Most are the same, which a read finds without waiting for a writer.
        with self._reading() as connection:
            if connection.execute(_LATEST, {"user": user}).scalar_one_or_none() == movies:
                return
        with self._writing(brief=True) as connection:
            if connection.execute(_LATEST, {"user": user}).scalar_one_or_none() != movies:
                connection.execute(insert(table).values(values))
                _keep_latest(connection, table, user, _MAX_IMPRESSIONS)

    def impressions(self, user: int) -> list[Impression]:
        """Return the rankings a user was shown, oldest first."""
        table = tables.shown
        query = select(table).where(table.c.user_id == user).order_by(table.c.id)
        with self._reading() as connection:
            return [
                Impression(
                    int(row["at"]),
                    str(row["by"]),
                    int(row["version"]),
                    tuple(map(int, str(row["movies"]).split())),
                )
                for row in connection.execute(query).mappings()
            ]


def _keep_latest(connection: Connection, table: Table, user: int, count: int) -> None:
    """Delete a user's rows of a table except the latest ones."""
    oldest_kept = (
        select(table.c.id)
        .where(table.c.user_id == user)
        .order_by(table.c.id.desc())
        .offset(count - 1)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(delete(table).where(table.c.user_id == user, table.c.id < oldest_kept))
