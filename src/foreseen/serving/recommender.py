"""Rankings and predictions for one user from stored ratings: no training, no state in the model."""

import hashlib
import os
import threading
from collections.abc import Collection, Generator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import erf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cache import LRUCache
from foreseen.data.encoding import Id
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.features.queries import History, Queries
from foreseen.models.uncertainty import COVERAGE
from foreseen.ranking.explain import Influence, influences
from foreseen.ranking.recommend import rank_movies
from foreseen.ranking.request import RankingRequest
from foreseen.ranking.results import Recommendation
from foreseen.ranking.two_stage import TwoStageScorer
from foreseen.serving.snapshot import ModelSnapshot

_CACHED_MOVIES: Final = 1_000_000
"""Movies of all cached scorers together, each of about 80 bytes."""
_CACHED_RANKINGS: Final = 256
_CORES: Final = threading.Semaphore(os.cpu_count() or 1)
"""Held during computations: with more threads than cores, short requests wait for long ones."""
_LEVELS: Final = 10
"""Number of ratings whose probabilities are shown, at most."""
# Half the width of a normal distribution's interval of that coverage, in standard deviations.
_NORMAL_REACH: Final = {0.8: 1.2816}[COVERAGE]
_LEAST_REACH: Final = 0.1


_Key = tuple[int, str]
"""Serial number of a snapshot, and digest of a history and a moment."""


@dataclass(frozen=True)
class Prediction:
    """The predicted rating of one movie with its interval, as the source has them."""

    movie: Id
    rating: float
    low: float
    high: float


@contextmanager
def _another_core() -> Generator[bool]:
    """Hold another core if one is free, and yield whether it is."""
    is_free = _CORES.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            _CORES.release()


class Recommender:
    """Ranks and predicts; caches the scorers of the latest users, so that a reordering is cheap."""

    def __init__(self) -> None:
        self._scorers: LRUCache[_Key, TwoStageScorer] = LRUCache(
            _CACHED_MOVIES, TwoStageScorer.__len__
        )
        self._rankings: LRUCache[
            tuple[_Key, tuple[int, ...], RankingRequest], tuple[Recommendation, ...]
        ] = LRUCache(_CACHED_RANKINGS)
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)

    def scorer(
        self,
        snapshot: ModelSnapshot,
        history: History,
        at: int | None = None,
        pool: Executor | None = None,
    ) -> TwoStageScorer:
        """Return the scorer of a user, cached by snapshot, history and moment.

        Args:
            snapshot: The model.
            history: The user's ratings.
            at: The second to score as of; None for the end of the log.
            pool: See `TwoStageScorer`.
        """

        def compute() -> TwoStageScorer:
            self._scorers.discard_if(lambda key: key[0] < snapshot.serial)
            return TwoStageScorer(snapshot.model, history, _before(snapshot, at), pool=pool)

        return self._scorers.get_or_compute(_key(snapshot, history, at), compute)

    def rank(
        self,
        snapshot: ModelSnapshot,
        history: History,
        hidden: Collection[int],
        request: RankingRequest,
    ) -> tuple[Recommendation, ...]:
        """Return the movies that a user has neither rated nor dismissed, best first.

        Args:
            snapshot: The model.
            history: The user's ratings.
            hidden: Ids of further movies to leave out.
            request: What the ranking should contain.
        """

        def compute() -> tuple[Recommendation, ...]:
            with _CORES, _another_core() as is_free:
                pool = self._pool if is_free else None
                scorer = self.scorer(snapshot, history, request.at, pool)
                return rank_movies(snapshot.model, scorer, request, hidden)

        key = _key(snapshot, history, request.at), tuple(hidden), request
        return self._rankings.get_or_compute(key, compute)

    def predict(
        self, snapshot: ModelSnapshot, history: History, movies: Sequence[int]
    ) -> list[Prediction]:
        """Predict ratings of movies by a user, in their order; the catalogue may not have them.

        Args:
            snapshot: The model.
            history: The user's ratings.
            movies: Codes of the movies.
        """
        log, encoding = snapshot.model.log, snapshot.encoding
        rows = log.catalogue.movies.rows(np.array(movies, dtype=np.int64))
        scorer = self._scorers.get(_key(snapshot, history))
        with _CORES:
            if scorer is not None and (rows < len(log.catalogue)).all():
                found = scorer.predict(rows)
            else:
                queries = Queries.grid(1, rows, snapshot.now)
                found = snapshot.model.predict_queries(queries, log.view_of([history]))
        parts = (encoding.scale.from_stars(part) for part in (found.mean, found.low, found.high))
        return [
            Prediction(encoding.movies.identifier(movie), float(rating), float(low), float(high))
            for movie, rating, low, high in zip(movies, *parts, strict=True)
        ]

    def influences(
        self, snapshot: ModelSnapshot, history: History, movies: Sequence[int], tried: int
    ) -> list[list[Influence]]:
        """Return the influences of a user's latest ratings on predictions, strongest first.

        Args:
            snapshot: The model.
            history: The user's ratings.
            movies: Codes of movies of the catalogue, of length K.
            tried: How many ratings.

        Returns:
            For each movie, the influences with ids and on the scale of the source.
        """
        rows = snapshot.model.log.catalogue.movies.rows(np.array(movies, dtype=np.int64))
        with _CORES:
            context = self.scorer(snapshot, history).context
            found = influences(snapshot.model, context, rows, tried)
        return [[entry.decoded(snapshot.encoding) for entry in entries] for entries in found]


def _before(snapshot: ModelSnapshot, at: int | None) -> int:
    return snapshot.now if at is None else at + 1


def _key(snapshot: ModelSnapshot, history: History, at: int | None = None) -> _Key:
    before = np.array([_before(snapshot, at)])
    parts = (history.movies, history.ratings, history.timestamps, before)
    return snapshot.serial, hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def rating_levels(scale: RatingScale) -> NDArray[np.float64]:
    """Return the ratings of a scale, or a few of them at equal distances."""
    if scale.is_stars:
        scale = STARS
    step = scale.step
    if step is None or round((scale.high - scale.low) / step) > 2 * _LEVELS:
        return np.linspace(scale.low, scale.high, _LEVELS + 1)
    return scale.low + step * np.arange(round((scale.high - scale.low) / step) + 1.0)


def rating_probabilities(
    prediction: Prediction, scale: RatingScale = STARS
) -> list[tuple[float, float]]:
    """Return (rating, probability) for every rating of a scale.

    The distribution is normal with the predicted mean and the interval's width; the probability
    beyond an end of the scale counts to that end.
    """
    levels = rating_levels(scale)
    reach = max(
        prediction.high - prediction.rating,
        prediction.rating - prediction.low,
        _LEAST_REACH * scale.per_star,
    )
    deviation = reach / _NORMAL_REACH
    edges = [-np.inf, *((levels[:-1] + levels[1:]) / 2), np.inf]
    below = [0.5 * (1 + erf((edge - prediction.rating) / deviation / np.sqrt(2))) for edge in edges]
    return [(float(level), float(below[n + 1] - below[n])) for n, level in enumerate(levels)]
