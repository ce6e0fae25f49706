"""What tracking the level brings: after injected shifts, where nothing moves, and on real logs.

Every question is answered twice by the same model, with the level and without. Shifts are those of
`drift_injected.py`, abrupt, in the first log named; models learn from the first half of what comes
before and observe the rest, those with networks also with lessons. On every log as it is, models
learn from the first two and three fifths and answer the next fifth, live and a day late, and half
of each newcomer's ratings by the other half. The last fifth is left alone.

    python benchmarks/calibration.py ml-latest-small FOLDER... --seeds 5 --into docs/drift.md
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
from foreseen.evaluation.protocols import DAY
from foreseen.evaluation.splits import asked_at, fold_in
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.offset_correction import offset_correction
from foreseen.models.predictor import IncrementallyTrainable, tell
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

KINDS: Final = ("scale", "halves", "nothing")
SPANS: Final = ((0, 1000), (1000, 2000), (2000, 5000), (5000, 10_000))
"""Ratings since the shift."""
CUTS: Final = (0.4, 0.6)
WINDOW: Final = 0.2
STEP: Final = 2000
APART: Final = 1_000_000_000


@dataclass(frozen=True)
class Both:
    """Events answered without the level and with it; frames of userId, rating, prediction."""

    without: pl.DataFrame
    level: pl.DataFrame

    def part(self, span: tuple[int, int]) -> "Both":
        """Return the answers to a run of the events."""
        first, stop = span
        return Both(self.without[first:stop], self.level[first:stop])

    @classmethod
    def of(cls, parts: Sequence["Both"]) -> "Both":
        """Join the answers of several logs, whose users are others."""

        def joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
            return pl.concat(
                frame.with_columns(pl.col(USER) + APART * n) for n, frame in enumerate(frames)
            )

        return cls(joined([p.without for p in parts]), joined([p.level for p in parts]))

    def gain(self) -> str:
        """Return how much more RMSE there is with the level, with its 95 % interval."""
        found = paired_differences(self.without, self.level)["rmse"]
        return f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"

    def errors(self) -> str:
        """Return how far ratings lie above predictions in the mean, without and with."""
        means = [float((f[RATING] - f[PREDICTION]).to_numpy().mean())
                 for f in (self.without, self.level)]  # fmt: skip
        return f"{means[0]:+.2f}, {means[1]:+.2f}"


def answer(model: Model, events: pl.DataFrame, before: NDArray[np.int64]) -> Both:
    """Answer events as of moments, as `Model.answer` does and without the level."""
    log = model.log
    queries = log.queries(events, before)
    with one_thread():
        expected = tell(model.predictor, log, queries).expected
    frames = [
        events.select(USER, RATING, pl.Series(PREDICTION, np.clip(values, *model.scale)))
        for values in (expected, expected + offset_correction(log, queries))
    ]
    return Both(*frames)


def answer_with_lessons(model: Model, events: pl.DataFrame, before: NDArray[np.int64]) -> Both:
    """Answer events, the networks learning on the way as they would in use."""
    known = model.log.ratings.height - events.height
    learned = known
    parts: list[Both] = []
    for start in range(0, events.height, STEP):
        if should_finetune(learned, known + start):
            learned = known + start
            model = model.finetuned(int(before[start]))
        run = slice(start, start + STEP)
        parts.append(answer(model, events[run], before[run]))
    return Both(pl.concat(p.without for p in parts), pl.concat(p.level for p in parts))


def after_shift(tables: Tables, name: str, kind: str, seed: int) -> dict[str, Both]:
    """Return the answers since a shift by a model that observes, and one that has lessons too."""
    case = inject(tables, "scale" if kind == "nothing" else kind, "abrupt", seed)
    ratings = shuffle_sessions(tables.ratings, seed) if kind == "nothing" else case.ratings
    times = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    place = int(np.searchsorted(times, case.begins))
    log = InteractionLog.of(ratings[: place // 2], Catalogue.of(tables.movies))
    fitted = train_on(log, name, parse_settings(name), seed, next_item=UNTRAINED)
    # Ten thousand later ratings are enough; lessons go on from before the shift.
    stop = place + SPANS[-1][1]
    events, before = ratings[place // 2 : stop], times[place // 2 : stop]
    observed = fitted.observe(events)
    since = (place - place // 2, len(events))
    found = {name: answer(observed, events, before).part(since)}
    if isinstance(observed.predictor, IncrementallyTrainable):
        taught = answer_with_lessons(observed, events, before)
        found[f"{name} with lessons"] = taught.part(since)
    return found


def shifts(tables: Tables, models: Sequence[str], seeds: int) -> str:
    """Return a table of what the level brings after shifts, and where nothing moves."""
    rows: list[list[str]] = []
    with progress_bar("shifts", len(KINDS) * len(models) * seeds) as advance:
        for kind in KINDS:
            for name in models:
                cases: list[dict[str, Both]] = []
                for seed in range(seeds):
                    cases.append(after_shift(tables, name, kind, seed))
                    advance(1)
                for label in cases[0]:
                    parts = [Both.of([case[label].part(span) for case in cases]) for span in SPANS]
                    gains = [part.gain() for part in parts]
                    rows.append([kind, label, parts[0].errors(), parts[1].errors(), *gains])
    spans = [f"{first:,} to {stop:,}" for first, stop in SPANS]
    header = ["shift", "model", f"mean error, {spans[0]}", f"{spans[1]}",
              *(f"RMSE, {span}" for span in spans)]  # fmt: skip
    return markdown(header, rows)


def on_log(tables: Tables, name: str, share: float) -> dict[str, Both]:
    """Return the answers to the fifth of a log after a share of it."""
    ratings = tables.ratings[: int((share + WINDOW) * tables.ratings.height)]
    split = fold_in(ratings, share / (share + WINDOW))
    log = InteractionLog.of(split.known, Catalogue.of(tables.movies))
    fitted = train_on(log, name, parse_settings(name), 0, next_item=UNTRAINED)
    events = ratings[split.known.height :]
    observed = fitted.observe(events)
    second = events[TIMESTAMP].to_numpy().astype(np.int64)
    revealed = fitted.observe(split.revealed)
    return {
        "live": answer(observed, events, second),
        "day late": answer(observed, events, second - DAY + 1),
        "half revealed": answer(revealed, split.hidden, asked_at(split) + 1),
    }


def on_logs(data: Sequence[str], models: Sequence[str]) -> str:
    """Return a table of what the level changes on logs as they are."""
    rows: list[list[str]] = []
    settings = ("live", "day late", "half revealed")
    with progress_bar("logs", len(data) * len(models) * len(CUTS)) as advance:
        for source in data:
            tables = load_data(source)
            for name in models:
                for share in CUTS:
                    found = on_log(tables, name, share)
                    span = f"{share:.0%} to {share + WINDOW:.0%}"
                    rows.append(
                        [Path(source).name, name, span, *(found[s].gain() for s in settings)]
                    )
                    advance(1)
    return markdown(["log", "model", "of it", *settings], rows)


def main() -> None:
    """Measure both and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--model", nargs="+", default=["bias", "ensemble"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--into", type=Path)
    given = parser.parse_args()
    put_table("level on logs", on_logs(given.data, given.model), given.into)
    table = shifts(load_data(given.data[0]), given.model, given.seeds)
    put_table("level after shifts", table, given.into)


if __name__ == "__main__":
    main()
