"""The files through which a peer, in a separate environment, gets a split and returns results.

Called as `python with_LIBRARY.py SPLIT RESULTS MODEL SETTINGS`. SPLIT has `known.csv` (userId,
movieId, rating, timestamp, in time order), `test.csv` (the same columns; only online peers read the
ratings, each after predicting it) and `movies.csv` (movieId, genres separated by `|`). RESULTS gets
`ratings.csv`, one prediction per line in the order of the test ratings, or `rankings.csv` (userId,
movieId), best first.
"""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LENGTH = 20


@dataclass
class Log:
    """Ratings as columns, each of shape E."""

    user: np.ndarray
    movie: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray

    @classmethod
    def read(cls, file: Path) -> "Log":
        values = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.float64, ndmin=2)
        user, movie, rating, timestamp = values.T
        user, movie, timestamp = (column.astype(np.int64) for column in (user, movie, timestamp))
        return cls(user, movie, rating, timestamp)


@dataclass
class Task:
    """A split, the model to fit to it, and where the results are written."""

    known: Log
    test: Log
    genres: dict[int, list[str]]
    model: str
    settings: dict[str, Any]
    results: Path

    @classmethod
    def from_command_line(cls) -> "Task":
        """Read the task that the command line names."""
        folder, results, model, settings = sys.argv[1:]
        with (Path(folder) / "movies.csv").open(encoding="utf-8") as lines:
            genres = {
                int(row["movieId"]): row["genres"].split("|") for row in csv.DictReader(lines)
            }
        known, test = (Log.read(Path(folder) / f"{name}.csv") for name in ("known", "test"))
        return cls(known, test, genres, model, json.loads(settings), Path(results))

    def write_ratings(self, predictions: np.ndarray) -> None:
        """Write predicted stars, clipped to the scale, in the order of the test ratings."""
        if len(predictions) != len(self.test.user) or not np.isfinite(predictions).all():
            sys.exit(f"{self.model} should predict a finite number for every test rating")
        lowest, highest = self.known.rating.min(), self.known.rating.max()
        lines = [f"{value:.6f}" for value in np.clip(predictions, lowest, highest)]
        self._write("ratings.csv", lines)

    def write_rankings(self, users: np.ndarray, movies: np.ndarray) -> None:
        """Write pairs of users and movies, best first for each user."""
        pairs = zip(users, movies, strict=True)
        lines = [f"{user},{movie}" for user, movie in pairs]
        self._write("rankings.csv", ["userId,movieId", *lines])

    def rank(self, scores_of: Callable[[np.ndarray], Any], movies: np.ndarray) -> None:
        """Write the best movies of each test user that the user has not rated.

        Args:
            scores_of: Called with a user's rows in `known`; returns a score per movie.
            movies: Ids of those movies.
        """
        ranked: list[tuple[int, int]] = []
        for user in np.unique(self.test.user):
            rows = np.flatnonzero(self.known.user == user)
            scores = np.array(scores_of(rows), dtype=np.float64)
            scores[np.isin(movies, self.known.movie[rows])] = -np.inf
            best = np.argsort(-scores, kind="stable")[:LENGTH]
            ranked += [(user, movies[row]) for row in best]
        self.write_rankings(*np.array(ranked).T)

    def _write(self, name: str, lines: Sequence[str]) -> None:
        temporary = self.results / f".{name}"
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(self.results / name)


def index(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct ids and the row of each id in them."""
    return np.unique(ids, return_inverse=True)
