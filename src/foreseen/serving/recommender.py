"""Answers for one person, from the ratings the store keeps: no training, no state of the model."""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import erf
from typing import Final

import numpy as np

from foreseen.data.identifiers import UNKNOWN
from foreseen.features import user_statistics as users_at
from foreseen.features.encoder import taste
from foreseen.features.queries import History, Queries
from foreseen.models.uncertainty import COVERAGE
from foreseen.ranking.recommend import RankingRequest, Recommendation, rank_movies
from foreseen.ranking.two_stage import TwoStageScorer
from foreseen.serving.snapshot import World
from foreseen.serving.store import Rated

_KEPT: Final = 16
_CORES: Final = threading.Semaphore(os.cpu_count() or 1)
"""Held while working out numbers: more threads at it than there are cores only wait for each other,
and keep those waiting that have a moment's work."""
_OFFERED: Final = 100
_LEVELS: Final = np.arange(0.5, 5.01, 0.5)
# Half the width of a normal distribution's interval of that coverage, in standard deviations.
_REACH: Final = {0.8: 1.2816}[COVERAGE]
_SURENESS_MOVIES: Final = 100
_SURENESS_STEPS: Final = (0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 1000)


class Recommender:
    """Ranks; remembers what it found of the latest people, so that reordering costs nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shortlists: OrderedDict[tuple[int, str], TwoStageScorer] = OrderedDict()

    def shortlist(self, world: World, history: History, at: int | None = None) -> TwoStageScorer:
        """Return what is known of a person's scores."""
        before = world.now if at is None else at + 1
        parts = (history.movies, history.ratings, history.timestamps, np.array([before]))
        digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
        key = (world.serial, digest)
        with self._lock:
            if (found := self._shortlists.get(key)) is not None:
                self._shortlists.move_to_end(key)
                return found
        found = TwoStageScorer(world.model, history, before)
        with self._lock:
            # Of a world that is gone nothing is kept.
            for old in [old for old in self._shortlists if old[0] < world.serial]:
                del self._shortlists[old]
            self._shortlists[key] = found
            while len(self._shortlists) > _KEPT:
                self._shortlists.popitem(last=False)
        return found

    def rank(
        self, world: World, history: History, hidden: Collection[int], wish: RankingRequest
    ) -> tuple[Recommendation, ...]:
        """Rank what a person has neither rated nor dismissed.

        Args:
            world: To answer from.
            history: The person's.
            hidden: Ids of movies to leave out besides.
            wish: What the ranking should be like.
        """
        with _CORES:
            scorer = self.shortlist(world, history, wish.at)
            return rank_movies(world.model, scorer, wish, hidden)


@dataclass(frozen=True)
class Prediction:
    """What one person would give one movie."""

    movie: int
    rating: float
    low: float
    high: float


def predict(world: World, history: History, movies: Sequence[int]) -> list[Prediction]:
    """Predict the ratings of movies, in their order; a movie need not be in the catalogue."""
    view = world.model.log.view_of([history])
    rows = world.model.log.catalogue.movies.rows(np.array(movies, dtype=np.int64))
    count = len(rows)
    before = np.full(count, world.now, dtype=np.int64)
    nobody = np.full(count, UNKNOWN, dtype=np.int32)
    queries = Queries(np.zeros(count, dtype=np.int32), nobody, rows, before)
    with _CORES:
        answers = world.model.predict_queries(queries, view)
    return [
        Prediction(int(movie), float(r), float(low), float(high))
        for movie, r, low, high in zip(movies, answers.mean, answers.low, answers.high, strict=True)
    ]


def star_chances(prediction: Prediction) -> list[tuple[float, float]]:
    """Return (stars, probability) for every half star.

    Of a normal distribution about the predicted rating with the interval's width, cut at the ends
    of the scale.
    """
    reach = max(prediction.high - prediction.rating, prediction.rating - prediction.low, 0.1)
    deviation = reach / _REACH
    edges = [-np.inf, *(_LEVELS[:-1] + 0.25), np.inf]
    below = [0.5 * (1 + erf((edge - prediction.rating) / deviation / np.sqrt(2))) for edge in edges]
    return [(float(level), float(below[n + 1] - below[n])) for n, level in enumerate(_LEVELS)]


@dataclass(frozen=True)
class Taste:
    """What a person's ratings say of them.

    Attributes:
        genres: (name, ratings, stars above their usual), most rated first.
        eras: (name, ratings, stars above their usual), oldest first.
        years: (year rated, ratings, mean rating, share of their leading genres), oldest first.
        mean: Of their ratings; None if there are none.
        sureness: (ratings known, half the mean width of the interval in stars).
    """

    genres: list[tuple[str, int, float]]
    eras: list[tuple[str, int, float]]
    years: list[tuple[int, int, float, dict[str, float]]]
    mean: float | None
    sureness: list[tuple[int, float]]


def taste_of(world: World, rated: Sequence[Rated]) -> Taste:
    """Return what a person's ratings say of them."""
    history = world.history(rated)
    view = world.model.log.view_of([history])
    profiles = view.statistics(np.zeros(1, np.int32), np.array([world.now], np.int64))
    by_genre, by_decade = taste(profiles)
    counts = profiles.genre_counts[0]
    names = view.catalogue.genre_names
    order = [int(n) for n in np.argsort(-counts, kind="stable") if counts[n] > 0]
    eras = [int(n) for n in np.flatnonzero(profiles.decade_counts[0] > 0)]
    return Taste(
        genres=[(names[n], int(counts[n]), float(by_genre[0, n])) for n in order],
        eras=[
            (users_at.decade_name(n), int(profiles.decade_counts[0, n]), float(by_decade[0, n]))
            for n in eras
        ],
        years=_by_year(world, rated, [names[n] for n in order[:4]]),
        mean=float(np.mean([entry.rating for entry in rated])) if rated else None,
        sureness=_sureness(world, history),
    )


def _by_year(
    world: World, rated: Sequence[Rated], leading: Sequence[str]
) -> list[tuple[int, int, float, dict[str, float]]]:
    catalogue = world.model.log.catalogue
    moments = np.array([entry.rated for entry in rated], dtype="datetime64[s]")
    years = moments.astype("datetime64[Y]").astype(np.int64) + 1970
    rating = np.array([entry.rating for entry in rated])
    genres = catalogue.genres[catalogue.movies.rows([entry.movie for entry in rated])]
    found: list[tuple[int, int, float, dict[str, float]]] = []
    for year in np.unique(years):
        own = years == year
        shares = {
            name: float(genres[own, catalogue.genre_names.index(name)].mean()) for name in leading
        }
        found.append((int(year), int(own.sum()), float(rating[own].mean()), shares))
    return found


def _sureness(world: World, history: History) -> list[tuple[int, float]]:
    """Return half the width of intervals with the first n of a history known, for some n."""
    count = len(history.movies)
    steps = sorted({*(n for n in _SURENESS_STEPS if n < count), count})
    parts = [history.part(slice(n)) for n in steps]
    rows = np.argsort(-world.views, kind="stable")[:_SURENESS_MOVIES].astype(np.int32)
    view = world.model.log.view_of(parts)
    shape = (len(steps), len(rows))
    queries = Queries(
        np.repeat(np.arange(shape[0], dtype=np.int32), shape[1]),
        np.full(shape[0] * shape[1], UNKNOWN, dtype=np.int32),
        np.tile(rows, shape[0]),
        np.full(shape[0] * shape[1], world.now, dtype=np.int64),
    )
    answers = world.model.predict_queries(queries, view)
    # Not cut at the ends of the scale, where a high prediction would pass for a sure one.
    reach = (world.model.uncertainty.reach * answers.deviation).reshape(shape).mean(axis=1)
    return [(n, float(own)) for n, own in zip(steps, reach, strict=True)]
