"""What observing and fine-tuning recover of a full training, on the last tenth of a log.

A model is trained on the first half of a log. Its predictions of the last tenth are compared with
those of one trained on all ratings before: as it is, having observed the ratings between, and
fine-tuned whenever the log has grown by a twentieth of its length. A short form of `foreseen
backtest` with two trainings in place of ten.

    python benchmarks/drift_last_tenth.py DATA --model ensemble
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import polars as pl
from tables import comparison

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP
from foreseen.evaluation.results import predict_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on


def timed(what: str, make: Callable[[], Model]) -> Model:
    """Return a model, and print the processor seconds that it took."""
    begun = time.process_time()
    model = make()
    print(f"{what}: {time.process_time() - begun:.0f} processor seconds", flush=True)
    return model


def main() -> None:
    """Train twice, observe and fine-tune, and print a table of errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data")
    parser.add_argument("--model", default="ensemble")
    given = parser.parse_args()
    tables = load_data(given.data)
    ratings, catalogue = tables.ratings, Catalogue.of(tables.movies)
    times = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    half, last = ratings.height // 2, int(0.9 * ratings.height)

    def train(count: int) -> Model:
        log = InteractionLog.of(ratings[:count], catalogue)
        return train_on(log, given.model, parse_settings(given.model), 0, next_item=UNTRAINED)

    def finetune(model: Model) -> Model:
        step = ratings.height // 20
        for count in range(half + step, last + 1, step):
            model = model.finetuned(int(times[count]))
        return model

    old = timed("training on the first half", lambda: train(half))
    observed = timed("observing", lambda: old.with_ratings(ratings[half:]))
    finetuned = timed("fine-tuning", lambda: finetune(observed))
    new = timed("training on nine tenths", lambda: train(last))
    models = {
        "as it is": old,
        "observing": observed,
        "observing and fine-tuning": finetuned,
        "full training": new.with_ratings(ratings[last:]),
    }
    events: dict[str, pl.DataFrame] = {
        name: predict_events(model, ratings[last:], times[last:]) for name, model in models.items()
    }
    print(comparison(events, "full training"))


if __name__ == "__main__":
    main()
