"""Rankings of many users at once, the same as those of each user alone.

The first stage scores all movies for a block of users together; the full model then predicts, in
one call, the movies that may enter any of their rankings. The rule for the movies to predict is
that of one user, see `foreseen.ranking.two_stage`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.batch import BatchCandidates
from foreseen.candidates.co_occurrence import CoOccurrence, counts_cache
from foreseen.candidates.generator import Candidates
from foreseen.candidates.next_item import within_next
from foreseen.candidates.source import SequenceScores
from foreseen.compute.jit import compiled
from foreseen.data.schema import HIGH, LOW, MOVIE, PREDICTION, USER
from foreseen.features.queries import Queries
from foreseen.models.base import Model
from foreseen.models.predictions import Predictions
from foreseen.ranking.rank import diversify, rank
from foreseen.ranking.request import RankingRequest
from foreseen.ranking.two_stage import Selection, select_by_rating

_CACHED: Final = 25_000_000
"""Movies in all cached counts: more than for single histories, since all movies occur in turn."""
_Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Users:
    """A block of B users.

    Attributes:
        rows: Rows of the users' id map, which are those of their histories too.
        known: Number of their ratings before the moment.
        watched: Rows of the movies of each user.
        first_stage: Approximate ratings of all movies, of shape B x C, for rankings by rating; None
            without a first stage.
        sequence: Scores by the sequence model, for other rankings; None without one.
    """

    rows: NDArray[np.int32]
    known: NDArray[np.int64]
    watched: Sequence[NDArray[np.int32]]
    first_stage: NDArray[np.float32] | None
    sequence: Sequence[SequenceScores] | None


class _Predicted:
    """The movies of a block of users that have been predicted, of a catalogue of C movies."""

    def __init__(self, movies: int) -> None:
        self._movies = movies
        self._keys: list[NDArray[np.intp]] = []
        self._parts: list[Predictions] = []

    def add(self, users: NDArray[np.intp], rows: NDArray[np.intp], found: Predictions) -> None:
        """Add predictions of movies that had not been predicted for their users."""
        self._keys.append(users * self._movies + rows)
        self._parts.append(found)

    def of(self, users: NDArray[np.intp], rows: NDArray[np.intp]) -> Predictions:
        """Return the predictions of some of the movies."""
        every = np.concatenate(self._keys)
        order = np.argsort(every)
        keys = users * self._movies + rows
        return Predictions.joined(self._parts).part(
            order[np.searchsorted(every, keys, sorter=order)]
        )


def _select_from_all(excluded: NDArray[np.bool_], k: int) -> Selection:
    """Yield all movies to predict; return the k best of those that are not excluded."""
    score = yield np.arange(len(excluded))
    rows = rank(score, excluded, k)
    return rows, score[rows]


@compiled
def _approximate(
    first_stage: NDArray[np.float32],
    offset: NDArray[np.float64],
    error: NDArray[np.float64],
    of_views: NDArray[np.intp],
    influence: NDArray[np.float64],
    excluded: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return approximate scores of C movies by rating, minus infinity for excluded ones.

    `error` is the standard error for each of the numbers of ratings, which `of_views` refers to;
    the others have one value per movie.
    """
    scores = np.empty(len(first_stage))
    for movie in range(len(scores)):
        penalty = error[of_views[movie]] + influence[movie]
        score = first_stage[movie] + offset[movie] - penalty
        scores[movie] = -np.inf if excluded[movie] else score
    return scores


class BatchRanker:
    """Ranks blocks of users of the log of a model by one request."""

    def __init__(self, model: Model, request: RankingRequest) -> None:
        """Compute what all users share."""
        log = model.log
        self._model, self._request = model, request
        self._before = before = log.end if request.at is None else request.at + 1
        self._excluded = ~request.matching(log.catalogue)
        self._influence = model.group_influence.before(before)
        # Few numbers of ratings differ among the movies of a large catalogue.
        self._views, self._of_views = np.unique(log.views(before), return_inverse=True)
        self._offset = model.second_stage_offset(before)

    def rank(self, users: NDArray[np.int64]) -> pl.DataFrame:
        """Return the rankings of B users of the log.

        Returns:
            Columns userId, rank (from 1), movieId, prediction, low, high; and likely, unless the
            rankings are by rating: it takes longer than such a ranking. Ids are codes, and ratings
            on the scale of the source.
        """
        model, request, block = self._model, self._request, self._read(users)
        likely: list[_Values] = []
        found: _Predicted | None = None
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
        if found is None:
            predictions = self._predict(block, range(len(users)), chosen)
        else:
            predictions = found.of(_repeated(range(len(users)), chosen), np.concatenate(chosen))
        scale = model.encoding.scale
        sizes = [len(rows) for rows in chosen]
        movies = np.concatenate(chosen)
        table = pl.DataFrame(
            {
                USER: np.repeat(users, sizes),
                "rank": np.concatenate([np.arange(1, size + 1) for size in sizes]),
                MOVIE: model.log.catalogue.movies.ids[movies],
                PREDICTION: scale.from_stars(predictions.mean),
                LOW: scale.from_stars(predictions.low),
                HIGH: scale.from_stars(predictions.high),
            }
        )
        if not likely:
            return table
        of_ranked = [values[rows] for values, rows in zip(likely, chosen, strict=True)]
        return table.with_columns(pl.Series("likely", np.concatenate(of_ranked)))

    def _read(self, users: NDArray[np.int64]) -> _Users:
        """Return what the scores of B users are computed from."""
        model, before = self._model, self._before
        histories = model.log.histories
        rows = model.log.users.rows(users)
        moments = np.full(len(rows), before, dtype=np.int64)
        starts, ends = histories.starts[rows], histories.ends(rows, moments)
        watched = [histories.movie[start:end] for start, end in zip(starts, ends, strict=True)]
        sequence = None
        first_stage = None
        if self._request.by == "rating":
            if model.first_stage is not None:
                first_stage = model.first_stage.first_stage_scores(model.log.view, rows, before)
        elif model.sequence is not None:
            sequence = model.sequence.scores(model.log.view, rows, users, moments)
        return _Users(rows, ends - starts, watched, first_stage, sequence)

    def _excluded_for(self, block: _Users, user: int) -> NDArray[np.bool_]:
        excluded = self._excluded.copy()
        excluded[block.watched[user]] = True
        return excluded

    def _by_rating(self, block: _Users) -> tuple[list[NDArray[np.intp]], list[_Values], _Predicted]:
        """Return the movies offered to each user, best first, their scores, and predictions."""
        users = range(len(block.rows))
        error = [
            self._model.uncertainty.standard_error_of(int(known), self._views)
            for known in block.known
        ]
        found = _Predicted(len(self._excluded))
        offered = [np.empty(0, dtype=np.intp) for _ in users]
        scores = [np.empty(0) for _ in users]
        selections = [self._selection(block, user, error[user]) for user in users]
        wanted = {user: next(selections[user]) for user in users}
        while wanted:
            movies = list(wanted.values())
            predictions = self._predict(block, list(wanted), movies)
            found.add(_repeated(list(wanted), movies), np.concatenate(movies), predictions)
            ends = np.cumsum([len(rows) for rows in movies])
            further: dict[int, NDArray[np.intp]] = {}
            for (user, rows), end in zip(wanted.items(), ends, strict=True):
                mean = predictions.mean[int(end) - len(rows) : int(end)]
                penalty = error[user][self._of_views[rows]] + self._influence[rows]
                try:
                    further[user] = selections[user].send(mean - penalty)
                except StopIteration as done:
                    offered[user], scores[user] = done.value
            wanted = further
        return offered, scores, found

    def _selection(self, block: _Users, user: int, error: _Values) -> Selection:
        """Return the selection of a user's movies; without a first stage, from all movies.

        `error` is the standard error for each number of ratings of a movie.
        """
        excluded, k = self._excluded_for(block, user), self._request.offered
        if block.first_stage is None:
            return _select_from_all(excluded, k)
        scores = _approximate(
            block.first_stage[user], self._offset, error, self._of_views, self._influence, excluded
        )
        films = self._model.log.catalogue.of_same_franchises(block.watched[user])
        return select_by_rating(scores, films, k)

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

    @cached_property
    def _candidates(self) -> BatchCandidates:
        """The candidates of rankings that are not by rating."""
        log = self._model.log
        co_occurrence = CoOccurrence(log, counts_cache(_CACHED))
        return BatchCandidates(self._model.candidates, self._before, co_occurrence)

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


def _repeated(users: Sequence[int], movies: Sequence[NDArray[np.intp]]) -> NDArray[np.intp]:
    """Return the user of each movie, given the movies of each user."""
    return np.repeat(np.array(users, dtype=np.intp), [len(rows) for rows in movies])
