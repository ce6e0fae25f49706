"""What people rated. A rating is on disk before the call that gives it returns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select

from foreseen.serving.store import tables
from foreseen.serving.store.database import Database

_BATCH: Final = 1000


@dataclass(frozen=True)
class Rated:
    """One rating of one's own."""

    movie: int
    rating: float
    rated: int


class Ratings(Database):
    """What people rated."""

    def ratings(self, user: int) -> list[Rated]:
        """Return a user's ratings, oldest first."""
        own = tables.ratings
        query = (
            select(own.c.movie_id, own.c.rating, own.c.rated)
            .where(own.c.user_id == user)
            .order_by(own.c.rated, own.c.movie_id)
        )
        with self._reader.connect() as connection:
            rows = connection.execute(query).all()
        return [Rated(int(movie), float(rating), int(rated)) for movie, rating, rated in rows]

    def rate(self, user: int, rated: Sequence[Rated]) -> int:
        """Keep ratings, newer ones in place of older; return how many are new or changed."""
        own = tables.ratings
        changed = 0
        with self._engine.begin() as connection:
            for start in range(0, len(rated), _BATCH):
                batch = rated[start : start + _BATCH]
                wanted = own.c.movie_id.in_([entry.movie for entry in batch])
                known = select(own.c.movie_id, own.c.rating).where(own.c.user_id == user, wanted)
                before = {int(row[0]): float(row[1]) for row in connection.execute(known)}
                # In one order for all, so that no two writers wait for each other in a circle.
                rows = [
                    {"user_id": user, "movie_id": r.movie, "rating": r.rating, "rated": r.rated}
                    for r in sorted(batch, key=lambda r: r.movie)
                    if before.get(r.movie) != r.rating
                ]
                if rows:
                    self._put(connection, own, rows, ("rating", "rated"))
                changed += len(rows)
        return changed

    def unrate(self, user: int, movie: int) -> bool:
        """Take a rating back; tell whether there was one."""
        own = tables.ratings
        with self._engine.begin() as connection:
            query = delete(own).where(own.c.user_id == user, own.c.movie_id == movie)
            return connection.execute(query).rowcount > 0

    def all_ratings(self) -> Iterator[tuple[int, Rated]]:
        """Yield everybody's ratings in the order they were given, with the store's user ids."""
        own = tables.ratings
        query = select(own).order_by(own.c.rated, own.c.user_id, own.c.movie_id)
        with self._reader.connect() as connection:
            result = connection.execution_options(yield_per=_BATCH).execute(query)
            for row in result.mappings():
                rated = Rated(int(row["movie_id"]), float(row["rating"]), int(row["rated"]))
                yield int(row["user_id"]), rated
