"""The model contract: what every fitted model offers.

A model is a `Predictor`, which holds the fitted parameters, together with the log of all ratings
it has observed. Everything that is the same for all models is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.installed import sources_named
from foreseen.candidates.next_item import CandidateRatings, NextItemModel, within_next
from foreseen.candidates.source import SequenceScores
from foreseen.compute.cache import LRUCache
from foreseen.compute.threads import one_thread
from foreseen.data.encoding import Encoding
from foreseen.data.identifiers import UNKNOWN
from foreseen.data.schema import HIGH, LOW, MOVIE, PREDICTION, RATING, TIMESTAMP, TITLE, USER
from foreseen.data.tabular import TableLike, checked_pairs, checked_ratings
from foreseen.features.encoder import encode
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import History, Queries
from foreseen.models.group_influence import GroupInfluence
from foreseen.models.offset_correction import offset_correction
from foreseen.models.predictions import Predictions, Scores
from foreseen.models.predictor import (
    FirstStageScorer,
    IncrementallyTrainable,
    Predictor,
    estimate,
)
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.uncertainty import Uncertainty

_BLOCK: Final = 1 << 18


@dataclass(frozen=True)
class Model:
    """A fitted model with the ratings it has observed. It is immutable: observing returns another.

    Attributes:
        name: Name of its specification.
        predictor: The fitted parameters.
        log: The observed ratings, and the movies.
        uncertainty: The error of its predictions.
        next_item: The model of the next movie.
        scale: Lowest and highest rating of the data it was fitted to.
        seed: Random seed it was fitted with.
        report: Figures of the training.
        encoding: The ids and the scale of the ratings that callers see.
        sequence: The sequence model, whose scores are features of `next_item`; None without one.
    """

    name: str
    predictor: Predictor
    log: InteractionLog
    uncertainty: Uncertainty
    next_item: NextItemModel
    scale: tuple[float, float]
    seed: int
    report: Mapping[str, float] = field(default_factory=dict[str, float])
    encoding: Encoding = field(default_factory=Encoding)
    sequence: SequenceModel | None = None
    _second_stage_offsets: LRUCache[int, NDArray[np.float64]] = field(
        default_factory=lambda: LRUCache(1), init=False, repr=False, compare=False
    )

    def __repr__(self) -> str:
        log = self.log
        return (
            f"Model({self.name!r}, ratings={log.ratings.height:,}, users={len(log.users):,}, "
            f"movies={len(log.catalogue):,})"
        )

    @cached_property
    def candidates(self) -> CandidateIndex:
        """The sources of candidates over the log."""
        return CandidateIndex(self.log, sources_named(self.next_item.sources))

    @cached_property
    def first_stage(self) -> FirstStageScorer | None:
        """The predictor if it has a first stage; else None."""
        return self.predictor if isinstance(self.predictor, FirstStageScorer) else None

    @cached_property
    def group_influence(self) -> GroupInfluence:
        """How far a coordinated group of users can have raised predictions."""
        return GroupInfluence(self.log)

    def observe(self, ratings: TableLike) -> "Model":
        """Return the model with further ratings in its log; nothing is trained.

        Args:
            ratings: A table of userId, movieId, rating and timestamp, with the ids and on the
                scale of the data that the model was fitted to. Without timestamps, the ratings
                follow those of the log, in their order, except those that it already has.

        Raises:
            InputError: If it lacks a column, or a row is not valid; the message names it.
        """
        checked, has_timestamps = checked_ratings(ratings, self.encoding.scale, self.log.end)
        encoding = self.encoding.extended([checked])
        new = encoding.encode(checked)
        if not has_timestamps:
            # A second copy of the same rating would otherwise move it to the end of the log.
            pair = [USER, MOVIE, RATING]
            new = new.join(self.log.ratings, on=pair, how="anti", maintain_order="left")
        return replace(self, encoding=encoding).with_ratings(new)

    def with_ratings(self, ratings: pl.DataFrame) -> "Model":
        """Return the model with further ratings in its log, given as canonical ratings."""
        log = self.log.with_ratings(ratings)
        with one_thread():
            return replace(self, log=log, predictor=self.predictor.observed(log))

    def finetuned(self, until: int) -> "Model":
        """Return the model with its networks fine-tuned on the ratings before a moment.

        A model without such networks returns itself: observing is all that it needs.
        """
        predictor, sequence = self.predictor, self.sequence
        with one_thread():
            if isinstance(predictor, IncrementallyTrainable) and until > predictor.trained_until:
                predictor = predictor.finetuned(self.log, until, self.seed)
            if sequence is not None and until > sequence.until:
                sequence = sequence.finetuned(self.log, until, self.seed)
        if predictor is self.predictor and sequence is self.sequence:
            return self
        ratings = int(np.searchsorted(self.log.timestamp, until))
        report = {**self.report, "ratings": float(ratings), "until": float(until)}
        return replace(self, predictor=predictor, sequence=sequence, report=report)

    def predict_queries(self, queries: Queries, view: LogView | None = None) -> Predictions:
        """Return predictions for N queries to the model's log or to a view of it."""
        view = self.log.view if view is None else view
        with one_thread():
            return Predictions.joined(
                [
                    self._predict(queries.part(slice(start, start + _BLOCK)), view)
                    for start in range(0, len(queries), _BLOCK)
                ]
            )

    def _predict(self, queries: Queries, view: LogView) -> Predictions:
        encoded = encode(view, queries)
        mean, deviation, liked = estimate(self.predictor, view, queries, encoded)
        mean = mean + offset_correction(view, queries)
        return Predictions.of(mean, deviation, liked, encoded, self.uncertainty, self.scale)

    def predict(self, pairs: TableLike) -> pl.DataFrame:
        """Return (userId, movieId[, timestamp]) rows with prediction, low and high added.

        A prediction uses the ratings up to and including the second of the timestamp, or all
        ratings without one. A pair rated by then is predicted as of just before it was rated, so
        that no rating is used to predict itself.

        Raises:
            InputError: If the pairs lack a column, or a row is not valid; or if the data have no
                ratings to predict.
        """
        self.encoding.scale.check_has_ratings("rank by likely")
        given, checked = checked_pairs(pairs)
        predictions = self.predict_queries(self._pair_queries(self.encoding.encode(checked)))
        scale = self.encoding.scale
        return given.with_columns(
            pl.Series(PREDICTION, scale.from_stars(predictions.mean)),
            pl.Series(LOW, scale.from_stars(predictions.low)),
            pl.Series(HIGH, scale.from_stars(predictions.high)),
        )

    @cached_property
    def titles(self) -> list[str]:
        """Titles of the movies in the order of the catalogue; without one, the id of the source."""
        table = self.log.catalogue.table
        ids = self.encoding.movies.decode(table[MOVIE])
        return table.select(pl.col(TITLE).fill_null(pl.format("movie {}", ids)))[TITLE].to_list()

    def score(
        self,
        histories: Sequence[History],
        candidates: NDArray[np.int64],
        at: int | None = None,
        moments: Sequence[int] | None = None,
    ) -> Scores:
        """Return scores of C movies for B users, from their histories alone.

        Args:
            histories: The ratings of each user; empty for a new user.
            candidates: Movie ids, of shape C.
            at: The second to score as of, ratings of that second included; None for the end of
                the log and of the histories.
            moments: The second at which each user rates next, of shape B, for `likely` and
                `p_next_liked`; None if that is not known.
        """
        view = self.log.view_of(histories)
        ends = [int(h.timestamps.max()) + 1 for h in histories if len(h.timestamps)]
        before = max([self.log.end, *ends]) if at is None else at + 1
        count = len(histories)
        users = self.log.users.rows([UNKNOWN if h.user is None else h.user for h in histories])
        movies = self.log.catalogue.movies.rows(candidates)
        queries = Queries.grid(count, movies, before, users)
        with one_thread():
            predictions = self.predict_queries(queries, view)
            sequence = self.sequence_scores(view, histories, before, moments)
            p_next, p_next_liked = self.next_item.probabilities(
                self.candidates, view, count, before, self.candidate_ratings(view, before), sequence
            )
        return Scores(
            predictions.reshaped((count, len(candidates))),
            np.tile(self.group_influence.before(before)[movies], (count, 1)),
            likely=within_next(p_next[:, movies]),
            p_next_liked=p_next_liked[:, movies],
        )

    def sequence_scores(
        self,
        view: LogView,
        histories: Sequence[History],
        before: int,
        moments: Sequence[int] | None = None,
    ) -> list[SequenceScores] | None:
        """Return the scores of B histories by the sequence model; None without one.

        Args:
            view: The view of the log that holds the histories, in their order.
            histories: B histories.
            before: Only ratings strictly older count.
            moments: The second at which each user rates next, of shape B, if known.
        """
        if self.sequence is None:
            return None
        rows = np.arange(len(histories), dtype=np.int32)
        users = np.array([UNKNOWN if h.user is None else h.user for h in histories])
        times = np.full(len(histories), before, dtype=np.int64)
        following = None if moments is None else np.array(moments, dtype=np.int64)
        with one_thread():
            return self.sequence.scores(view, rows, users, times, following)

    def candidate_ratings(self, view: LogView, before: int) -> CandidateRatings | None:
        """Return what predicts ratings for the next-item model; None if it was fitted without.

        Args:
            view: The view that holds the histories.
            before: Only ratings strictly older count.
        """
        scorer = self.first_stage
        if scorer is None:
            return None
        return lambda row, movies: scorer.factor_ratings(view, row, before, movies)

    def first_stage_scores(
        self, view: LogView, count: int, before: int
    ) -> NDArray[np.float64] | None:
        """Return approximate ratings of all movies, of shape B x C; None if the model has none.

        Args:
            view: The view.
            count: B, the number of its histories, from the first.
            before: Only ratings strictly older count.
        """
        if self.first_stage is None:
            return None
        scores = np.empty((count, len(self.log.catalogue)))
        for row in range(count):  # one by one: rounding does not depend on the other histories
            rows = np.array([row], dtype=np.int32)
            scores[row] = self.first_stage.first_stage_scores(view, rows, before)[0]
        return scores

    def second_stage_offset(self, before: int) -> NDArray[np.float64]:
        """Return the predictions for a new user less their first-stage scores, of shape C.

        Zero where the model has no first stage.
        """
        scorer = self.first_stage
        if scorer is None:
            return np.zeros(len(self.log.catalogue))

        def compute() -> NDArray[np.float64]:
            movies = np.arange(len(self.log.catalogue), dtype=np.int32)
            view = self.log.view_of([History.empty()])
            unknown = np.full(len(movies), UNKNOWN, dtype=np.int32)
            moment = np.full(len(movies), before, dtype=np.int64)
            predictions = self.predict_queries(Queries(unknown, unknown, movies, moment))
            first_stage = scorer.first_stage_scores(view, np.zeros(1, np.int32), before)
            return predictions.mean - first_stage[0]

        return self._second_stage_offsets.get_or_compute(before, compute)

    def history(self, user: int, before: int | None = None) -> History:
        """Return the ratings of a user in the log, strictly before a moment if one is given."""
        row = int(self.log.users.rows([user])[0])
        histories = self.log.histories
        if row == UNKNOWN:
            rows = slice(0, 0)
        elif before is None:
            rows = slice(int(histories.starts[row]), int(histories.starts[row + 1]))
        else:
            end = histories.ends(np.array([row], np.int32), np.array([before], np.int64))
            rows = slice(int(histories.starts[row]), int(end[0]))
        return History(
            self.log.catalogue.movies.ids[histories.movie[rows]],
            histories.rating[rows],
            histories.times[rows],
            user,
        )

    def _pair_queries(self, pairs: pl.DataFrame) -> Queries:
        before = np.full(len(pairs), self.log.end, dtype=np.int64)
        if TIMESTAMP in pairs.columns:
            before = pairs[TIMESTAMP].to_numpy().astype(np.int64) + 1
        rated = pairs.select(USER, MOVIE).join(
            self.log.ratings.select(USER, MOVIE, rated=pl.col(TIMESTAMP)),
            on=[USER, MOVIE],
            how="left",
            maintain_order="left",
        )["rated"]
        moment = rated.fill_null(np.iinfo(np.int64).max).to_numpy()
        return self.log.queries(pairs, np.minimum(before, moment))
