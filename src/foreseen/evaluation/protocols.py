"""Evaluation protocols: fit on the past, predict later ratings as of their moment.

Each protocol splits the ratings and returns an evaluator, which is called once per model.
Predictions are returned event by event, so that errors can be reported by segment.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from foreseen.data.canonical import Tables
from foreseen.data.schema import TIMESTAMP
from foreseen.evaluation.cross_validation import (
    FOLDS,
    GIVEN_SPLITS,
    given_splits,
    random_split,
)
from foreseen.evaluation.evaluator import (
    GLOBAL_MEAN,
    Evaluator,
    TrainingData,
    global_mean_result,
    predict,
    predict_at_end,
    with_popularity,
    with_rankings,
)
from foreseen.evaluation.given_splits import read_splits
from foreseen.evaluation.next_item import last_60_days, leave_last, time_to_split
from foreseen.evaluation.rankings import eval_users, model_scorer
from foreseen.evaluation.results import (
    AT_CUT,
    FOLD_IN,
    FROZEN,
    LIVE,
    ONE_DAY_DELAY,
    Result,
)
from foreseen.evaluation.splits import TEST_FROM, FoldIn, cut, fold_in, revealed_until
from foreseen.features.examples import DAY
from foreseen.models.base import Model
from foreseen.models.predictor import Settings

__all__ = ["GLOBAL_MEAN", "PROTOCOLS", "evaluator_of"]


def stream(tables: Tables) -> Evaluator:
    """Fit on the first 90 % of the ratings; predict the rest in time order.

    Three settings: `LIVE`, all ratings of an earlier second are observed; `ONE_DAY_DELAY`, those
    at least a day older; `FROZEN`, none after the 90 %.

    Raises:
        InputError: If there are too few ratings.
    """
    known, later = cut(tables.ratings, TEST_FROM)
    data = TrainingData(tables, known)
    second = later[TIMESTAMP].to_numpy()

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        if settings is None:
            names = (LIVE, ONE_DAY_DELAY, FROZEN)
            return [global_mean_result(known, later, setting) for setting in names]
        fitted = data.fit(name, settings, seed)
        observed = fitted.with_ratings(later)
        return [
            predict(fitted, observed, later, second, name, LIVE),
            predict(fitted, observed, later, second - DAY + 1, name, ONE_DAY_DELAY),
            # No later rating is observed, but time-dependent features are as of the event.
            predict(fitted, fitted, later, second, name, FROZEN),
        ]

    return evaluate


def fold_in_users(tables: Tables) -> Evaluator:
    """Fit on the first 80 %; reveal half of each later user's ratings, predict the other half.

    Raises:
        InputError: If there are too few ratings or no new users.
    """
    split = fold_in(tables.ratings)
    data = TrainingData(tables, split.known)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        if settings is None:
            result = global_mean_result(split.known, split.hidden, FOLD_IN)
            log = data.log.with_ratings(split.revealed)
            return [with_popularity(result, log, eval_users(log, split.hidden))]
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
    result = predict(fitted, observed, split.hidden, before, name, FOLD_IN)
    if not ranking:
        return result
    users = eval_users(observed.log, split.hidden)
    return with_rankings(result, observed.log, users, model_scorer(observed))


def calendar_ranking(tables: Tables) -> Evaluator:
    """Fit on the first 90 %; rank for each user with a later liked rating, as of the cut.

    Raises:
        InputError: If there are too few ratings.
    """
    known, later = cut(tables.ratings, TEST_FROM)
    data = TrainingData(tables, known)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        if settings is None:
            result = global_mean_result(known, later, AT_CUT)
            return [with_popularity(result, data.log, eval_users(data.log, later))]
        fitted = data.fit_for_ranking(name, settings, seed)
        result = predict_at_end(fitted, later, name, AT_CUT)
        users = eval_users(fitted.log, later)
        return [with_rankings(result, fitted.log, users, model_scorer(fitted))]

    return evaluate


PROTOCOLS: Final[Mapping[str, Callable[[Tables], Evaluator]]] = {
    "stream": stream,
    "foldin": fold_in_users,
    "random": random_split,
    "leave-last-out": leave_last,
    "calendar-ranking": calendar_ranking,
    "time-to-split": time_to_split,
    "esasrec-60d": last_60_days,
}
"""The protocols that need the tables alone, by name."""


def evaluator_of(protocol: str, tables: Tables, data: str | Path, folds: int = FOLDS) -> Evaluator:
    """Return the evaluator of a protocol, by name.

    Args:
        protocol: A key of `PROTOCOLS`, or `GIVEN_SPLITS`.
        tables: The data.
        data: What the tables were read from, for `GIVEN_SPLITS`.
        folds: Number of folds of the protocol `random`.

    Raises:
        InputError: If there are too few ratings, or the splits are missing.
    """
    if protocol == GIVEN_SPLITS:
        return given_splits(tables, read_splits(data, tables))
    if protocol == "random":
        return random_split(tables, folds)
    return PROTOCOLS[protocol](tables)
