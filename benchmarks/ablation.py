"""Ablation of `ensemble` on validation data: the error without each of its parts.

Models are fitted to the first 64 % of the ratings and predict the users who begin before 80 %, with
half of their ratings revealed (fold-in). Ratings of the test part are not used. Variants are
derived from the default settings.

    python benchmarks/ablation.py [DATA] [--seed 0] [--into docs/models.md]
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tables import comparison, put_table

from foreseen.candidates.next_item import UNTRAINED
from foreseen.compute.threads import one_thread
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import PREDICTION
from foreseen.evaluation.splits import TRAIN_SHARE, cut, fold_in, revealed_until
from foreseen.features.encoder import encode
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.ensemble.model import EnsemblePredictor, EnsembleSettings
from foreseen.models.train import train_on

FULL: Final = "full"


def variants(defaults: EnsembleSettings) -> dict[str, EnsembleSettings]:
    """Return the settings of each variant that is fitted, the full model first."""
    by_rank = sorted(defaults.factors, key=lambda factors: factors.rank, reverse=True)
    fewer = {"two factor models": by_rank[:2], "one factor model (highest rank)": by_rank[:1]}
    changes: dict[str, dict[str, Any]] = {
        **{n: {"factors": tuple(f)} for n, f in fewer.items() if len(f) < len(by_rank)},
        "without watch directions": {
            "factors": tuple(f.model_copy(update={"directions": 0}) for f in defaults.factors)
        },
        "out-of-sample factors by user folds only": {"cuts": ()},
    }
    changed = {name: defaults.model_copy(update=change) for name, change in changes.items()}
    return {FULL: defaults} | changed


def without_refresh(model: Model) -> Model:
    """Return an ensemble with movie vectors as fitted, not refreshed with later ratings."""
    predictor = model.predictor
    assert isinstance(predictor, EnsemblePredictor)
    factors = replace(predictor.factors, snapshots=())
    return replace(model, predictor=replace(predictor, factors=factors))


def main() -> None:
    """Fit the variants and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    early, _ = cut(tables.ratings, TRAIN_SHARE)
    split = fold_in(early)
    log = InteractionLog.of(split.known, Catalogue.of(tables.movies))
    before = revealed_until(split) + 1
    predictions: dict[str, pl.DataFrame] = {}

    def add(name: str, predict: Callable[[Model], NDArray[np.float64]], model: Model) -> None:
        print(name, file=sys.stderr, flush=True)
        with one_thread():
            stars = np.clip(predict(model), *model.scale)
        predictions[name] = split.hidden.with_columns(pl.Series(PREDICTION, stars))

    def rating(model: Model) -> NDArray[np.float64]:
        return model.predict_queries(model.log.queries(split.hidden, before)).mean

    def factors_only(model: Model) -> NDArray[np.float64]:
        assert isinstance(model.predictor, EnsemblePredictor)
        queries = model.log.queries(split.hidden, before)
        return model.predictor.factors.fold_in(model.log.view, queries).rating

    def biases_only(model: Model) -> NDArray[np.float64]:
        return encode(model.log.view, model.log.queries(split.hidden, before)).expected

    for name, settings in variants(EnsembleSettings()).items():
        fitted = train_on(log, "ensemble", settings, given.seed, next_item=UNTRAINED)
        observed = fitted.with_ratings(split.revealed)
        add(name, rating, observed)
        if name == FULL:
            add("without refreshed movie vectors", rating, without_refresh(observed))
            add("without the network: mean of the factor models", factors_only, observed)
            add("item and user bias only", biases_only, observed)
    put_table("ablation", comparison(predictions, FULL), given.into)


if __name__ == "__main__":
    main()
