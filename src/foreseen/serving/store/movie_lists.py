"""The lists of movies that users keep: dismissed, saved for later, seen, and not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Table, bindparam, delete, literal, select, union_all

from foreseen.serving.store import tables
from foreseen.serving.store.database import Database

MovieList = Literal["dismissed", "watchlist", "seen", "unseen"]
_TABLES: Final[dict[MovieList, Table]] = {
    "dismissed": tables.dismissed,
    "watchlist": tables.watchlist,
    "seen": tables.seen,
    "unseen": tables.unseen,
}
MOVIE_LISTS: Final = tuple(_TABLES)
_BATCH: Final = 1000
_OF_USER: Final = union_all(
    *(
        select(literal(name).label("list"), table.c.movie_id, table.c.at).where(
            table.c.user_id == bindparam("user")
        )
        for name, table in _TABLES.items()
    )
).order_by("at", "movie_id")


@dataclass(frozen=True)
class ListedMovie:
    """A movie of a list.

    Attributes:
        movie: Id of the movie.
        at: When it was added, in seconds since 1970 UTC.
    """

    movie: int
    at: int


class MovieLists(Database):
    """The users' lists of movies."""

    def add_to(self, movie_list: MovieList, user: int, entries: Sequence[ListedMovie]) -> int:
        """Add movies to a list of a user; return how many were not in it. Others keep their time.

        Args:
            movie_list: The list.
            user: Id of the user.
            entries: The movies; of several entries of a movie the first counts.
        """
        table = _TABLES[movie_list]
        times: dict[int, int] = {}
        for entry in entries:
            times.setdefault(entry.movie, entry.at)
        added = 0
        # The same order in all transactions prevents deadlocks.
        movies = sorted(times)
        with self._writing() as connection:
            for start in range(0, len(movies), _BATCH):
                batch = movies[start : start + _BATCH]
                stored = select(table.c.movie_id).where(
                    table.c.user_id == user, table.c.movie_id.in_(batch)
                )
                present = set(connection.execute(stored).scalars())
                rows = [
                    {"user_id": user, "movie_id": movie, "at": times[movie]}
                    for movie in batch
                    if movie not in present
                ]
                if rows:
                    self._upsert(connection, table, rows, ("at",))
                added += len(rows)
        return added

    def remove_from(self, movie_list: MovieList, user: int, movie: int) -> bool:
        """Remove a movie from a list of a user; return whether it was in it."""
        table = _TABLES[movie_list]
        with self._writing() as connection:
            query = delete(table).where(table.c.user_id == user, table.c.movie_id == movie)
            return connection.execute(query).rowcount > 0

    def listed(self, movie_list: MovieList, user: int) -> list[ListedMovie]:
        """Return the movies of a list of a user, the first added first."""
        return self.lists(user)[movie_list]

    def lists(self, user: int) -> dict[MovieList, list[ListedMovie]]:
        """Return all lists of a user, of each the movies that were added first, first."""
        with self._reading() as connection:
            rows = connection.execute(_OF_USER, {"user": user}).all()
        return {
            name: [ListedMovie(int(movie), int(at)) for listed, movie, at in rows if listed == name]
            for name in MOVIE_LISTS
        }
