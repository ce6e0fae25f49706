"""Evaluation protocols: fit on the past, predict later ratings as of their moment.

Each protocol splits the ratings and returns an evaluator, which is called once per model.
Predictions are returned event by event, so that errors can be reported by segment.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.next_item import UNTRAINED, NextItemModel
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import HIGH, LIKED, LOW, PREDICTION, RATING, TIMESTAMP
from foreseen.errors import InputError
from foreseen.evaluation.ranking_metrics import eval_users, ranking_metrics
from foreseen.evaluation.results import (
    AT_CUT,
    FIVE_FOLDS,
    FOLD_IN,
    FROZEN,
    LIVE,
    ONE_DAY_DELAY,
    Result,
    with_predictions,
)
from foreseen.evaluation.segments import with_activity, with_cell
from foreseen.evaluation.splits import (
    TEST_FROM,
    FoldIn,
    cut,
    fold_in,
    leave_last_out,
    random_folds,
    revealed_until,
)
from foreseen.features.examples import DAY
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.models.base import Model
from foreseen.models.installed import model_spec
from foreseen.models.predictions import Predictions
from foreseen.models.predictor import Settings
from foreseen.models.train import train_on

GLOBAL_MEAN: Final = "global mean"
"""The reference without a model: the mean training rating, predicted for every event."""
_FOLDS: Final = 5

Evaluator = Callable[[str, Settings | None, int], list[Result]]
"""Evaluates a model, by name, settings and seed; without settings, the global mean."""


class _TrainingData:
    """The training part of a split; what all models share is computed once."""

    def __init__(self, tables: Tables, ratings: pl.DataFrame) -> None:
        self.ratings = ratings
        self._tables = tables
        self._next_item: dict[int, NextItemModel] = {}

    @cached_property
    def log(self) -> InteractionLog:
        return InteractionLog.of(self.ratings, Catalogue.of(self._tables.movies))

    def fit(self, name: str, settings: Settings, seed: int) -> Model:
        """Fit a model to predict ratings only."""
        return train_on(self.log, name, settings, seed, next_item=UNTRAINED)

    def fit_for_ranking(self, name: str, settings: Settings, seed: int) -> Model:
        """Fit a model with its next-item model.

        Models without out-of-sample predictions have the same next-item model, fitted once.
        """
        if model_spec(name).capabilities.out_of_sample:
            return train_on(self.log, name, settings, seed)
        fitted = train_on(self.log, name, settings, seed, self._next_item.get(seed))
        self._next_item[seed] = fitted.next_item
        return fitted


def stream(tables: Tables) -> Evaluator:
    """Fit on the first 90 % of the ratings; predict the rest in time order.

    Three settings: `LIVE`, all ratings of an earlier second are observed; `ONE_DAY_DELAY`, those
    at least a day older; `FROZEN`, none after the 90 %.

    Raises:
        InputError: If there are too few ratings.
    """
    known, later = cut(tables.ratings, TEST_FROM)
    data = _TrainingData(tables, known)
    second = later[TIMESTAMP].to_numpy()

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        if settings is None:
            names = (LIVE, ONE_DAY_DELAY, FROZEN)
            return [_global_mean_result(known, later, setting) for setting in names]
        fitted = data.fit(name, settings, seed)
        observed = fitted.with_ratings(later)
        return [
            _predict(fitted, observed, later, second, name, LIVE),
            _predict(fitted, observed, later, second - DAY + 1, name, ONE_DAY_DELAY),
            # No later rating is observed, but time-dependent features are as of the event.
            _predict(fitted, fitted, later, second, name, FROZEN),
        ]

    return evaluate


def fold_in_users(tables: Tables) -> Evaluator:
    """Fit on the first 80 %; reveal half of each later user's ratings, predict the other half.

    Raises:
        InputError: If there are too few ratings or no new users.
    """
    split = fold_in(tables.ratings)
    data = _TrainingData(tables, split.known)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        if settings is None:
            return [_global_mean_result(split.known, split.hidden, FOLD_IN)]
        return [evaluate_fold_in(data.fit_for_ranking(name, settings, seed), split, name)]

    return evaluate


def evaluate_fold_in(fitted: Model, split: FoldIn, name: str, ranking: bool = True) -> Result:
    """Return the result of a model on a fold-in split.

    Args:
        fitted: Fitted to the known part of the split.
        split: The split.
        name: Name of the model.
        ranking: Whether to measure rankings of the catalogue too.
    """
    observed = fitted.with_ratings(split.revealed)
    before = revealed_until(split) + 1
    result = _predict(fitted, observed, split.hidden, before, name, FOLD_IN)
    if not ranking:
        return result
    return replace(result, ranking=ranking_metrics(observed, eval_users(observed, split.hidden)))


def calendar_ranking(tables: Tables) -> Evaluator:
    """Fit on the first 90 %; rank for each user with a later liked rating, as of the cut.

    Raises:
        InputError: If there are too few ratings.
    """
    known, later = cut(tables.ratings, TEST_FROM)
    data = _TrainingData(tables, known)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        if settings is None:
            return [_global_mean_result(known, later, AT_CUT)]
        fitted = data.fit_for_ranking(name, settings, seed)
        result = _predict_at_end(fitted, later, name, AT_CUT)
        return [replace(result, ranking=ranking_metrics(fitted, eval_users(fitted, later)))]

    return evaluate


def leave_last(tables: Tables) -> Evaluator:
    """Fit on all but each user's last rating; rank its movie among all that are not yet rated.

    Raises:
        InputError: If no user has two ratings.
    """
    known, last, tied = leave_last_out(tables.ratings)
    setting = f"{tied} of {last.height} tied in time"
    data = _TrainingData(tables, known)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        if settings is None:
            return [_global_mean_result(known, last, setting)]
        fitted = data.fit_for_ranking(name, settings, seed)
        result = _predict_at_end(fitted, last, name, setting)
        users = eval_users(fitted, last, relevant_from=0)
        return [replace(result, ranking=ranking_metrics(fitted, users))]

    return evaluate


def random_split(tables: Tables) -> Evaluator:
    """Five-fold cross-validation with random folds.

    For comparison with published tables only: training ratings may be later than test ratings. A
    model with the capability `transductive` is replaced by that variant.

    Raises:
        InputError: If there are too few ratings.
    """
    if tables.ratings.height < _FOLDS:
        raise InputError(f"{tables.ratings.height} ratings are too few for {_FOLDS} folds")
    ratings = tables.ratings.with_columns(random_folds(tables.ratings, _FOLDS))
    folds: list[tuple[_TrainingData, pl.DataFrame]] = []
    for fold in range(_FOLDS):
        known = ratings.filter(pl.col("fold") != fold).drop("fold")
        held_out = ratings.filter(pl.col("fold") == fold).drop("fold")
        folds.append((_TrainingData(tables, known), held_out))

    def evaluate_fold(
        data: _TrainingData, held_out: pl.DataFrame, name: str, settings: Settings, seed: int
    ) -> Result:
        fit_transductive = model_spec(name).capabilities.transductive
        if fit_transductive is None:
            return _predict_at_end(data.fit(name, settings, seed), held_out, name, FIVE_FOLDS)
        log = data.log
        fitted = fit_transductive(settings, log, seed)
        moments = held_out[TIMESTAMP].to_numpy().astype(np.int64)
        queries = log.queries(held_out, moments)
        predictions = fitted.predict(log, queries)
        known = log.histories.known(queries.history, np.full(len(queries), log.end, np.int64))
        return _result(log, held_out, predictions, known, name, FIVE_FOLDS)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        results = [
            _global_mean_result(data.ratings, held_out, FIVE_FOLDS)
            if settings is None
            else evaluate_fold(data, held_out, name, settings, seed)
            for data, held_out in folds
        ]
        events = pl.concat([result.events for result in results])
        return [Result(name if settings else GLOBAL_MEAN, FIVE_FOLDS, events)]

    return evaluate


PROTOCOLS: Final[Mapping[str, Callable[[Tables], Evaluator]]] = {
    "stream": stream,
    "foldin": fold_in_users,
    "random": random_split,
    "leave-last-out": leave_last,
    "calendar-ranking": calendar_ranking,
}


def _predict_at_end(fitted: Model, events: pl.DataFrame, name: str, setting: str) -> Result:
    before = np.full(events.height, fitted.log.end, dtype=np.int64)
    return _predict(fitted, fitted, events, before, name, setting)


def _predict(
    fitted: Model,
    observed: Model,
    events: pl.DataFrame,
    before: NDArray[np.int64],
    name: str,
    setting: str,
) -> Result:
    queries = observed.log.queries(events, before)
    predictions = observed.predict_queries(queries)
    known = observed.log.histories.known(queries.history, before)
    return _result(fitted.log, events, predictions, known, name, setting)


def _result(
    fitted: InteractionLog,
    events: pl.DataFrame,
    predictions: Predictions,
    known: NDArray[np.int64],
    name: str,
    setting: str,
) -> Result:
    predicted = with_cell(with_predictions(events, predictions), fitted)
    return Result(name, setting, with_activity(predicted.with_columns(pl.Series("known", known))))


def _global_mean_result(known: pl.DataFrame, events: pl.DataFrame, setting: str) -> Result:
    rating = known[RATING].to_numpy()
    mean, liked = float(rating.mean()), float((rating >= LIKED_FROM).mean())
    columns = [pl.lit(mean).alias(column) for column in (PREDICTION, LOW, HIGH)]
    columns.append(pl.lit(liked).alias(LIKED))
    return Result(GLOBAL_MEAN, setting, events.with_columns(columns))
