"""What the protocols share: fitting to the training part of a split, and predicting events."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.next_item import UNTRAINED, NextItemModel
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import HIGH, LIKED, LOW, PREDICTION, RATING
from foreseen.evaluation.popularity import popularity_scorer
from foreseen.evaluation.ranking_metrics import ranking_metrics
from foreseen.evaluation.rankings import EvalUser, Scorer, rank_catalogue
from foreseen.evaluation.results import Result, with_predictions
from foreseen.evaluation.segments import with_activity, with_cell
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.models.base import Model
from foreseen.models.installed import model_spec
from foreseen.models.predictions import Predictions
from foreseen.models.predictor import Settings
from foreseen.models.train import train_on

GLOBAL_MEAN: Final = "global mean"
"""The reference without a model: the mean training rating, predicted for every event; lists are by
`foreseen.evaluation.popularity`."""

Evaluator = Callable[[str, Settings | None, int], list[Result]]
"""Evaluates a model, by name, settings and seed; without settings, the reference."""


class TrainingData:
    """The training part of a split; what all models share is computed once."""

    def __init__(self, tables: Tables, ratings: pl.DataFrame) -> None:
        self.ratings = ratings
        self._tables = tables
        self._next_item: dict[int, NextItemModel] = {}

    @cached_property
    def log(self) -> InteractionLog:
        """The training ratings as a log, in the order that the tables have."""
        catalogue = Catalogue.of(self._tables.movies)
        return InteractionLog.of(self.ratings, catalogue, self._tables.in_file_order)

    def fit(self, name: str, settings: Settings, seed: int) -> Model:
        """Fit a model to predict ratings only."""
        return train_on(self.log, name, settings, seed, next_item=UNTRAINED)

    def fit_for_ranking(self, name: str, settings: Settings, seed: int) -> Model:
        """Fit a model with its next-item model.

        Models without out-of-sample predictions and sequence model have the same next-item model,
        fitted once.
        """
        capabilities = model_spec(name).capabilities
        if capabilities.out_of_sample or capabilities.sequence:
            return train_on(self.log, name, settings, seed)
        fitted = train_on(self.log, name, settings, seed, self._next_item.get(seed))
        self._next_item[seed] = fitted.next_item
        return fitted


def predict_at_end(fitted: Model, events: pl.DataFrame, name: str, setting: str) -> Result:
    """Return the predictions of events as of the end of the log of a model."""
    before = np.full(events.height, fitted.log.end, dtype=np.int64)
    return predict(fitted, fitted, events, before, name, setting)


def predict(
    fitted: Model,
    observed: Model,
    events: pl.DataFrame,
    before: NDArray[np.int64],
    name: str,
    setting: str,
) -> Result:
    """Return the predictions of N events.

    Args:
        fitted: The model; its log decides which users and movies are new.
        observed: The same, with the ratings that predictions may use.
        events: userId, movieId, rating, timestamp.
        before: Only ratings strictly older count, of shape N.
        name: Name of the model.
        setting: Name of the setting.
    """
    queries = observed.log.queries(events, before)
    predictions = observed.predict_queries(queries)
    known = observed.log.histories.known(queries.history, before)
    return result_of(fitted.log, events, predictions, known, name, setting)


def result_of(
    fitted: InteractionLog,
    events: pl.DataFrame,
    predictions: Predictions,
    known: NDArray[np.int64],
    name: str,
    setting: str,
) -> Result:
    """Return predictions of N events with their segments.

    Args:
        fitted: The log that the model was fitted to.
        events: userId, movieId, rating, timestamp.
        predictions: Their predictions.
        known: Number of the user's ratings before each prediction, of shape N.
        name: Name of the model.
        setting: Name of the setting.
    """
    predicted = with_cell(with_predictions(events, predictions), fitted)
    return Result(name, setting, with_activity(predicted.with_columns(pl.Series("known", known))))


def global_mean_result(known: pl.DataFrame, events: pl.DataFrame, setting: str) -> Result:
    """Return the mean of known ratings as the prediction of events."""
    rating = known[RATING].to_numpy()
    mean, liked = float(rating.mean()), float((rating >= LIKED_FROM).mean())
    columns = [pl.lit(mean).alias(column) for column in (PREDICTION, LOW, HIGH)]
    columns.append(pl.lit(liked).alias(LIKED))
    return Result(GLOBAL_MEAN, setting, events.with_columns(columns))


def with_popularity(
    result: Result, log: InteractionLog, users: Sequence[EvalUser], moment_known: bool = False
) -> Result:
    """Return the result of the reference with rankings by the popularity of seven days."""
    return with_rankings(result, log, users, popularity_scorer(log, moment_known))


def with_rankings(
    result: Result, log: InteractionLog, users: Sequence[EvalUser], scorer: Scorer
) -> Result:
    """Return a result with rankings of the catalogue for some users, and their metrics."""
    rankings = rank_catalogue(log, users, scorer)
    return replace(result, ranking=ranking_metrics(rankings, log), rankings=rankings)
