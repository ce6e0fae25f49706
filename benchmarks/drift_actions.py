"""Actions after a change: what observing alone, fine-tuning and retraining gain, and their cost.

A model is trained on the ratings before a strong, abrupt change of `drift_kinds.py` and observes
all later ones. At the rating with which the change is found it stays as it is, is fine-tuned, or is
retrained. Differences are in RMSE on the ratings that follow, to the model that only observes,
with 95 % intervals over users.

    python benchmarks/drift_actions.py ml-latest-small --kinds offset noise --into docs/drift.md
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from drift_kinds import KINDS, inject
from drift_logs import background
from tables import markdown, put_table, with_interval

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.catalogue import Catalogue
from foreseen.drift.detectors import detect
from foreseen.evaluation.metrics import paired_differences
from foreseen.evaluation.results import predict_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

_STEPS: Final = (0, 2_000, 6_000)
"""Ratings after the change is found between which the error is measured."""
_FALLBACK: Final = 1_000
"""Ratings after which a change counts as found if no finding follows it."""
Row = list[str]


def measure(data: str, name: str, kind: str, seed: int) -> list[Row]:
    """Return a row for each action after one change."""
    case = inject(*background(data, seed), kind, "abrupt", "strong", seed)
    catalogue = Catalogue.of(case.movies)
    log = InteractionLog.of(case.ratings, catalogue)
    begin = int(np.searchsorted(log.timestamp, case.begins))
    later = [found for found in detect(log) if found.found >= case.begins]
    found = int(np.searchsorted(log.timestamp, later[0].found)) if later else begin + _FALLBACK
    limit = int(log.timestamp[found])

    def train(count: int) -> Model:
        past = InteractionLog.of(case.ratings[:count], catalogue)
        fitted = train_on(past, name, parse_settings(name), seed, next_item=UNTRAINED)
        return fitted.with_ratings(case.ratings[count:])

    old = train(begin)
    actions: dict[str, Callable[[], Model]] = {
        "observing alone": lambda: old,
        "fine-tuning": lambda: old.finetuned(limit),
        "retraining": lambda: train(found),
    }
    rows: list[Row] = []
    reference = None
    for action, act in actions.items():
        begun = time.process_time()
        model = act()
        seconds = time.process_time() - begun
        events = case.ratings[found : found + _STEPS[-1]]
        before = events["timestamp"].to_numpy().astype(np.int64)
        predictions = predict_events(model, events, before)
        reference = predictions if reference is None else reference
        differences = [
            with_interval(
                paired_differences(reference[first:stop], predictions[first:stop])["rmse"]
            )
            for first, stop in pairwise(_STEPS)
        ]
        rows.append([kind, str(found - begin), action, *differences, f"{seconds:.0f}"])
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure the actions after changes of the chosen kinds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--model", default="ensemble")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    rows = [
        row for kind in given.kinds for row in measure(given.data, given.model, kind, given.seed)
    ]
    header = [
        "change",
        "found after",
        "action",
        "0 to 2,000",
        "2,000 to 6,000",
        "processor seconds",
    ]
    put_table("drift actions", markdown(header, rows), given.into)


if __name__ == "__main__":
    main()
