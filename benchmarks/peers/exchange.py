"""What a peer is given and what it answers, as files: it runs in an environment of its own.

Called as `python with_LIBRARY.py TASK ANSWER MODEL SETTINGS`. TASK holds `known.csv` (userId,
movieId, rating, timestamp, in time order), `asked.csv` (the same columns; ratings are for online
peers, which learn each after answering it) and `movies.csv` (movieId, genres by `|`). ANSWER gets
`ratings.csv`, one prediction a line in the order asked, or `lists.csv` (userId, movieId), best
first.
"""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LENGTH = 20


@dataclass
class Log:
    """Ratings, one row each."""

    user: np.ndarray
    movie: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray

    @classmethod
    def read(cls, file: Path) -> "Log":
        values = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.float64, ndmin=2)
        user, movie, rating, timestamp = values.T
        ids = (column.astype(np.int64) for column in (user, movie, timestamp))
        user, movie, timestamp = ids
        return cls(user, movie, rating, timestamp)


@dataclass
class Task:
    """What to fit, what to answer, with which model."""

    known: Log
    asked: Log
    genres: dict[int, list[str]]
    model: str
    settings: dict[str, Any]
    answer: Path

    @classmethod
    def given(cls) -> "Task":
        """Read the task the command line names."""
        folder, answer, model, settings = sys.argv[1:]
        with (Path(folder) / "movies.csv").open(encoding="utf-8") as lines:
            genres = {
                int(row["movieId"]): row["genres"].split("|") for row in csv.DictReader(lines)
            }
        known, asked = (Log.read(Path(folder) / f"{name}.csv") for name in ("known", "asked"))
        return cls(known, asked, genres, model, json.loads(settings), Path(answer))

    def rate(self, predictions: np.ndarray) -> None:
        """Write predicted stars, in the order asked."""
        if len(predictions) != len(self.asked.user) or not np.isfinite(predictions).all():
            sys.exit(f"{self.model} did not answer every question with a number")
        lowest, highest = self.known.rating.min(), self.known.rating.max()
        lines = [f"{value:.6f}" for value in np.clip(predictions, lowest, highest)]
        self._write("ratings.csv", lines)

    def put_lists(self, users: np.ndarray, movies: np.ndarray) -> None:
        """Write pairs of users and movies, best first for each user."""
        pairs = zip(users, movies, strict=True)
        self._write("lists.csv", ["userId,movieId", *(f"{user},{movie}" for user, movie in pairs)])

    def rank(self, scores_of: "Any", movies: np.ndarray) -> None:
        """Write each asked user's best movies they have not rated.

        Args:
            scores_of: Called with a user id and their rows in `known`, returns a score per movie.
            movies: The ids of those movies.
        """
        listed: list[tuple[int, int]] = []
        for user in np.unique(self.asked.user):
            rows = np.flatnonzero(self.known.user == user)
            scores = np.array(scores_of(int(user), rows), dtype=np.float64)
            scores[np.isin(movies, self.known.movie[rows])] = -np.inf
            best = np.argsort(-scores, kind="stable")[:LENGTH]
            listed += [(user, movies[row]) for row in best]
        self.put_lists(*np.array(listed).T)

    def _write(self, name: str, lines: Sequence[str]) -> None:
        draft = self.answer / f"{name}.draft"
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.replace(self.answer / name)


def number(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct ids and the row of each."""
    return np.unique(ids, return_inverse=True)
