"""What each part of `ensemble` brings, on validation data, each against the row above it.

Fitted to the first 64 % of the ratings, asked about the users who begin before 80 %, half of whose
ratings are revealed: no rating that a test would use is looked at.

    python benchmarks/ablation.py [DATA] [--into docs/models.md]
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import polars as pl
from tables import markdown, put_table, shown

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import PREDICTION, RATING
from foreseen.evaluation.metrics import order_quality, paired_differences, rating_errors
from foreseen.evaluation.splits import TRAIN_SHARE, asked_at, cut, fold_in
from foreseen.features.encoder import encode
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.ensemble.model import EnsembleSettings
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.factor_ensemble import FactorEnsemble
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

SEED = 0
FIGURES = {"rmse": "RMSE", "rmse_user": "RMSE per user", "ndcg10": "NDCG@10"}


def main() -> None:
    """Fit one part after the other, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--into", type=Path, help="a document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    early, _ = cut(tables.ratings, TRAIN_SHARE)
    split = fold_in(early)
    known = InteractionLog.of(split.known, Catalogue.of(tables.movies))
    log = known.with_ratings(split.revealed)
    queries = log.queries(split.hidden, asked_at(split) + 1)
    low, high = float(early[RATING].to_numpy().min()), float(early[RATING].to_numpy().max())
    answers: dict[str, pl.DataFrame] = {}

    def answer(what: str, stars: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
        print(what, file=sys.stderr, flush=True)
        prediction = pl.Series(PREDICTION, np.clip(stars, low, high))
        answers[what] = split.hidden.with_columns(prediction)

    def factors(*settings: FactorSettings) -> FactorEnsemble:
        everything = np.ones(len(known.rating), dtype=np.bool_)
        return FactorEnsemble.fitted(settings, known, everything, SEED)

    answer("worth and kindness as of the moment", encode(log, queries).expected)
    plain, told = FactorSettings(directions=0), FactorSettings()
    answer("one factor model, folded in", factors(plain).fold_in(log, queries).rating)
    answer("told who watches what", factors(told).fold_in(log, queries).rating)
    three = factors(*EnsembleSettings().factors)
    answer("mean of three", three.fold_in(log, queries).rating)
    answer("their movies follow later ratings", three.observed(log).fold_in(log, queries).rating)
    for what, count, cuts in (
        ("a network over them", 1, ()),
        ("mean of three networks", 3, ()),
        ("that learned from factors of their time", 3, EnsembleSettings().cuts),
    ):
        settings = parse_settings("ensemble", {"networks": count, "cuts": cuts})
        model = train_on(known, "ensemble", settings, SEED, next_item=UNTRAINED)
        answer(what, model.observe(split.revealed).predict_queries(queries).rating)
    rows: list[list[str]] = []
    above: pl.DataFrame | None = None
    for what, events in answers.items():
        own = rating_errors(events) | order_quality(events)
        less = paired_differences(above, events)["rmse"] if above is not None else None
        rows.append([what, *(shown(own[name]) for name in FIGURES), shown(less) if less else ""])
        above = events
    header = ["", *FIGURES.values(), "RMSE less the row above, paired"]
    table = markdown(header, rows)
    put_table("ablation", table, given.into)


if __name__ == "__main__":
    main()
