"""What fitting to a sample of the users costs: errors and rankings, time of processors.

The ensemble is fitted to all users of a log, and to the users in samples of it, as it is to logs of
more than a million ratings. The users of the test part begin after training; half of their
ratings are revealed. Differences are paired, intervals are over users.

    python benchmarks/user_sample.py DATA [--share 0.5] [--into docs/scale.md]
"""

import argparse
import time
from pathlib import Path
from typing import Final

import polars as pl
from tables import markdown, put_table, with_interval

from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.intervals import mean_over_users
from foreseen.evaluation.metrics import paired_differences, rating_errors
from foreseen.evaluation.protocols import evaluate_fold_in
from foreseen.evaluation.ranking_metrics import per_list
from foreseen.evaluation.results import Result
from foreseen.evaluation.splits import FoldIn, fold_in
from foreseen.features import user_sample
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

SEED: Final = 0
SHARES: Final = (0.5, 0.25, 0.125)
HEADER: Final = (
    "users fitted to", "ratings", "RMSE", "RMSE, difference to all", "NDCG@10 by `blend`",
    "difference to all", "seconds of processors",
)  # fmt: skip


def fitted_to(share: float, split: FoldIn, catalogue: Catalogue) -> tuple[Result, int, float]:
    """Return the result of an ensemble fitted to a share, its ratings and its seconds."""
    log = InteractionLog.of(split.known, catalogue)
    user_sample.MOST_RATINGS = share * len(log.rating)
    begin = time.process_time()
    model = train_on(log, "ensemble", parse_settings("ensemble"), SEED)
    seconds = time.process_time() - begin
    return evaluate_fold_in(model, split, "ensemble"), int(model.report["trained_on"]), seconds


def by_blend(result: Result) -> pl.DataFrame:
    """Return the rankings by `blend`."""
    assert result.rankings is not None
    return result.rankings.filter(pl.col("by") == "blend")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--share", type=float, action="append", help=f"by default {SHARES}")
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    split, catalogue = fold_in(tables.ratings), Catalogue.of(tables.movies)
    found = {share: fitted_to(share, split, catalogue) for share in (1.0, *(given.share or SHARES))}
    whole = found[1.0][0]
    base = per_list(by_blend(whole))["ndcg10"]
    rows: list[list[str]] = []
    for share, (result, ratings, seconds) in found.items():
        ndcg = per_list(by_blend(result))["ndcg10"]
        error = paired_differences(whole.events, result.events)["rmse"]
        rows.append(
            [
                f"{share:.1%}",
                f"{ratings:,}",
                with_interval(rating_errors(result.events)["rmse"]),
                "" if result is whole else with_interval(error, 4),
                with_interval(mean_over_users(ndcg)),
                "" if result is whole else with_interval(mean_over_users(ndcg - base)),
                f"{seconds:,.0f}",
            ]
        )
    put_table("user-sample", markdown(HEADER, rows), given.into)


if __name__ == "__main__":
    main()
