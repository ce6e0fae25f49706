"""Actions after a change: what observing alone, fine-tuning and retraining gain, and their cost.

A model is trained on the ratings before a strong, abrupt change of `drift_kinds.py` and observes
all later ones. At the rating with which the change is named it stays as it is, is fine-tuned, or is
retrained. Differences are in RMSE on the ratings that follow, to the model that only observes, over
all seeds, with 95 % intervals over users.

    python benchmarks/drift_actions.py ml-latest-small --model hybrid --seeds 2 --into docs/drift.md
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from drift_kinds import KINDS, inject
from drift_logs import background
from tables import markdown, put_table, with_interval

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP, USER
from foreseen.drift.detectors import detect
from foreseen.evaluation.metrics import paired_differences, rating_errors
from foreseen.evaluation.results import predict_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

_STEPS: Final = (0, 2_000, 6_000)
"""Ratings after the change is named between which the error is measured."""
_FALLBACK: Final = 1_000
"""Ratings after which a change counts as named if no finding follows it."""
OBSERVING: Final = "observing alone"
ACTIONS: Final = ("fine-tuning", "retraining")
_SEED: Final = 1_000_000
"""Difference of the ids of users of two seeds."""


@dataclass
class Predicted:
    """Predictions after one action, one frame per seed, and the processor seconds it took."""

    predictions: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    seconds: list[float] = field(default_factory=list[float])

    def between(self, first: int, stop: int) -> pl.DataFrame:
        """Return the predictions of all seeds between two numbers of ratings."""
        return pl.concat(frame[first:stop] for frame in self.predictions)


def measure(data: str, name: str, kind: str, seed: int, measured: dict[str, Predicted]) -> int:
    """Add what each action gives after one change; return the ratings until it was named."""
    case = inject(*background(data, seed), kind, "abrupt", "strong", seed)
    catalogue = Catalogue.of(case.movies)
    log = InteractionLog.of(case.ratings, catalogue)
    begin = int(np.searchsorted(log.timestamp, case.begins))
    names = [finding.named for finding in detect(log) if finding.found >= case.begins]
    moment = next((moment for moment in names if moment is not None), None)
    named = begin + _FALLBACK if moment is None else int(np.searchsorted(log.timestamp, moment))
    limit = int(log.timestamp[named])

    def train(count: int) -> Model:
        past = InteractionLog.of(case.ratings[:count], catalogue)
        fitted = train_on(past, name, parse_settings(name), seed, next_item=UNTRAINED)
        return fitted.with_ratings(case.ratings[count:])

    old = train(begin)
    actions: dict[str, Callable[[], Model]] = {
        OBSERVING: lambda: old,
        "fine-tuning": lambda: old.finetuned(limit),
        "retraining": lambda: train(named),
    }
    events = case.ratings[named : named + _STEPS[-1]]
    before = events[TIMESTAMP].to_numpy().astype(np.int64)
    for action, of_action in measured.items():
        begun = time.process_time()
        model = actions[action]()
        of_action.seconds.append(time.process_time() - begun)
        predictions = predict_events(model, events, before)
        users = pl.col(USER) + seed * _SEED
        of_action.predictions.append(predictions.with_columns(users))
    return named - begin


def rows_of(kind: str, delays: list[int], measured: Mapping[str, Predicted]) -> list[list[str]]:
    """Return the rows of a change: the RMSE of the model that observes, then differences to it."""
    rows: list[list[str]] = []
    for action, of_action in measured.items():
        cells: list[str] = []
        for first, stop in pairwise(_STEPS):
            predictions = of_action.between(first, stop)
            if action == OBSERVING:
                cells.append(with_interval(rating_errors(predictions)["rmse"]))
                continue
            usual = measured[OBSERVING].between(first, stop)
            cells.append(with_interval(paired_differences(usual, predictions)["rmse"]))
        seconds = f"{np.mean(of_action.seconds):.0f}"
        rows.append([kind, f"{np.median(delays):.0f}", action, *cells, seconds])
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure the actions after changes of the chosen kinds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--model", default="ensemble")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--actions", nargs="*", choices=ACTIONS, default=list(ACTIONS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    rows: list[list[str]] = []
    for kind in given.kinds:
        measured = {OBSERVING: Predicted()} | {action: Predicted() for action in given.actions}
        delays = [
            measure(given.data, given.model, kind, seed, measured) for seed in range(given.seeds)
        ]
        rows += rows_of(kind, delays, measured)
    header = [
        "change",
        "named after",
        "action",
        "RMSE, 0 to 2,000",
        "2,000 to 6,000",
        "processor seconds",
    ]
    put_table(f"drift actions {given.model}", markdown(header, rows), given.into)


if __name__ == "__main__":
    main()
