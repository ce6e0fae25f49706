"""Gain of adaptation in logs without drift: backtests of logs with shuffled sessions.

In such a log no period differs from any other, so detectors should find nothing, and the gain of a
policy over `incremental` (which observes every rating and never trains) comes from further training
examples, not from recency. The backtest of the original log is printed first.

    python benchmarks/placebo.py ml-latest-small --model ensemble --seeds 3
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from foreseen.data.canonical import Tables, load_data
from foreseen.drift.backtest import BacktestConfig, backtest
from foreseen.drift.placebo import shuffle_sessions
from foreseen.evaluation.metrics import paired_differences
from foreseen.models.spec import parse_settings


def compare(tables: Tables, model: str, policies: Sequence[str], start: float, seed: int) -> None:
    """Run a backtest and print the paired deltas of each policy to the first."""
    config = BacktestConfig(tables, model, parse_settings(model), policies, start, 0, seed)
    with tempfile.TemporaryDirectory() as folder:
        predictions, windows = backtest(config, Path(folder))
    events = {name: predictions.filter(pl.col("policy") == name) for name in policies}
    for name in policies[1:]:
        deltas = paired_differences(events[policies[0]], events[name])
        reasons = sum(len(window.reasons) for window in windows if window.policy == name)
        metrics = ", ".join(f"{metric} {delta}" for metric, delta in deltas.items())
        print(f"  {name}, delta to {policies[0]}: {metrics}; reasons to retrain: {reasons}",
              flush=True)  # fmt: skip


def main() -> None:
    """Compare the policies on the original log, then on shuffled ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--model", default="ensemble")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--from", dest="start", type=float, default=0.5)
    parser.add_argument(
        "--policy", action="append", help="compared with incremental; default: adaptive"
    )
    given = parser.parse_args()
    tables = load_data(given.data)
    policies = ["incremental", *(given.policy or ["adaptive"])]
    print("original log")
    compare(tables, given.model, policies, given.start, 0)
    for seed in range(given.seeds):
        print(f"sessions shuffled, seed {seed}")
        shuffled = replace(tables, ratings=shuffle_sessions(tables.ratings, seed))
        compare(shuffled, given.model, policies, given.start, seed)


if __name__ == "__main__":
    main()
