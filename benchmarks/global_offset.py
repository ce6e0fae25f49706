"""Effect of the global offset correction: after injected shifts, without shifts, on original logs.

The same model predicts every event with and without the correction. Shifts are the abrupt ones of
`drift_injected.py`, in the first log given: models are fitted to the first half of the ratings
before the shift and observe the rest; models with networks are also fine-tuned on the way. On every
original log, models are fitted to the first two and three fifths and predict the next fifth: live,
with a one-day delay, and by fold-in of new users. The last fifth is not used.

    python benchmarks/global_offset.py ml-latest-small FOLDER... --seeds 5 --into docs/drift.md
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from drift_injected import inject
from numpy.typing import NDArray
from tables import markdown, put_table

from foreseen.candidates.next_item import UNTRAINED
from foreseen.compute.threads import one_thread
from foreseen.data.canonical import Tables, load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import PREDICTION, RATING, TIMESTAMP, USER
from foreseen.drift.placebo import shuffle_sessions
from foreseen.drift.policies import should_finetune
from foreseen.evaluation.metrics import paired_differences
from foreseen.evaluation.results import FOLD_IN, LIVE, ONE_DAY_DELAY, setting_label
from foreseen.evaluation.splits import fold_in, revealed_until
from foreseen.features.encoder import encode
from foreseen.features.examples import DAY
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.offset_correction import offset_correction
from foreseen.models.predictor import IncrementallyTrainable, estimate
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

KINDS: Final = ("scale", "halves", "nothing")
SPANS: Final = ((0, 1000), (1000, 2000), (2000, 5000), (5000, 10_000))
"""Ratings since the shift."""
CUTS: Final = (0.4, 0.6)
WINDOW: Final = 0.2
STEP: Final = 2000
USER_STRIDE: Final = 1_000_000_000


@dataclass(frozen=True)
class Comparison:
    """Events predicted without and with the correction: userId, rating, prediction."""

    without: pl.DataFrame
    corrected: pl.DataFrame

    def part(self, span: tuple[int, int]) -> "Comparison":
        """Return consecutive events, from a first to before a last."""
        first, stop = span
        return Comparison(self.without[first:stop], self.corrected[first:stop])

    @classmethod
    def joined(cls, parts: Sequence["Comparison"]) -> "Comparison":
        """Return the events of several logs; the same id in two logs means two users."""

        def join(frames: list[pl.DataFrame]) -> pl.DataFrame:
            return pl.concat(
                frame.with_columns(pl.col(USER) + USER_STRIDE * n) for n, frame in enumerate(frames)
            )

        return cls(join([p.without for p in parts]), join([p.corrected for p in parts]))

    def delta(self) -> str:
        """Return the paired difference of RMSE due to the correction, with its 95 % interval."""
        found = paired_differences(self.without, self.corrected)["rmse"]
        return f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"

    def mean_errors(self) -> str:
        """Return the mean of rating less prediction, without and with the correction."""
        means = [float((f[RATING] - f[PREDICTION]).to_numpy().mean())
                 for f in (self.without, self.corrected)]  # fmt: skip
        return f"{means[0]:+.2f}, {means[1]:+.2f}"


def predict(model: Model, events: pl.DataFrame, before: NDArray[np.int64]) -> Comparison:
    """Predict N events, each as of its moment, without and with the correction."""
    view = model.log.view
    queries = model.log.queries(events, before)
    with one_thread():
        mean = estimate(model.predictor, view, queries, encode(view, queries)).mean
    frames = [
        events.select(USER, RATING, pl.Series(PREDICTION, np.clip(values, *model.scale)))
        for values in (mean, mean + offset_correction(view, queries))
    ]
    return Comparison(*frames)


def predict_and_finetune(
    model: Model, events: pl.DataFrame, before: NDArray[np.int64]
) -> Comparison:
    """Predict N events step by step, fine-tuning the networks between steps when it is due."""
    known = model.log.ratings.height - events.height
    trained = known
    parts: list[Comparison] = []
    for start in range(0, events.height, STEP):
        if should_finetune(trained, known + start):
            trained = known + start
            model = model.finetuned(int(before[start]))
        step = slice(start, start + STEP)
        parts.append(predict(model, events[step], before[step]))
    return Comparison(pl.concat(p.without for p in parts), pl.concat(p.corrected for p in parts))


def after_shift(tables: Tables, name: str, kind: str, seed: int) -> dict[str, Comparison]:
    """Return the predictions since a shift, by an observing and by a fine-tuned model."""
    case = inject(tables, "scale" if kind == "nothing" else kind, "abrupt", seed)
    ratings = shuffle_sessions(tables.ratings, seed) if kind == "nothing" else case.ratings
    times = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    place = int(np.searchsorted(times, case.begins))
    log = InteractionLog.of(ratings[: place // 2], Catalogue.of(tables.movies))
    fitted = train_on(log, name, parse_settings(name), seed, next_item=UNTRAINED)
    # Fine-tuning starts before the shift; no more ratings after it are needed than SPANS has.
    stop = place + SPANS[-1][1]
    events, before = ratings[place // 2 : stop], times[place // 2 : stop]
    observed = fitted.with_ratings(events)
    since = (place - place // 2, len(events))
    found = {name: predict(observed, events, before).part(since)}
    if isinstance(observed.predictor, IncrementallyTrainable):
        finetuned = predict_and_finetune(observed, events, before)
        found[f"{name}, fine-tuned"] = finetuned.part(since)
    return found


def shifts(tables: Tables, models: Sequence[str], seeds: int) -> str:
    """Return a table of the effect after shifts, and without a shift."""
    rows: list[list[str]] = []
    with progress_bar("shifts", len(KINDS) * len(models) * seeds) as advance:
        for kind in KINDS:
            for name in models:
                cases: list[dict[str, Comparison]] = []
                for seed in range(seeds):
                    cases.append(after_shift(tables, name, kind, seed))
                    advance(1)
                for label in cases[0]:
                    parts = [
                        Comparison.joined([case[label].part(span) for case in cases])
                        for span in SPANS
                    ]
                    deltas = [part.delta() for part in parts]
                    errors = [part.mean_errors() for part in parts[:2]]
                    rows.append([kind, label, *errors, *deltas])
    spans = [f"{first:,} to {stop:,}" for first, stop in SPANS]
    header = ["shift", "model", f"mean error, {spans[0]}", f"{spans[1]}",
              *(f"RMSE, {span}" for span in spans)]  # fmt: skip
    return markdown(header, rows)


def on_log(tables: Tables, name: str, share: float) -> dict[str, Comparison]:
    """Return the predictions for the fifth of a log after a share of it, by setting."""
    ratings = tables.ratings[: int((share + WINDOW) * tables.ratings.height)]
    split = fold_in(ratings, share / (share + WINDOW))
    log = InteractionLog.of(split.known, Catalogue.of(tables.movies))
    fitted = train_on(log, name, parse_settings(name), 0, next_item=UNTRAINED)
    events = ratings[split.known.height :]
    observed = fitted.with_ratings(events)
    second = events[TIMESTAMP].to_numpy().astype(np.int64)
    revealed = fitted.with_ratings(split.revealed)
    return {
        LIVE: predict(observed, events, second),
        ONE_DAY_DELAY: predict(observed, events, second - DAY + 1),
        FOLD_IN: predict(revealed, split.hidden, revealed_until(split) + 1),
    }


def on_logs(data: Sequence[str], models: Sequence[str]) -> str:
    """Return a table of the effect on original logs."""
    rows: list[list[str]] = []
    settings = (LIVE, ONE_DAY_DELAY, FOLD_IN)
    with progress_bar("logs", len(data) * len(models) * len(CUTS)) as advance:
        for source in data:
            tables = load_data(source)
            for name in models:
                for share in CUTS:
                    found = on_log(tables, name, share)
                    span = f"{share:.0%} to {share + WINDOW:.0%}"
                    deltas = [found[setting].delta() for setting in settings]
                    rows.append([Path(source).name, name, span, *deltas])
                    advance(1)
    return markdown(["log", "model", "test ratings", *map(setting_label, settings)], rows)


def main() -> None:
    """Measure both and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--model", nargs="+", default=["bias", "ensemble"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--into", type=Path, help="document to write the tables into")
    given = parser.parse_args()
    put_table("global offset on logs", on_logs(given.data, given.model), given.into)
    table = shifts(load_data(given.data[0]), given.model, given.seeds)
    put_table("global offset after shifts", table, given.into)


if __name__ == "__main__":
    main()
