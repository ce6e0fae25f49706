"""What is asked of a log: whose histories, and what will be given to which movie as of when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class History:
    """One user's known ratings, oldest first; all arrays of shape H.

    Attributes:
        movies: Movie ids as in the source.
        ratings: Stars.
        timestamps: Seconds since 1970 UTC.
        user: The user's id, if it is one that the model may know.
    """

    movies: NDArray[np.int64]
    ratings: NDArray[np.float64]
    timestamps: NDArray[np.int64]
    user: int | None = None

    def part(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "History":
        """Return some of the ratings."""
        return History(self.movies[rows], self.ratings[rows], self.timestamps[rows], self.user)

    def without(self, movie: int) -> "History":
        """Return the history without the rating of a movie."""
        return self.part(self.movies != movie)


@dataclass(frozen=True)
class Queries:
    """N questions: what will this user give this movie, by what was known before this moment?

    Attributes:
        history: Rows of the timeline's histories; `UNKNOWN` for a user with none.
        user: Rows of the users' id map, for models with a table of users; `UNKNOWN` if not there.
        movie: Rows of the catalogue; `UNKNOWN` for a movie it does not hold.
        before: Timestamps; only ratings strictly older count.
    """

    history: NDArray[np.int32]
    user: NDArray[np.int32]
    movie: NDArray[np.int32]
    before: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.movie)

    def part(self, rows: slice | NDArray[np.intp]) -> "Queries":
        """Return some of the questions."""
        return Queries(self.history[rows], self.user[rows], self.movie[rows], self.before[rows])

    def followed_by(self, other: "Queries") -> "Queries":
        """Return the questions with others of the same timeline after them."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Queries(*(np.concatenate(pair) for pair in pairs))

    @classmethod
    def none(cls) -> "Queries":
        """Return no questions."""
        rows = np.empty(0, dtype=np.int32)
        return cls(rows, rows, rows, np.empty(0, dtype=np.int64))
