"""Comparison with other libraries on the next movie: leave-last-out over the full catalogue.

Each user's last rating is the test part, the one before it the validation part; ratings of one
second are in the order of the file. Peers run in separate environments (see `peers.py`), their
settings are selected on the validation part from a few, and the test part is ranked once. "Moment
known": the time of the rating to predict is an input, as in the code of HSTU's authors. Intervals
are over users; seconds are the processor time of fitting and ranking.

    python benchmarks/next_item.py [DATA...] [--out work/peers] [--into docs/results.md]
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from peers import Peer, Split, processor_seconds, results_of
from results import evaluate
from tables import markdown, put_table, with_interval

from foreseen.data.canonical import Tables, load_data
from foreseen.data.fingerprint import fingerprint
from foreseen.data.schema import MOVIE, USER
from foreseen.evaluation.intervals import Estimate, mean_over_users
from foreseen.evaluation.metrics import TOP
from foreseen.evaluation.results import MOMENT_KNOWN, POPULARITY, criterion_label
from foreseen.evaluation.splits import leave_last_out

_SOFTMAX: Final = {"loss": "softmax", "epochs": 20, "batch_size": 16}
TRANSFORMER: Final = [_SOFTMAX, {**_SOFTMAX, "lr": 0.003}]
PEERS: Final = (
    Peer("implicit", "EASE", "next-item", [{"regularization": r} for r in (100.0, 300.0, 1000.0)]),
    Peer("rectools", "SASRec", "next-item", TRANSFORMER),
    Peer("rectools", "HSTU, moment known", "next-item", TRANSFORMER),
)
FORESEEN: Final = "ensemble"
CRITERION: Final = "likely"
COLUMNS: Final = ("data", "model", "settings", "NDCG@10", "HR@10", "seconds")
_SECONDS: Final = "seconds"


@dataclass(frozen=True)
class Row:
    """One row of the table, with the processor time of fitting and ranking in seconds."""

    model: str
    settings: str
    ndcg: Estimate
    hit: Estimate
    seconds: str


def evaluate_peer(peer: Peer, tables: Tables, folder: Path, out: Path) -> Row:
    """Select a peer's settings on the validation part, then evaluate it on the test part."""
    known, last, _ = leave_last_out(tables.ratings)
    earlier, before_last, _ = leave_last_out(known)
    validation = Split.of(tables, earlier, before_last, folder / "validation")
    test = Split.of(tables, known, last, folder / "test")

    def gains(settings: Mapping[str, Any], split: Split) -> pl.Series:
        file = results_of(peer, settings, split, out)
        return gains_of_last(pl.read_csv(file), split.test)

    best = max(peer.grid, key=lambda settings: gains(settings, validation).to_numpy().mean())
    values = gains(best, test).to_numpy()
    text = ", ".join(f"{name} {value}" for name, value in best.items())
    ndcg, hit = mean_over_users(values), mean_over_users((values > 0).astype(np.float64))
    beside = results_of(peer, best, test, out).with_name(_SECONDS)
    return Row(peer.name, text, ndcg, hit, f"{float(beside.read_text(encoding='utf-8')):.0f}")


def gains_of_last(rankings: pl.DataFrame, last: pl.DataFrame) -> pl.Series:
    """Return NDCG@10 of each user's last movie in a ranking, zero for one that is not ranked."""
    placed = rankings.with_columns(rank=pl.int_range(1, pl.len() + 1).over(USER))
    joined = last.join(placed, on=[USER, MOVIE], how="left")
    gain = pl.when(pl.col("rank") <= TOP).then(1 / (pl.col("rank") + 1).log(2)).otherwise(0.0)
    return joined.select(gain.fill_null(0.0).alias("gain"))["gain"]


def evaluate_foreseen(data: str, folder: Path) -> list[Row]:
    """Return the rows of the reference and of this package, with the moment unknown and known."""
    seconds = folder / _SECONDS
    begun = processor_seconds()
    file = evaluate(data, "leave-last-out", folder, (FORESEEN,), ("--ties", "file"))
    if not seconds.exists():
        seconds.write_text(f"{processor_seconds() - begun:.1f}\n", encoding="utf-8")
    fitted = f"{float(seconds.read_text(encoding='utf-8')):.0f}"
    rows: list[Row] = []
    for summary in json.loads(file.read_text(encoding="utf-8"))["results"]:
        known = f", {MOMENT_KNOWN}" if summary["setting"] == MOMENT_KNOWN else ""
        for by, label, cost in (
            (POPULARITY, criterion_label(POPULARITY), ""),
            (CRITERION, f"Foreseen: `{FORESEEN}` by `{CRITERION}`", fitted),
        ):
            if metrics := summary["lists"].get(by):
                ndcg, hit = (Estimate(**metrics[name]) for name in ("ndcg10", "hit10"))
                rows.append(Row(f"{label}{known}", "", ndcg, hit, cost))
    return rows


def main() -> None:
    """Evaluate all models, print the table and write it if a document is given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="*", default=["ml-latest-small"])
    parser.add_argument("--out", type=Path, default=Path("work/peers"))
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    lines: list[list[str]] = []
    for data in given.data:
        tables = load_data(data, keep_order=True)
        folder = given.out / "splits" / fingerprint(tables) / "next-item"
        rows: list[Row] = []
        for peer in PEERS:
            print(f"{peer.name} ...", file=sys.stderr, flush=True)
            rows.append(evaluate_peer(peer, tables, folder, given.out))
        rows += evaluate_foreseen(data, folder / "foreseen")
        lines += [
            [
                Path(data).name,
                row.model,
                row.settings,
                with_interval(row.ndcg),
                with_interval(row.hit),
                row.seconds,
            ]
            for row in rows
        ]
    put_table("next-item", markdown(COLUMNS, lines), given.into)


if __name__ == "__main__":
    main()
