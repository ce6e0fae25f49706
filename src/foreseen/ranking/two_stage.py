"""Scoring for one user in two stages: fast scores of all movies, full scores of the best.

The first stage scores every movie by the factor models, plus the second-stage offset of a new
user. The full model then predicts only the movies that may enter the ranking. A movie is left out
only if its first-stage score plus a bound on the corrections seen so far cannot reach the ranking;
otherwise more movies are predicted. Movies of a franchise that the user has rated have larger
corrections, so all of them are predicted.
"""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.next_item import within_next
from foreseen.data.identifiers import UNKNOWN
from foreseen.features.interaction_log import UserContext
from foreseen.features.queries import History, Queries
from foreseen.models.base import Model
from foreseen.models.predictions import Predictions, Scores
from foreseen.ranking.rank import CRITERIA, By, leaders, rank

_FIRST: Final = 128
_FIRST_PER_RANKED: Final = 10
"""Movies predicted first per movie of the ranking, where that is more."""
_GROWTH: Final = 2
_BLOCK: Final = 64
"""Movies are predicted in multiples of this number, because PyTorch compiles and caches a kernel
for each new batch size."""
_MARGIN: Final = 1.3
"""Bound on a correction, relative to the largest one seen, both measured from their mean."""

_NO_ROWS: Final = np.empty(0, dtype=np.intp)
_NO_SCORES: Final = np.empty(0)
T = TypeVar("T")
Selection = Generator[
    NDArray[np.intp], NDArray[np.float64], tuple[NDArray[np.intp], NDArray[np.float64]]
]
"""Yields rows of movies to predict, is sent their scores, returns the best rows and scores."""


class TwoStageScorer:
    """The scores of one user as of a moment; movies are predicted when a ranking needs them."""

    def __init__(
        self,
        model: Model,
        history: History,
        before: int,
        exact: bool = False,
        pool: Executor | None = None,
    ) -> None:
        """Score all movies by the first stage.

        Args:
            model: The model.
            history: The user's ratings.
            before: Only ratings strictly older count.
            exact: Whether to predict all movies at once, without the approximation by the first
                stage.
            pool: A pool to compute the probabilities of the next movie in, beside the predicted
                ratings, in a process kept to one thread; None to compute them first.
        """
        self._model = model
        self._lock = threading.Lock()
        log = model.log
        size = len(log.catalogue)
        view = log.view_of([history])
        self.context: Final = UserContext(view, 0, before, history)
        sequence = _started(pool, lambda: model.sequence_scores(view, [history], before))
        first_stage = model.first_stage_scores(view, 1, before)
        ratings = model.candidate_ratings(view, before)
        # Started once the sequence scores are there: a task that waits for another could block
        # a pool.
        scores = sequence()
        self._probabilities: Final = _started(
            pool,
            lambda: model.next_item.probabilities(
                model.candidates, view, 1, before, ratings, scores
            ),
        )
        known = int((history.timestamps < before).sum())
        offset = model.second_stage_offset(before)
        self._first_stage = offset if first_stage is None else first_stage[0] + offset
        self._predicted = np.zeros(size, dtype=np.bool_)
        self._films = log.catalogue.of_same_franchises(view.histories.movie)
        error = model.uncertainty.standard_error_of(known, log.views(before))
        empty = [np.full((1, size), np.nan) for _ in range(5)]
        self._predictions: Final = Predictions(*empty, standard_error=error[None, :])
        self._group_influence: Final = model.group_influence.before(before)[None, :]
        if exact or model.first_stage is None:
            self._predict(np.arange(size))

    def __len__(self) -> int:
        """Return the number of movies that are scored."""
        return len(self._predicted)

    @cached_property
    def scores(self) -> Scores:
        """Scores of shape 1 x C; predicted ratings are NaN where they are not needed yet."""
        p_next, p_next_liked = self._probabilities()
        return Scores(
            self._predictions,
            self._group_influence,
            likely=within_next(p_next[:, :-1]),
            p_next_liked=p_next_liked[:, :-1],
        )

    def predict(self, rows: NDArray[np.integer]) -> Predictions:
        """Return the predictions of K movies, as of the moment of the scores.

        Args:
            rows: Rows of the catalogue, of shape K.
        """
        with self._lock:
            self._predict(np.unique(rows).astype(np.intp))
            return Predictions(*(values[0, rows] for values in vars(self._predictions).values()))

    def best(self, by: By, excluded: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
        """Return the rows of the k best movies, best first; their scores are complete.

        Args:
            by: The criterion.
            excluded: Movies to leave out, of shape C.
            k: How many.
        """
        with self._lock:
            if by != "rating":
                rows = rank(CRITERIA[by](self.scores)[0], excluded, k)
                self._predict(rows)
                return rows
            return self._best_by_rating(excluded, k)

    def _best_by_rating(self, excluded: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
        margin = self._predictions.standard_error[0] + self._group_influence[0]
        mean = self._predictions.mean[0]
        known = np.flatnonzero(self._predicted & ~excluded)
        first_stage = np.where(excluded, -np.inf, self._first_stage - margin)
        score = mean[known] - margin[known]
        selection = select_by_rating(first_stage, self._films, k, known, score)
        try:
            rows = next(selection)
            while True:
                self._predict(rows)
                rows = selection.send(mean[rows] - margin[rows])
        except StopIteration as done:
            return done.value[0]

    def _predict(self, rows: NDArray[np.intp]) -> None:
        """Predict the movies that are not predicted yet."""
        rows = np.sort(rows[~self._predicted[rows]])
        if not len(rows):
            return
        context, user = self.context, self.context.history.user
        users = self._model.log.users.rows([UNKNOWN if user is None else user])
        queries = Queries.grid(1, rows.astype(np.int32), context.before, users)
        found = self._model.predict_queries(queries, context.view)
        for name in ("mean", "low", "high", "deviation", "liked"):
            getattr(self._predictions, name)[0, rows] = getattr(found, name)
        self._predicted[rows] = True


def _started(pool: Executor | None, function: Callable[[], T]) -> Callable[[], T]:
    """Call a function in a pool, or at once without one; return what returns its result."""
    if pool is not None:
        return pool.submit(function).result
    result = function()
    return lambda: result


def select_by_rating(
    first_stage: NDArray[np.float64],
    films: NDArray[np.intp],
    k: int,
    known: NDArray[np.intp] = _NO_ROWS,
    score: NDArray[np.float64] = _NO_SCORES,
) -> Selection:
    """Yield movies to predict until the k best are certain; return them, best first, with scores.

    Each time the scores of the movies are sent, in their order.

    Args:
        first_stage: Approximate scores, of shape C; minus infinity for movies to leave out.
        films: Rows of the movies whose corrections do not bound those of others.
        k: How many.
        known: Rows of N movies, none of those to leave out, whose scores are known already.
        score: Their scores, of shape N.
    """
    left = first_stage.copy()
    left[known] = -np.inf
    is_film = np.isin(known, films)
    films = films[left[films] > -np.inf]
    left[films] = -np.inf
    order = _DescendingOrder(left)
    most = count = max(_FIRST, _FIRST_PER_RANKED * k)
    predicted = 0
    while True:
        # In one call: each call folds in the whole history again.
        total = -(-(len(films) + count) // _BLOCK) * _BLOCK
        best_left = order.rows(predicted, predicted + total - len(films))
        predicted += len(best_left)
        rows = np.concatenate([films, best_left])
        sent = yield rows
        known, score = np.concatenate([known, rows]), np.concatenate([score, sent])
        is_film = np.concatenate([is_film, np.arange(len(rows)) < len(films)])
        in_order = np.argsort(known)
        known, score, is_film = known[in_order], score[in_order], is_film[in_order]
        best = np.argsort(-score, kind="stable")[:k]
        bound = -np.inf
        if len(best) == k and not is_film.all():
            corrections = score[~is_film] - first_stage[known[~is_film]]
            bound = float(score[best[-1]]) - _correction_bound(corrections)
        count = order.count(bound) - predicted
        if count <= 0:
            return known[best], score[best]
        most *= _GROWTH
        count = min(most, count)
        films = _NO_ROWS


class _DescendingOrder:
    """The rows of a long array by descending value, sorted as far as they are read."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        """Read the rows of values above minus infinity; of equal values the earlier is first."""
        self._values = values
        self._sorted = _NO_ROWS

    def rows(self, start: int, stop: int) -> NDArray[np.intp]:
        """Return a part of the order; fewer rows at its end."""
        if stop > len(self._sorted):
            found = leaders(self._values, _GROWTH * stop)
            self._sorted = found[self._values[found] > -np.inf]
        return self._sorted[start:stop]

    def count(self, bound: float) -> int:
        """Return the number of values above a bound."""
        return int(np.count_nonzero(self._values > bound))


def _correction_bound(corrections: NDArray[np.float64]) -> float:
    """Return the largest correction to expect of a movie that is not predicted yet."""
    mean = float(corrections.mean())
    return mean + _MARGIN * (float(corrections.max()) - mean)
