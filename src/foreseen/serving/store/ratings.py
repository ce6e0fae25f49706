"""The users' ratings. A call that stores ratings returns after they are on disk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, select

from foreseen.serving.store import tables
from foreseen.serving.store.database import Database
from foreseen.serving.store.engine import remove_time_limit

_BATCH: Final = 1000
_OF_USER: Final = (
    select(tables.ratings.c.movie_id, tables.ratings.c.rating, tables.ratings.c.rated)
    .where(tables.ratings.c.user_id == bindparam("user"))
    .order_by(tables.ratings.c.rated, tables.ratings.c.movie_id)
)
"""Built once, as are other statements that many requests execute."""


@dataclass(frozen=True)
class StoredRating:
    """A rating by a user.

    Attributes:
        movie: Id of the movie.
        rating: Stars.
        rated: When, in seconds since 1970 UTC.
    """

    movie: int
    rating: float
    rated: int


class Ratings(Database):
    """The users' ratings."""

    def ratings(self, user: int) -> list[StoredRating]:
        """Return a user's ratings, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(_OF_USER, {"user": user}).all()
        return [
            StoredRating(int(movie), float(rating), int(rated)) for movie, rating, rated in rows
        ]

    def rate(self, user: int, ratings: Sequence[StoredRating]) -> int:
        """Insert or replace ratings; return how many are new or have another value."""
        table = tables.ratings
        changed = 0
        with self._writing() as connection:
            for start in range(0, len(ratings), _BATCH):
                batch = ratings[start : start + _BATCH]
                in_batch = table.c.movie_id.in_([entry.movie for entry in batch])
                stored = select(table.c.movie_id, table.c.rating).where(
                    table.c.user_id == user, in_batch
                )
                previous = {int(row[0]): float(row[1]) for row in connection.execute(stored)}
                # The same order in all transactions prevents deadlocks.
                rows = [
                    {"user_id": user, "movie_id": r.movie, "rating": r.rating, "rated": r.rated}
                    for r in sorted(batch, key=lambda r: r.movie)
                    if previous.get(r.movie) != r.rating
                ]
                if rows:
                    self._upsert(connection, table, rows, ("rating", "rated"))
                changed += len(rows)
        return changed

    def unrate(self, user: int, movie: int) -> bool:
        """Delete a rating; return whether there was one."""
        table = tables.ratings
        with self._writing() as connection:
            query = delete(table).where(table.c.user_id == user, table.c.movie_id == movie)
            return connection.execute(query).rowcount > 0

    def all_ratings(self) -> Iterator[tuple[int, StoredRating]]:
        """Yield (user id, rating) of all users, oldest first."""
        table = tables.ratings
        query = select(table).order_by(table.c.rated, table.c.user_id, table.c.movie_id)
        with self._reading() as connection:
            remove_time_limit(connection)
            result = connection.execution_options(yield_per=_BATCH).execute(query)
            for row in result.mappings():
                rated = StoredRating(int(row["movie_id"]), float(row["rating"]), int(row["rated"]))
                yield int(row["user_id"]), rated
