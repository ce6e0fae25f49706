"""EASE: a linear autoencoder of histories in closed form (Steck, 2019).

The presence of each movie in a history is predicted from the presence of the others by ridge
regression, all at once: of the weights B = I - P / diag(P), P is the inverse of the movies'
co-occurrence matrix with a ridge. Only movies with enough ratings take part. A model is fitted to
the log before a moment and used for later ones; there is one per growth of the log by three
tenths, fitted when it is first needed.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cache import LRUCache
from foreseen.features.interaction_log import InteractionLog

EASE_FEATURES: Final = ("ease_equal", "ease_sqrt", "ease", "ease_liked")
"""Scores of a movie by a history whose movies count equally, by one over the root of their age, by
one over their age, and by rating less the history's mean."""
_MOVIES: Final = 1500
_LEAST_VIEWS: Final = 3
_RIDGE: Final = 300.0
_GROWTH: Final = 1.3
_FIRST: Final = 1000
_CACHED: Final = 16
_USERS_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class EaseModel:
    """A model fitted to a log before a moment.

    Attributes:
        movies: Rows of the catalogue that take part, ascending, of shape M.
        weights: Weight of each of them (row) in the score of each (column), of shape M x M.
    """

    movies: NDArray[np.intp]
    weights: NDArray[np.float32]

    def scores(
        self, watched: NDArray[np.int32], rating: NDArray[np.float64], count: int
    ) -> NDArray[np.float64]:
        """Return the scores of every movie, of shape count x 4: `EASE_FEATURES`.

        Args:
            watched: Rows of the history's movies, oldest first, of shape H.
            rating: Their ratings, of shape H.
            count: Number of movies in the catalogue.
        """
        found = np.zeros((count, len(EASE_FEATURES)))
        found[self.movies] = self.own_scores(watched, rating)
        return found

    def own_scores(
        self, watched: NDArray[np.int32], rating: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the scores of the M movies that take part, of shape M x 4; see `scores`."""
        if not len(self.movies) or not len(watched):
            return np.zeros((len(self.movies), len(EASE_FEATURES)), dtype=np.float32)
        positions = np.searchsorted(self.movies, watched)
        positions = np.minimum(positions, len(self.movies) - 1)
        taking_part = self.movies[positions] == watched
        age = np.arange(len(watched), 0, -1)[taking_part]
        centred = (rating - rating.mean())[taking_part]
        inputs = np.stack([np.ones(len(age)), age**-0.5, 1 / age, centred]).astype(np.float32)
        return (inputs @ self.weights[positions[taking_part]]).T


@dataclass(frozen=True, eq=False)
class EaseModels:
    """The EASE models of a log, the latest used cached.

    Attributes:
        log: The log.
    """

    log: InteractionLog
    _cache: LRUCache[int, EaseModel] = field(default_factory=lambda: LRUCache(_CACHED), init=False)

    def before(self, moment: int) -> EaseModel | None:
        """Return the latest model without ratings of a moment or later; None if there is none."""
        times = self.log.timestamp
        size = int(np.searchsorted(times, moment))
        position = _FIRST
        while (following := int(position * _GROWTH)) <= size:
            position = following
        if position > size:
            return None
        # Nothing of the second in which the log reached that size: it may not be complete.
        stop = int(np.searchsorted(times, int(times[position - 1])))
        user, movie = self.log.user[:stop], self.log.movie[:stop]
        return self._cache.get_or_compute(
            stop, lambda: fit_ease(user, movie, len(self.log.catalogue))
        )


def fit_ease(user: NDArray[np.int32], movie: NDArray[np.int32], count: int) -> EaseModel:
    """Fit a model to E (user, movie) pairs.

    Args:
        user: Rows of users, of shape E.
        movie: Rows of movies, of shape E.
        count: Number of movies in the catalogue.
    """
    views = np.bincount(movie, minlength=count)
    most = np.sort(np.argsort(-views, kind="stable")[:_MOVIES])
    movies = most[views[most] >= _LEAST_VIEWS]
    position = np.full(count, -1)
    position[movies] = np.arange(len(movies))
    column, takes_part = position[movie], position[movie] >= 0
    users, row = np.unique(user[takes_part], return_inverse=True)
    column = column[takes_part]
    co_occurrence = np.zeros((len(movies), len(movies)), dtype=np.float32)
    for start in range(0, len(users), _USERS_AT_ONCE):
        stop = min(start + _USERS_AT_ONCE, len(users))
        part = (row >= start) & (row < stop)
        watched = np.zeros((stop - start, len(movies)), dtype=np.float32)
        watched[row[part] - start, column[part]] = 1
        co_occurrence += watched.T @ watched
    co_occurrence[np.diag_indices(len(co_occurrence))] += _RIDGE
    # Single precision holds the counts exactly, and the ridge keeps the matrix well-conditioned.
    inverse = np.linalg.inv(co_occurrence)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return EaseModel(movies, weights.astype(np.float32))
