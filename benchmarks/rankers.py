"""LambdaRank in place of the conditional logits: NDCG@10 on the same candidates and features.

The last fifth of the users of the first part of the log reveal half of their ratings, and the
catalogue is ranked for them: by `blend` (liked movies among all hidden ones) and by `likely` (the
next movie). Predicted ratings are not among the features here.

    pip install lightgbm==4.6.0
    python benchmarks/rankers.py [DATA] [--end 0.8] [--into docs/experiments.md]
"""

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tables import markdown, put_table, with_interval

from candidates import ndcg_of
from foreseen.candidates.examples import NextItemExample
from foreseen.candidates.generator import Candidates, find_candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.next_item import fit_next_item
from foreseen.candidates.popularity import Popularity
from foreseen.compute.threads import one_thread
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, RATING, USER
from foreseen.evaluation.intervals import mean_over_users
from foreseen.evaluation.splits import fold_in
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import settings_for
from foreseen.models.train import next_item_examples

SEED: Final = 0
SIZES: Final = ((7, 100), (15, 200), (31, 200))
"""Leaves of each tree, and trees."""
LOGITS: Final = "conditional logits"

Probabilities = Callable[[Candidates], NDArray[np.float64]]


class User(NamedTuple):
    """What is offered to a user, and what the user watched, likes and watches next."""

    offered: Candidates
    watched: NDArray[np.int32]
    liked: NDArray[np.int32]
    following: NDArray[np.int32]


def prepared(
    ratings: pl.DataFrame, catalogue: Catalogue
) -> tuple[list[NextItemExample], list[User]]:
    """Return the examples of training, and the users that the catalogue is ranked for."""
    split = fold_in(ratings)
    known = InteractionLog.of(split.known, catalogue)
    settings = settings_for(len(known.rating), len(catalogue))
    assert settings is not None, "the log is too small for a sequence model"
    examples = next_item_examples(known, settings, SEED)
    every = np.ones(len(known.rating), dtype=np.bool_)
    sequence = SequenceModel.fitted(settings, known, every, SEED)
    log = known.with_ratings(split.revealed)
    index, view, movies = CandidateIndex(log), log.view, log.catalogue.movies
    popularity, moment = Popularity.of(log, log.end), np.array([log.end])
    users: list[User] = []
    for hidden in split.hidden.partition_by(USER, maintain_order=True):
        row = log.users.rows([int(hidden[USER][0])]).astype(np.int32)
        scores = sequence.scores(view, row, log.users.ids[row], moment)[0]
        user = int(row[0])
        liked = hidden.filter(pl.col(RATING) >= LIKED_FROM)[MOVIE].to_numpy()
        users.append(
            User(
                find_candidates(index, view, user, log.end, popularity, scores),
                log.histories.movie[log.histories.starts[user] : log.histories.starts[user + 1]],
                movies.rows(liked),
                movies.rows(hidden[MOVIE].to_numpy()[:1]),
            )
        )
    return examples, users


def lambdarank(
    examples: Sequence[NextItemExample], is_liked: bool, leaves: int, trees: int
) -> Probabilities:
    """Return LambdaRank (Burges et al., 2006) fitted to the examples with a positive."""
    lightgbm: Any = import_module("lightgbm")
    wanted = [example.liked if is_liked else example.next for example in examples]
    pairs = [(e.candidates, y) for e, y in zip(examples, wanted, strict=True) if y.any()]
    data = lightgbm.Dataset(
        np.concatenate([candidates.values for candidates, _ in pairs]),
        np.concatenate([label for _, label in pairs]).astype(np.int32),
        group=[len(label) for _, label in pairs],
    )
    settings = {
        "objective": "lambdarank",
        "num_leaves": leaves,
        "learning_rate": 0.05,
        "min_data_in_leaf": 100,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "label_gain": [0, 1],
        "seed": SEED,
        "num_threads": 1,
        "verbose": -1,
    }
    booster = lightgbm.train(settings, data, trees)

    def probabilities(candidates: Candidates) -> NDArray[np.float64]:
        score = np.full(len(candidates.fallback), -np.inf)
        score[candidates.movies] = booster.predict(candidates.values)
        # Any increasing function gives the same order.
        return 1 / (1 + np.exp(-score))

    return probabilities


def main() -> None:
    """Fit both kinds of rankers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--end", type=float, default=0.8, help="share of the log that is used")
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    ratings = tables.ratings.head(int(given.end * len(tables.ratings)))
    with one_thread():
        examples, users = prepared(ratings, Catalogue.of(tables.movies))
        logits = fit_next_item(examples)
        rankers: dict[str, tuple[Probabilities, Probabilities]] = {
            LOGITS: (logits.liked.probabilities, logits.next.probabilities)
        }
        scored = [e for e in examples if e.scored]
        for leaves, trees in SIZES:
            rankers[f"LambdaRank, {leaves} leaves, {trees} trees"] = (
                lambdarank(scored, True, leaves, trees),
                lambdarank(scored, False, leaves, trees),
            )
        found = {name: np.array([ndcg(pair, u) for u in users]) for name, pair in rankers.items()}
    rows: list[list[str]] = []
    for name, values in found.items():
        cells = [name]
        for column in (0, 1):
            # Without liked movies there is no NDCG of them.
            kept = np.isfinite(values[:, column])
            cells.append(with_interval(mean_over_users(values[kept, column])))
            delta = mean_over_users((values - found[LOGITS])[kept, column])
            cells.append("" if name == LOGITS else with_interval(delta))
        rows.append(cells)
    header = ["", "NDCG@10 by `blend`", "delta (paired)", "by `likely`", "delta (paired)"]
    put_table("rankers", markdown(header, rows), given.into)


def ndcg(rankers: tuple[Probabilities, Probabilities], user: User) -> tuple[float, float]:
    """Return NDCG@10 of the liked movies by the first ranker, of the next movie by the second."""
    by_blend, by_likely = (ranker(user.offered) for ranker in rankers)
    of_liked = ndcg_of(by_blend, user.watched, user.liked) if len(user.liked) else np.nan
    return of_liked, ndcg_of(by_likely, user.watched, user.following)


if __name__ == "__main__":
    main()
