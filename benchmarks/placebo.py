"""What adapting gains where nothing moves: a walk through logs whose sessions have changed places.

In such a log no moment differs from any other, so detectors should be silent, and what a policy
gains over `incremental` (which is told every rating and never learns) is what more examples bring,
not recency. The same walk through the log as it is stands beside them.

    python benchmarks/placebo.py ml-latest-small --model ensemble --seeds 3
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl

from foreseen.data.canonical import Tables, load_data
from foreseen.drift.backtest import Walk, backtest
from foreseen.drift.placebo import shuffle_sessions
from foreseen.evaluation.metrics import paired_differences
from foreseen.models.spec import parse_settings


def walk(tables: Tables, model: str, policies: list[str], start: float, seed: int) -> None:
    """Walk under all policies; print each one's error less that of the first, paired."""
    told = Walk(tables, model, parse_settings(model), policies, start, 0, seed)
    with tempfile.TemporaryDirectory() as folder:
        predictions, costs = backtest(told, Path(folder))
    answers = {name: predictions.filter(pl.col("policy") == name) for name in policies}
    for name in policies[1:]:
        gained = paired_differences(answers[policies[0]], answers[name])
        called = sum(len(cost.reasons) for cost in costs if cost.policy == name)
        figures = ", ".join(f"{figure} {value}" for figure, value in gained.items())
        print(f"  {name} less {policies[0]}: {figures}; trainings called for: {called}", flush=True)


def main() -> None:
    """Walk through the log, then through shuffled ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--model", default="ensemble")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--from", dest="start", type=float, default=0.5)
    parser.add_argument("--policy", action="append", help="beside incremental; adaptive if none")
    given = parser.parse_args()
    tables = load_data(given.data)
    policies = ["incremental", *(given.policy or ["adaptive"])]
    print("the log as it is")
    walk(tables, given.model, policies, given.start, 0)
    for seed in range(given.seeds):
        print(f"sessions shuffled, seed {seed}")
        moved = replace(tables, ratings=shuffle_sessions(tables.ratings, seed))
        walk(moved, given.model, policies, given.start, seed)


if __name__ == "__main__":
    main()
