"""Rankings of many users at once, the same as those of each user alone.

The first stage scores all movies for a block of users together; the full model then predicts, in
one call, the movies that may enter any of their rankings. The rule for the movies to predict is
that of one user, see `foreseen.ranking.two_stage`.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.batch import BatchCandidates
from foreseen.candidates.co_occurrence import CoOccurrence, counts_cache
from foreseen.candidates.generator import Candidates
from foreseen.candidates.next_item import within_next
from foreseen.candidates.source import SequenceScores
from foreseen.data.schema import HIGH, LOW, MOVIE, PREDICTION, USER
from foreseen.features.queries import Queries
from foreseen.models.base import Model
from foreseen.models.predictions import Predictions
from foreseen.ranking.rank import diversify, rank
from foreseen.ranking.request import RankingRequest
from foreseen.ranking.two_stage import select_by_rating

_CACHED: Final = 25_000_000
"""Movies in all cached counts: more than for single histories, since all movies occur in turn."""
_Values = NDArray[np.float64]
_Selection = Generator[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]


@dataclass(frozen=True)
class _Users:
    """A block of B users.

    Attributes:
        rows: Rows of the users' id map, which are those of their histories too.
        known: Number of their ratings before the moment.
        watched: Rows of the movies of each user.
        first_stage: Approximate ratings of all movies, of shape B x C; None without a first stage.
        sequence: Scores by the sequence model; None without one.
    """

    rows: NDArray[np.int32]
    known: NDArray[np.int64]
    watched: Sequence[NDArray[np.int32]]
    first_stage: NDArray[np.float32] | None
    sequence: Sequence[SequenceScores] | None


class _Predicted:
    """The movies of a user that have been predicted."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.intp]] = []
        self._parts: list[Predictions] = []

    def add(self, rows: NDArray[np.intp], predictions: Predictions) -> None:
        """Add movies that had not been predicted."""
        self._rows.append(rows)
        self._parts.append(predictions)

    def of(self, rows: NDArray[np.intp]) -> Predictions:
        """Return the predictions of some of the movies."""
        every = np.concatenate(self._rows)
        order = np.argsort(every)
        place = order[np.searchsorted(every, rows, sorter=order)]
        return Predictions.joined(self._parts).part(place)


def _select_from_all(excluded: NDArray[np.bool_], k: int) -> _Selection:
    """Yield all movies to predict; return the k best of those that are not excluded."""
    score = yield np.arange(len(excluded))
    return rank(score, excluded, k)


class BatchRanker:
    """Ranks blocks of users of the log of a model by one request."""

    def __init__(self, model: Model, request: RankingRequest) -> None:
        """Compute what all users share."""
        log = model.log
        self._model, self._request = model, request
        self._before = before = log.end if request.at is None else request.at + 1
        self._excluded = ~request.matching(log.catalogue)
        self._candidates = BatchCandidates(
            model.candidates, before, CoOccurrence(log, counts_cache(_CACHED))
        )
        self._influence = model.group_influence.before(before)
        # Few numbers of ratings differ among the movies of a large catalogue.
        self._views, self._of_views = np.unique(log.views(before), return_inverse=True)
        self._offset = model.second_stage_offset(before)

    def rank(self, users: NDArray[np.int64]) -> pl.DataFrame:
        """Return the rankings of B users of the log.

        Returns:
            Columns userId, rank (from 1), movieId, prediction, low, high, likely; with ids as
            codes, and ratings on the scale of the source.
        """
        model, request, block = self._model, self._request, self._read(users)
        likely: list[_Values] = []
        found: list[_Predicted] = []
        if request.by == "rating":
            offered, scores, found = self._by_rating(block)
        else:
            likely, p_next_liked = self._probabilities(block)
            criterion = likely if request.by == "likely" else p_next_liked
            offered = [
                rank(values, self._excluded_for(block, user), request.offered)
                for user, values in enumerate(criterion)
            ]
            scores = [values[rows] for values, rows in zip(criterion, offered, strict=True)]
        vectors = model.log.catalogue.genre_weights
        chosen = [
            rows[
                diversify(score, np.arange(len(rows)), vectors[rows], request.k, request.diversity)
            ]
            for rows, score in zip(offered, scores, strict=True)
        ]
        predictions = (
            Predictions.joined([of.of(rows) for of, rows in zip(found, chosen, strict=True)])
            if found
            else self._predict(block, range(len(users)), chosen)
        )
        scale = model.encoding.scale
        sizes = [len(rows) for rows in chosen]
        movies = np.concatenate(chosen)
        return pl.DataFrame(
            {
                USER: np.repeat(users, sizes),
                "rank": np.concatenate([np.arange(1, size + 1) for size in sizes]),
                MOVIE: model.log.catalogue.movies.ids[movies],
                PREDICTION: scale.from_stars(predictions.mean),
                LOW: scale.from_stars(predictions.low),
                HIGH: scale.from_stars(predictions.high),
                "likely": (
                    np.concatenate([p[rows] for p, rows in zip(likely, chosen, strict=True)])
                    if likely
                    else self._likely(block, chosen)
                ),
            }
        )

    def _read(self, users: NDArray[np.int64]) -> _Users:
        """Return what the scores of B users are computed from."""
        model, before = self._model, self._before
        histories = model.log.histories
        rows = model.log.users.rows(users)
        moments = np.full(len(rows), before, dtype=np.int64)
        starts, ends = histories.starts[rows], histories.ends(rows, moments)
        watched = [histories.movie[start:end] for start, end in zip(starts, ends, strict=True)]
        sequence = None
        if model.sequence is not None:
            sequence = model.sequence.scores(model.log.view, rows, users, moments)
        first_stage = None
        if model.first_stage is not None:
            first_stage = model.first_stage.first_stage_scores(model.log.view, rows, before)
        return _Users(rows, ends - starts, watched, first_stage, sequence)

    def _excluded_for(self, block: _Users, user: int) -> NDArray[np.bool_]:
        excluded = self._excluded.copy()
        excluded[block.watched[user]] = True
        return excluded

    def _by_rating(
        self, block: _Users
    ) -> tuple[list[NDArray[np.intp]], list[_Values], list[_Predicted]]:
        """Return the movies offered to each user, best first, their scores, and predictions."""
        users = range(len(block.rows))
        excluded = [self._excluded_for(block, user) for user in users]
        penalty = [self._penalty(int(known)) for known in block.known]
        found = [_Predicted() for _ in users]
        offered = [np.empty(0, dtype=np.intp) for _ in users]
        selections = [self._selection(block, user, penalty[user], excluded[user]) for user in users]
        wanted = {user: next(selections[user]) for user in users}
        while wanted:
            predictions = self._predict(block, list(wanted), list(wanted.values()))
            ends = np.cumsum([len(rows) for rows in wanted.values()])
            further: dict[int, NDArray[np.intp]] = {}
            for (user, rows), end in zip(wanted.items(), ends, strict=True):
                part = predictions.part(slice(int(end) - len(rows), int(end)))
                found[user].add(rows, part)
                try:
                    further[user] = selections[user].send(part.mean - penalty[user][rows])
                except StopIteration as done:
                    offered[user] = done.value
            wanted = further
        scores = [
            found[user].of(rows).mean - penalty[user][rows] for user, rows in enumerate(offered)
        ]
        return offered, scores, found

    def _selection(
        self, block: _Users, user: int, penalty: _Values, excluded: NDArray[np.bool_]
    ) -> _Selection:
        """Return the selection of a user's movies; without a first stage, from all movies."""
        unknown, k = np.full(len(excluded), np.nan), self._request.offered
        if block.first_stage is None:
            return _select_from_all(excluded, k)
        return select_by_rating(
            block.first_stage[user] + self._offset - penalty, unknown, excluded,
            self._of_rated_franchise(block.watched[user]), k,
        )  # fmt: skip

    def _penalty(self, known: int) -> NDArray[np.float64]:
        """Return what a ranking by rating subtracts from the predictions, of shape C."""
        error = self._model.uncertainty.standard_error_of(known, self._views)
        return error[self._of_views] + self._influence

    def _of_rated_franchise(self, watched: NDArray[np.int32]) -> NDArray[np.bool_]:
        franchises = self._model.log.catalogue.franchises
        rated = np.zeros(len(franchises), dtype=np.bool_)
        rated[franchises[watched]] = True
        return rated[franchises[:-1]]

    def _predict(
        self, block: _Users, users: Sequence[int], movies: Sequence[NDArray[np.intp]]
    ) -> Predictions:
        """Predict movies for each of some users of a block, user by user."""
        row = np.repeat(block.rows[list(users)], [len(rows) for rows in movies])
        moment = np.full(len(row), self._before, dtype=np.int64)
        queries = Queries(row, row, np.concatenate(movies).astype(np.int32), moment)
        return self._model.predict_queries(queries)

    def _probabilities(self, block: _Users) -> tuple[list[_Values], list[_Values]]:
        """Return each user's probabilities to be among the next ten, and the next that is liked."""
        model = self._model.next_item
        found = self._candidates_of(block)
        likely = [within_next(model.next.probabilities(candidates)) for candidates in found]
        return likely, [model.liked.probabilities(candidates) for candidates in found]

    def _likely(self, block: _Users, movies: Sequence[NDArray[np.intp]]) -> _Values:
        """Return the probabilities of some movies of each user to be among the next ten."""
        model = self._model.next_item
        found = zip(self._candidates_of(block), movies, strict=True)
        p_next = [model.next.probabilities_of(candidates, rows) for candidates, rows in found]
        return within_next(np.concatenate(p_next))

    def _candidates_of(self, block: _Users) -> list[Candidates]:
        view = self._model.log.view
        found = self._candidates.find(view, block.rows, block.sequence)
        rating = self._model.candidate_ratings(view, self._before)
        if rating is None:
            return found
        return [
            c.with_ratings(rating(int(row), c.movies))
            for row, c in zip(block.rows, found, strict=True)
        ]
