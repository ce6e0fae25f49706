"""What the sequence model adds to the rankings: NDCG@10 with it and without it.

The ensemble is fitted once per data set and protocol; without the sequence model, the same logits
rank by their other features alone. Leave-last-out ranks each user's last movie with the moment of
that rating unknown; fold-in ranks for users who begin after training, with half of their ratings
revealed. Intervals are over users, differences are paired.

    python benchmarks/sequence.py DATA... [--ties file] [--into docs/models.md]
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl
from tables import markdown, put_table, with_interval

from foreseen.data.canonical import Tables, load_data
from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.intervals import mean_over_users
from foreseen.evaluation.ranking_metrics import per_list
from foreseen.evaluation.rankings import eval_users, model_scorer, rank_catalogue
from foreseen.evaluation.splits import fold_in, leave_last_out
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

SEED: Final = 0
CRITERIA: Final = ("likely", "blend")
COLUMNS: Final = ("data", "protocol", "by", "without", "with", "difference (paired)")


def splits(
    tables: Tables,
) -> Iterator[tuple[str, pl.DataFrame, pl.DataFrame | None, pl.DataFrame, float]]:
    """Yield protocol, ratings to fit, ratings to observe, test ratings, least relevant rating."""
    known, last, _ = leave_last_out(tables.ratings)
    yield "leave-last-out", known, None, last, 0.0
    split = fold_in(tables.ratings)
    yield "fold-in", split.known, split.revealed, split.hidden, LIKED_FROM


def rows_of(name: str, tables: Tables) -> Iterator[list[str]]:
    """Yield the rows of the table for one data set."""
    for protocol, known, revealed, later, relevant_from in splits(tables):
        catalogue = Catalogue.of(tables.movies)
        log = InteractionLog.of(known, catalogue, in_file_order=tables.in_file_order)
        model: Model = train_on(log, "ensemble", parse_settings("ensemble"), SEED)
        if revealed is not None:
            model = model.with_ratings(revealed)
        users = eval_users(model.log, later, relevant_from)
        both, alone = (
            rank_catalogue(model.log, users, model_scorer(each))
            for each in (model, replace(model, sequence=None))
        )
        for by in CRITERIA:
            with_it, without = (
                per_list(rankings.filter(pl.col("by") == by))["ndcg10"]
                for rankings in (both, alone)
            )
            estimates = (mean_over_users(part) for part in (without, with_it, with_it - without))
            yield [name, protocol, by, *(with_interval(estimate) for estimate in estimates)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="+")
    parser.add_argument("--ties", choices=("id", "file"), default="id")
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    found = [
        row
        for data in arguments.data
        for row in rows_of(Path(data).name, load_data(data, keep_order=arguments.ties == "file"))
    ]
    put_table("sequence", markdown(COLUMNS, found), arguments.into)


if __name__ == "__main__":
    main()
