"""Queries to a model: a user's history, a movie, and the moment the prediction is made for."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class History:
    """The known ratings of one user, oldest first; all arrays of shape H.

    Attributes:
        movies: Movie ids as in the source.
        ratings: Stars.
        timestamps: Seconds since 1970 UTC.
        user: The user's id, if the user may be in the model's log.
    """

    movies: NDArray[np.int64]
    ratings: NDArray[np.float64]
    timestamps: NDArray[np.int64]
    user: int | None = None

    @classmethod
    def empty(cls) -> Self:
        """Return the history of a new user."""
        return cls(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))

    def part(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "History":
        """Return some of the ratings."""
        return History(self.movies[rows], self.ratings[rows], self.timestamps[rows], self.user)

    def without(self, movie: int) -> "History":
        """Return the history without the rating of a movie."""
        return self.part(self.movies != movie)


@dataclass(frozen=True)
class Queries:
    """N queries for the rating of a user and a movie, as of a moment; all arrays of shape N.

    Attributes:
        history: Rows of the view's histories; `UNKNOWN` for a user without history.
        user: Rows of the users' id map, for models with a user table; `UNKNOWN` if not in it.
        movie: Rows of the catalogue; `UNKNOWN` for a movie that is not in it.
        before: Timestamps; only ratings strictly older count.
    """

    history: NDArray[np.int32]
    user: NDArray[np.int32]
    movie: NDArray[np.int32]
    before: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.movie)

    def part(self, rows: slice | NDArray[np.intp]) -> "Queries":
        """Return some of the queries."""
        return Queries(self.history[rows], self.user[rows], self.movie[rows], self.before[rows])

    def followed_by(self, other: "Queries") -> "Queries":
        """Return the queries followed by others to the same view."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Queries(*(np.concatenate(pair) for pair in pairs))

    @classmethod
    def none(cls) -> "Queries":
        """Return no queries."""
        rows = np.empty(0, dtype=np.int32)
        return cls(rows, rows, rows, np.empty(0, dtype=np.int64))

    @classmethod
    def grid(
        cls,
        histories: int,
        movies: NDArray[np.int32],
        before: int,
        users: NDArray[np.int32] | None = None,
    ) -> "Queries":
        """Return one query per history and movie, history by history, all as of one moment.

        Args:
            histories: B, the number of histories of the view, from its first.
            movies: Rows of the catalogue, of shape C.
            before: Only ratings strictly older count.
            users: Rows of the users' id map, of shape B; None if no user is in it.
        """
        user = np.full(histories, -1, dtype=np.int32) if users is None else users
        return cls(
            np.repeat(np.arange(histories, dtype=np.int32), len(movies)),
            np.repeat(user, len(movies)),
            np.tile(movies, histories),
            np.full(histories * len(movies), before, dtype=np.int64),
        )
