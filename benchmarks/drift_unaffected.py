"""What users without drift pay when half of the users change, and which part of a model costs it.

Half of the users change at a moment (`drift_injected.py`), in a log with shuffled sessions. A model
is trained on the ratings before and observes all later ones. The RMSE of the users who do not
change is compared with that in the log without the change. Variants replace what the model derives
from the changed log:

- global offset as without the change;
- item biases as without the change;
- recognised users left out: ratings of users whose own earlier ratings are much likelier turned
  than not (log-likelihood ratio) count neither for item biases nor for the global offset;
- the same, once recognised with all of their ratings, also earlier ones;
- changed ratings left out: the same, for whoever exactly knows which are changed.

    python benchmarks/drift_unaffected.py --model bias --seeds 3 --into docs/drift.md
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from drift_injected import Injected, inject
from numpy.typing import NDArray
from tables import markdown, put_table, with_interval

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables, load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP, USER
from foreseen.drift.placebo import shuffle_sessions
from foreseen.evaluation.metrics import paired_differences
from foreseen.evaluation.results import predict_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

_ITEMS: Final = ("movies", "global_mean")
_OFFSET: Final = ("global_offset",)
_RECOGNISED: Final = 3.0
"""Log-likelihood ratio from which a user counts as turned."""
_VARIANCE: Final = 0.8
"""Of a rating given user and item bias."""
_MOST_MERIT: Final = 1.2
_SEED: Final = 1_000_000


def predictions(
    tables: Tables, kind: str, seed: int, model: str
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Return the predictions for users without drift, without the change and by variant."""
    case = inject(tables, kind, "abrupt", seed)
    original = shuffle_sessions(tables.ratings, seed)
    times = original[TIMESTAMP].to_numpy().astype(np.int64)
    place = int(np.searchsorted(times, case.begins))
    catalogue = Catalogue.of(tables.movies)

    def log_of(ratings: pl.DataFrame) -> InteractionLog:
        return InteractionLog.of(ratings, catalogue)

    past = log_of(original[:place])
    fitted = train_on(past, model, parse_settings(model), seed, next_item=UNTRAINED)
    drifting = case.ratings.filter(pl.Series(case.affected))[USER].unique().to_list()

    def predict(
        ratings: pl.DataFrame, source: InteractionLog | None = None, parts: tuple[str, ...] = ()
    ) -> pl.DataFrame:
        observed = fitted.with_ratings(ratings[place:])
        for part in parts:
            # What the log has cached, or as a method, is what the features are computed from.
            observed.log.__dict__[part] = getattr(source, part)
        events = predict_events(observed, ratings[place:], times[place:])
        others = events.filter(~pl.col(USER).is_in(drifting))
        return others.with_columns(pl.col(USER) + seed * _SEED)

    usual = predict(original)
    unchanged, changed = log_of(original), case.ratings
    variants = {
        "as it is": predict(changed),
        "global offset as without the change": predict(changed, unchanged, _OFFSET),
        "item biases as without the change": predict(changed, unchanged, _ITEMS),
        "changed ratings left out": predict(
            changed, log_of(_without(changed, case.affected)), (*_ITEMS, *_OFFSET)
        ),
    }
    if kind == "turned":
        left_out = zip(("recognised users left out", "with all of their ratings"),
                       recognised(case, catalogue), strict=True)  # fmt: skip
        for name, mask in left_out:
            source = log_of(_without(changed, mask))
            variants[name] = predict(changed, source, (*_ITEMS, *_OFFSET))
    return usual, variants


def _without(ratings: pl.DataFrame, left_out: NDArray[np.bool_]) -> pl.DataFrame:
    return ratings.filter(pl.Series(~left_out))


def recognised(case: Injected, catalogue: Catalogue) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether each rating's user is recognised before it, and whether ever; of shape E.

    The ratings of a user who rates 6 less the usual rating deviate from the item means by minus
    twice the merit of the movie more than before. Means over the user's earlier ratings are
    subtracted from both.
    """
    log = InteractionLog.of(case.ratings, catalogue)
    mean = log.movie_mean(log.movie, log.timestamp)
    offset = log.rating - mean
    merit = np.clip(mean - log.global_mean(log.timestamp), -_MOST_MERIT, _MOST_MERIT)
    ratio, ever = np.zeros(len(offset)), np.zeros(len(offset))
    order = np.argsort(log.user, kind="stable")
    bounds = np.flatnonzero(np.diff(log.user[order])) + 1
    for rows in np.split(order, bounds):
        count = np.arange(len(rows))
        known = np.maximum(count, 1)
        deviation, lean = (
            values - np.append(0.0, np.cumsum(values)[:-1]) / known
            for values in (offset[rows], 2 * merit[rows])
        )
        weight = count / (count + 1) / (2 * _VARIANCE)
        added = weight * (deviation**2 - (deviation + lean) ** 2)
        total = np.cumsum(added)
        ratio[rows] = np.append(0.0, total[:-1])
        ever[rows] = total[-1]
    return ratio > _RECOGNISED, ever > _RECOGNISED


def rows_of(
    kind: str, usual: list[pl.DataFrame], variants: Mapping[str, list[pl.DataFrame]]
) -> list[list[str]]:
    """Return a row for each variant: the cost over all seeds, and the range of single seeds."""
    rows: list[list[str]] = []
    for name, frames in variants.items():
        cost = paired_differences(pl.concat(usual), pl.concat(frames))["rmse"]
        single = [
            paired_differences(one, other)["rmse"].value
            for one, other in zip(usual, frames, strict=True)
        ]
        rows.append([kind, name, with_interval(cost, 4), f"{min(single):.4f} to {max(single):.4f}"])
    return rows


def main() -> None:
    """Measure what users without drift pay, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--model", default="bias")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    rows: list[list[str]] = []
    for kind in ("taste", "turned"):
        usual: list[pl.DataFrame] = []
        variants: dict[str, list[pl.DataFrame]] = {}
        for seed in range(given.seeds):
            reference, found = predictions(tables, kind, seed, given.model)
            usual.append(reference)
            for name, frame in found.items():
                variants.setdefault(name, []).append(frame)
        rows += rows_of(kind, usual, variants)
    header = ["change", "variant", "RMSE of the others, difference", "by seed"]
    put_table(f"unaffected users {given.model}", markdown(header, rows), given.into)


if __name__ == "__main__":
    main()
