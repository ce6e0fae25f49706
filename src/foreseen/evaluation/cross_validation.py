"""Random splits, for comparison with published tables.

Training ratings may be later than test ratings. A model with the capability `transductive` is
replaced by that variant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from foreseen.compute.tasks import run_tasks
from foreseen.data.canonical import Tables
from foreseen.data.schema import TIMESTAMP
from foreseen.errors import InputError
from foreseen.evaluation.evaluator import (
    Evaluator,
    TrainingData,
    global_mean_result,
    predict_at_end,
    result_of,
)
from foreseen.evaluation.results import Result
from foreseen.evaluation.splits import random_folds
from foreseen.models.installed import model_spec
from foreseen.models.predictor import Settings

FOLDS: Final = 5
GIVEN_SPLITS: Final = "u1-u5"
"""Name of the protocol with the splits of ml-100k, and of its setting with all of them."""


@dataclass(frozen=True)
class _Fold:
    data: TrainingData
    held_out: pl.DataFrame

    def evaluate(self, name: str, settings: Settings | None, seed: int, setting: str) -> Result:
        """Return the predictions of the held-out ratings."""
        if settings is None:
            return global_mean_result(self.data.ratings, self.held_out, setting)
        fit_transductive = model_spec(name).capabilities.transductive
        if fit_transductive is None:
            fitted = self.data.fit(name, settings, seed)
            return predict_at_end(fitted, self.held_out, name, setting)
        log = self.data.log
        predictor = fit_transductive(settings, log, seed)
        moments = self.held_out[TIMESTAMP].to_numpy().astype(np.int64)
        queries = log.queries(self.held_out, moments)
        predictions = predictor.predict(log, queries)
        known = log.histories.known(queries.history, np.full(len(queries), log.end, np.int64))
        return result_of(log, self.held_out, predictions, known, name, setting)


def random_split(tables: Tables, folds: int = FOLDS) -> Evaluator:
    """Cross-validation with random folds; five, or ten as Rendle, Zhang and Koren (2019).

    Raises:
        InputError: If there are too few ratings.
    """
    if tables.ratings.height < folds:
        raise InputError(f"{tables.ratings.height} ratings are too few for {folds} folds")
    ratings = tables.ratings.with_columns(random_folds(tables.ratings, folds))
    parts: list[_Fold] = []
    for fold in range(folds):
        known = ratings.filter(pl.col("fold") != fold).drop("fold")
        held_out = ratings.filter(pl.col("fold") == fold).drop("fold")
        parts.append(_Fold(TrainingData(tables, known), held_out))
    setting = f"{folds} folds"

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        def result(fold: int) -> Result:
            return parts[fold].evaluate(name, settings, seed, setting)

        return [_pooled(run_tasks(result, range(folds), in_threads=False), setting)]

    return evaluate


def given_splits(
    tables: Tables, splits: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]]
) -> Evaluator:
    """Evaluate on the splits that come with a data set, such as u1 to u5 of ml-100k.

    GroupLens made them, each with a fifth of the ratings as its test part; training ratings may be
    later than test ratings. One setting per split, and one with the test ratings of all.

    Args:
        tables: The data.
        splits: The training and the test ratings of each split, by name.
    """
    parts = {
        name: _Fold(TrainingData(tables, known), held_out)
        for name, (known, held_out) in splits.items()
    }

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        def result(split: str) -> Result:
            return parts[split].evaluate(name, settings, seed, split)

        results = run_tasks(result, list(parts), in_threads=False)
        return [*results, _pooled(results, GIVEN_SPLITS)]

    return evaluate


def _pooled(results: list[Result], setting: str) -> Result:
    events = pl.concat([result.events for result in results])
    return Result(results[0].model, setting, events)
