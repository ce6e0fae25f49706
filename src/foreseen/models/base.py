"""The model contract: what every fitted model can do.

A model is a `Predictor`, the arithmetic with its weights, beside the `Timeline` of all ratings it
knows. Everything that does not differ from model to model is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded, encode
from foreseen.features.queries import History, Queries
from foreseen.features.interaction_log import Timeline
from foreseen.data.identifiers import UNKNOWN
from foreseen.models.offset_correction import level_shift
from foreseen.models.predictor import Outlining, Predictor, Refreshable, Told, tell
from foreseen.models.uncertainty import Uncertainty
from foreseen.candidates.next_item import Watching
from foreseen.data.schema import HIGH, LOW, MOVIE, PREDICTION, TIMESTAMP, USER
from foreseen.compute.threads import one_thread

_BLOCK: Final = 1 << 18
_NEXT_MOVIES: Final = 10
_NOTHING: Final = History(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))


@dataclass(frozen=True)
class Scores:
    """Answers for B users and C movies; all arrays of shape B x C.

    Attributes:
        rating: Predicted stars.
        low, high: The interval that holds the rating in four cases of five.
        doubt: Standard error, in stars, that more ratings would take away.
        likely: Probability that the movie is among the next ten the user watches.
        welcome: Share of each movie in what the user is to watch and like.
    """

    rating: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    doubt: NDArray[np.float64]
    likely: NDArray[np.float64]
    welcome: NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """Answers to N questions; all arrays of shape N, in stars.

    Attributes:
        rating: Predicted stars, on the scale.
        low, high: The interval that holds the rating in four cases of five.
        liked: Probability of four stars or more.
        half: Half the interval's width before it was cut at the ends of the scale.
        encoded: The features behind them.
    """

    rating: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    liked: NDArray[np.float64]
    half: NDArray[np.float64]
    encoded: Encoded

    @classmethod
    def of(cls, told: Told, uncertainty: Uncertainty, scale: tuple[float, float]) -> "Answers":
        """Return what was told on the scale, and how sure it is."""
        rating = np.clip(told.expected, *scale)
        deviation = told.deviation
        if deviation is None:
            deviation = uncertainty.deviation(told.encoded)
        half = uncertainty.reach * deviation
        low, high = np.clip(rating - half, *scale), np.clip(rating + half, *scale)
        liked = uncertainty.liked(rating, deviation) if told.liked is None else told.liked
        return cls(rating, low, high, liked, half, told.encoded)


@dataclass(frozen=True)
class Model:
    """A fitted model with all the ratings it knows. Nothing in it changes: observing makes anew.

    Attributes:
        name: What it was trained as.
        predictor: The arithmetic and its weights.
        timeline: The ratings and movies it knows.
        uncertainty: How far off it may be.
        watching: What users watch next, and like.
        scale: Lowest and highest rating of the data it learned from.
        seed: What its chance was seeded with.
        report: What training told of itself, for the record.
    """

    name: str
    predictor: Predictor
    timeline: Timeline
    uncertainty: Uncertainty
    watching: Watching
    scale: tuple[float, float]
    seed: int
    report: Mapping[str, float] = field(default_factory=dict[str, float])

    def observe(self, ratings: pl.DataFrame) -> "Model":
        """Return the model with new ratings known; nothing is trained."""
        timeline = self.timeline.with_ratings(ratings)
        with one_thread():
            return replace(self, timeline=timeline, predictor=self.predictor.observed(timeline))

    def refreshed(self, until: int) -> "Model":
        """Return the model with its networks brought up to date by the ratings before a moment.

        A model without such networks returns itself: observing has kept it as fresh as it can be.
        """
        if not isinstance(self.predictor, Refreshable):
            return self
        if until <= self.predictor.learned_until:
            return self
        with one_thread():
            predictor = self.predictor.refreshed(self.timeline, until, self.seed)
        if predictor is self.predictor:
            return self
        learned = int(np.searchsorted(self.timeline.timestamp, until))
        report = {**self.report, "ratings": float(learned), "until": float(until)}
        return replace(self, predictor=predictor, report=report)

    def answer(self, queries: Queries, timeline: Timeline | None = None) -> Answers:
        """Answer N questions, asked of the model's own timeline or of a view of it."""
        with one_thread():
            return self._answer(queries, timeline or self.timeline)

    def _answer(self, queries: Queries, timeline: Timeline) -> Answers:
        if not len(queries):
            nothing = np.empty(0)
            encoded = encode(timeline, queries)
            return Answers(nothing, nothing, nothing, nothing, nothing, encoded)
        told = Told.joined(
            [
                tell(self.predictor, timeline, queries.part(slice(start, start + _BLOCK)))
                for start in range(0, len(queries), _BLOCK)
            ]
        )
        expected = told.expected + level_shift(timeline, queries)
        return Answers.of(replace(told, expected=expected), self.uncertainty, self.scale)

    def predict(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Answer (userId, movieId[, timestamp]) rows, adding prediction, low and high.

        What is known is all ratings up to and including the second of the timestamp, or all
        there are if there is none. A pair that has been rated by then is answered as of just
        before it was rated, so that no rating foretells itself.
        """
        answers = self.answer(self._pair_queries(pairs))
        return pairs.with_columns(
            pl.Series(PREDICTION, answers.rating),
            pl.Series(LOW, answers.low),
            pl.Series(HIGH, answers.high),
        )

    def score(
        self, histories: Sequence[History], candidates: NDArray[np.int64], at: int | None = None
    ) -> Scores:
        """Score C movies for B users by their histories alone.

        Args:
            histories: What each user has rated; an empty one is a newcomer's.
            candidates: Movie ids, of shape C.
            at: The second to answer as of, ratings of that second included; None for the end of
                all that is known.
        """
        view = self.timeline.with_histories(histories)
        ends = [int(h.timestamps.max()) + 1 for h in histories if len(h.timestamps)]
        before = max([self.timeline.end, *ends]) if at is None else at + 1
        shape = (len(histories), len(candidates))
        known = [UNKNOWN if h.user is None else h.user for h in histories]
        queries = Queries(
            np.repeat(np.arange(shape[0], dtype=np.int32), shape[1]),
            np.repeat(self.timeline.users.rows(known), shape[1]),
            np.tile(self.timeline.catalogue.movies.rows(candidates), shape[0]),
            np.full(shape[0] * shape[1], before, dtype=np.int64),
        )
        answers = self.answer(queries, view)
        outlines = self.outlines(view, shape[0], before)
        follows, welcome = self.watching.shares(self.timeline, view, shape[0], before, outlines)
        rows = queries.movie[: shape[1]]
        return Scores(
            rating=answers.rating.reshape(shape),
            low=answers.low.reshape(shape),
            high=answers.high.reshape(shape),
            doubt=self.uncertainty.doubt(answers.encoded).reshape(shape),
            likely=next_movies(follows[:, rows]),
            welcome=welcome[:, rows],
        )

    def outlines(self, view: Timeline, count: int, before: int) -> NDArray[np.float64] | None:
        """Return what the predictor says of all movies at a glance, if it can.

        It is of shape count x C, for the first `count` histories of a view, as of a moment.
        """
        if not isinstance(self.predictor, Outlining):
            return None
        found = np.empty((count, len(self.timeline.catalogue)))
        for row in range(count):
            found[row] = self.predictor.outline(view, row, before)
        return found

    def lift(self, before: int) -> NDArray[np.float64]:
        """Return what the whole model lays on an outline for somebody unknown, of shape C.

        Zero where the predictor has no outline.
        """
        if not isinstance(self.predictor, Outlining):
            return np.zeros(len(self.timeline.catalogue))
        lift = self._lifts.get(before)
        if lift is None:
            movie = np.arange(len(self.timeline.catalogue), dtype=np.int32)
            nobody = np.full(len(movie), UNKNOWN, dtype=np.int32)
            moment = np.full(len(movie), before, dtype=np.int64)
            answers = self.answer(Queries(nobody, nobody, movie, moment))
            empty = self.timeline.with_histories([_NOTHING])
            lift = answers.rating - self.predictor.outline(empty, 0, before)
            self._lifts.clear()
            self._lifts[before] = lift
        return lift

    @cached_property
    def _lifts(self) -> dict[int, NDArray[np.float64]]:
        return {}

    def history(self, user: int, before: int | None = None) -> History:
        """Return what is known of a user, strictly before a moment if one is given."""
        row = int(self.timeline.users.rows([user])[0])
        own = self.timeline.histories
        if row == UNKNOWN:
            rows = slice(0, 0)
        elif before is None:
            rows = slice(int(own.starts[row]), int(own.starts[row + 1]))
        else:
            end = own.ends(np.array([row], np.int32), np.array([before], np.int64))
            rows = slice(int(own.starts[row]), int(end[0]))
        return History(
            self.timeline.catalogue.movies.ids[own.movie[rows]],
            own.rating[rows],
            own.times[rows],
            user,
        )

    def _pair_queries(self, pairs: pl.DataFrame) -> Queries:
        before = np.full(len(pairs), self.timeline.end, dtype=np.int64)
        if TIMESTAMP in pairs.columns:
            before = pairs[TIMESTAMP].to_numpy().astype(np.int64) + 1
        own = pairs.select(USER, MOVIE).join(
            self.timeline.ratings.select(USER, MOVIE, own=pl.col(TIMESTAMP)),
            on=[USER, MOVIE],
            how="left",
            maintain_order="left",
        )["own"]
        rated = own.fill_null(np.iinfo(np.int64).max).to_numpy()
        return self.timeline.queries(pairs, np.minimum(before, rated))


def next_movies(follows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities to be among the next movies watched, from those to be the very next."""
    return 1 - (1 - follows) ** _NEXT_MOVIES
