"""What people did besides rating: movies dismissed, imports; and the rankings they were shown."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from foreseen.serving.store import tables
from foreseen.serving.store.database import Database


@dataclass(frozen=True)
class Shown:
    """A ranking that was shown."""

    at: int
    by: str
    version: int
    movies: tuple[int, ...]


class Dealings(Database):
    """What people dismissed, imported and were shown."""

    def dismiss(self, user: int, movie: int, now: int) -> None:
        """Remember that a movie is of no interest."""
        row = {"user_id": user, "movie_id": movie, "at": now}
        with self._engine.begin() as connection:
            self._put(connection, tables.dismissed, [row], ("at",))

    def undismiss(self, user: int, movie: int) -> bool:
        """Forget that a movie is of no interest; tell whether it was."""
        own = tables.dismissed
        with self._engine.begin() as connection:
            query = delete(own).where(own.c.user_id == user, own.c.movie_id == movie)
            return connection.execute(query).rowcount > 0

    def dismissed(self, user: int) -> list[int]:
        """Return the movies that are of no interest to a user."""
        own = tables.dismissed
        query = select(own.c.movie_id).where(own.c.user_id == user).order_by(own.c.movie_id)
        with self._reader.connect() as connection:
            return [int(movie) for movie in connection.execute(query).scalars()]

    def add_import(self, user: int, now: int, service: str, counts: dict[str, int]) -> None:
        """Remember what came of an import: matched, changed, ambiguous, missing."""
        values = {"user_id": user, "at": now, "service": service, **counts}
        with self._engine.begin() as connection:
            connection.execute(insert(tables.imports).values(values))

    def imports(self, user: int) -> list[dict[str, Any]]:
        """Return a user's imports, oldest first."""
        own = tables.imports
        columns = [column for column in own.c if column.name != "user_id"]
        query = select(*columns).where(own.c.user_id == user).order_by(own.c.id)
        with self._reader.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def add_shown(self, user: int, shown: Shown) -> None:
        """Remember a ranking that was shown, unless it is the same as the one before it."""
        movies = " ".join(map(str, shown.movies))
        own = tables.shown
        latest = (
            select(own.c.movies).where(own.c.user_id == user).order_by(own.c.id.desc()).limit(1)
        )
        values = {
            "user_id": user,
            "at": shown.at,
            "by": shown.by,
            "version": shown.version,
            "movies": movies,
        }
        # Most are the same: to see that, nobody who writes need be waited for.
        with self._reader.connect() as connection:
            if connection.execute(latest).scalar_one_or_none() == movies:
                return
        with self._engine.begin() as connection:
            if connection.execute(latest).scalar_one_or_none() != movies:
                connection.execute(insert(own).values(values))

    def shown(self, user: int) -> list[Shown]:
        """Return the rankings a user was shown, oldest first."""
        own = tables.shown
        query = select(own).where(own.c.user_id == user).order_by(own.c.id)
        with self._reader.connect() as connection:
            return [
                Shown(
                    int(row["at"]),
                    str(row["by"]),
                    int(row["version"]),
                    tuple(map(int, str(row["movies"]).split())),
                )
                for row in connection.execute(query).mappings()
            ]
