"""Comparison with other libraries on the next movie: leave-last-out over the full catalogue.

Each user's last rating is the test part, the one before it the validation part; ratings of one
second are in the order of the file. Peers run in separate environments (see `peers.py`), their
settings are selected on the validation part from a few, and the test part is ranked once. "Moment
known": the time of the rating to predict is an input, as in the code of HSTU's authors. Intervals
are over users; seconds are those of fitting and ranking, with one process at a time.

    python benchmarks/next_item.py [DATA...] [--out work/peers] [--into docs/evaluation.md]
"""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from peers import Peer, Split, results_of
from tables import markdown, put_table, with_interval

from foreseen.data.canonical import Tables, load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.fingerprint import fingerprint
from foreseen.data.schema import MOVIE, USER
from foreseen.evaluation.intervals import mean_over_users
from foreseen.evaluation.metrics import TOP
from foreseen.evaluation.ranking_metrics import per_list
from foreseen.evaluation.rankings import eval_users, model_scorer, rank_catalogue
from foreseen.evaluation.splits import leave_last_out
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

SEED: Final = 0
EPOCHS: Final = [{"factors": 64, "length": 100, "epochs": n} for n in (10, 30)]
PEERS: Final = (
    Peer("implicit", "recent popularity", "next-item", [{"half_life_days": d} for d in (30, 180)]),
    Peer("implicit", "EASE", "next-item", [{"regularization": r} for r in (100.0, 300.0, 1000.0)]),
    Peer("rectools", "SASRec", "next-item", EPOCHS),
    Peer("rectools", "HSTU, moment known", "next-item", EPOCHS),
)
COLUMNS: Final = ("data", "model", "settings", "NDCG@10", "HR@10", "seconds")


@dataclass(frozen=True)
class Row:
    """One row of the table: NDCG@10 of each user, and the seconds they took."""

    model: str
    settings: str
    ndcg: pl.Series
    seconds: float


def evaluate_peer(peer: Peer, tables: Tables, out: Path) -> Row:
    """Select a peer's settings on the validation part, then evaluate it on the test part."""
    folder = out / "splits" / fingerprint(tables) / "next-item"
    known, last, _ = leave_last_out(tables.ratings)
    earlier, before_last, _ = leave_last_out(known)
    validation = Split.of(tables, earlier, before_last, folder / "validation")
    test = Split.of(tables, known, last, folder / "test")

    def evaluate(settings: Mapping[str, Any], split: Split) -> tuple[pl.Series, float]:
        file = results_of(peer, settings, split, out)
        seconds = float((file.parent / "seconds").read_text(encoding="utf-8"))
        return ndcg_of_last(pl.read_csv(file), split.test), seconds

    best = max(peer.grid, key=lambda settings: evaluate(settings, validation)[0].to_numpy().mean())
    ndcg, seconds = evaluate(best, test)
    text = ", ".join(f"{name} {value:g}" for name, value in best.items())
    return Row(peer.name, text, ndcg, seconds)


def ndcg_of_last(rankings: pl.DataFrame, last: pl.DataFrame) -> pl.Series:
    """Return NDCG@10 of each user's last movie in a ranking, zero for one that is not ranked."""
    placed = rankings.with_columns(rank=pl.int_range(1, pl.len() + 1).over(USER))
    joined = last.join(placed, on=[USER, MOVIE], how="left")
    gain = pl.when(pl.col("rank") <= TOP).then(1 / (pl.col("rank") + 1).log(2)).otherwise(0.0)
    return joined.select(gain.fill_null(0.0).alias("ndcg"))["ndcg"]


def evaluate_foreseen(tables: Tables) -> list[Row]:
    """Return the rows of the ensemble, by `likely`, with the moment unknown and known."""
    known, last, _ = leave_last_out(tables.ratings)
    begun = time.perf_counter()
    catalogue = Catalogue.of(tables.movies)
    log = InteractionLog.of(known, catalogue, in_file_order=tables.in_file_order)
    model = train_on(log, "ensemble", parse_settings("ensemble"), SEED)
    users = eval_users(model.log, last, relevant_from=0)
    fitted = time.perf_counter() - begun
    rows: list[Row] = []
    for label, is_known in (("", False), (", moment known", True)):
        begun = time.perf_counter()
        rankings = rank_catalogue(model.log, users, model_scorer(model, is_known))
        values = per_list(rankings.filter(pl.col("by") == "likely"))["ndcg10"]
        seconds = fitted + time.perf_counter() - begun
        rows.append(Row(f"Foreseen: `ensemble`{label}", "", pl.Series(values), seconds))
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
        rows: list[Row] = []
        for peer in PEERS:
            print(f"{peer.name} ...", file=sys.stderr, flush=True)
            rows.append(evaluate_peer(peer, tables, given.out))
        print("Foreseen ...", file=sys.stderr, flush=True)
        rows += evaluate_foreseen(tables)
        for row in rows:
            values = row.ndcg.to_numpy()
            metrics = (mean_over_users(part) for part in (values, (values > 0).astype(np.float64)))
            cells = [with_interval(metric) for metric in metrics]
            name = Path(data).name
            lines.append([name, row.model, row.settings, *cells, f"{row.seconds:.0f}"])
    put_table("next-item", markdown(COLUMNS, lines), given.into)


if __name__ == "__main__":
    main()
