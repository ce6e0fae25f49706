"""What each kind of evidence brings to the lists: the logits over candidates without one at a time.

Validation data: three logs, each a beginning of the first 80 % of the ratings; in each the users
who come in its last fifth have half of their ratings revealed, and the catalogue is ranked for
them.

    python benchmarks/candidates.py [DATA] [--into docs/models.md]
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tables import markdown, put_table, shown

from foreseen.candidates.co_occurrence import CO_WATCH_FEATURES
from foreseen.candidates.ease import EASE_FEATURES
from foreseen.candidates.generator import (
    CANDIDATE_FEATURES,
    Candidates,
    Popularity,
    find_candidates,
)
from foreseen.candidates.next_item import (
    NextItemModel,
    candidate_queries,
    fit_logit,
    sample_examples,
    with_predictions,
)
from foreseen.candidates.user_knn import KNN_FEATURES
from foreseen.compute.threads import one_thread
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, RATING, USER
from foreseen.evaluation.metrics import TOP, mean_over_users
from foreseen.evaluation.ranking_metrics import hit_ndcg
from foreseen.evaluation.splits import fold_in
from foreseen.features.examples import training_examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.models.ensemble.model import EnsembleSettings, fit_out_of_sample

ENDS: Final = (0.6, 0.7, 0.8)
POPULAR: Final = ("popular_year", "popular_season", "popular_days", "liked_year", "liked_share")
VIEWS: Final = ("movie_views", "movie_bias")
SERIES: Final = ("series_watched", "series_liked")
FORETOLD: Final = "factor_rating"
LEFT_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    "all evidence": (),
    "without what follows and is near": CO_WATCH_FEATURES,
    "without the autoencoder": EASE_FEATURES,
    "without the neighbours": KNN_FEATURES,
    "without popularity": POPULAR,
    "without genres, eras, ages": tuple(
        name
        for name in CANDIDATE_FEATURES
        if name
        not in {
            *CO_WATCH_FEATURES,
            *EASE_FEATURES,
            *KNN_FEATURES,
            *POPULAR,
            *VIEWS,
            *SERIES,
            FORETOLD,
        }
    ),
    "without series": SERIES,
    "without what the factors foretell": (FORETOLD,),
}


def without(candidates: Candidates, names: tuple[str, ...]) -> Candidates:
    """Return candidates of whom some features say nothing."""
    told = np.array([name not in names for name in CANDIDATE_FEATURES])
    return replace(candidates, values=candidates.values * told)


def gains(ratings: pl.DataFrame, catalogue: Catalogue) -> dict[str, NDArray[np.float64]]:
    """Return NDCG@10 of each user by `blend` and by `likely`, of shape users x 2, for each row."""
    split = fold_in(ratings)
    known = InteractionLog.of(split.known, catalogue)
    questions = sample_examples(known, 0)
    predictor, foretold = fit_out_of_sample(
        EnsembleSettings(), known, training_examples(known, 0), 0, candidate_queries(questions)
    )
    candidates = with_predictions(questions, foretold)
    learned: dict[str, NextItemModel] = {}
    for row, names in LEFT_OUT.items():
        told = [without(own, names) for own in candidates]
        learned[row] = NextItemModel(
            fit_logit(told, [question.next for question in questions]),
            fit_logit(told, [question.liked for question in questions]),
        )
    log = known.with_ratings(split.revealed)
    predictor = predictor.observed(log)
    popularity, movies = Popularity.of(log, log.end), log.catalogue.movies
    found: dict[str, list[tuple[float, float]]] = {row: [] for row in LEFT_OUT}
    for own in split.hidden.partition_by(USER, maintain_order=True):
        liked = own.filter(pl.col(RATING) >= LIKED_FROM)[MOVIE].to_numpy()
        if not len(liked):
            continue
        user = int(log.users.rows([int(own[USER][0])])[0])
        watched = log.histories.movie[log.histories.starts[user] : log.histories.starts[user + 1]]
        offered = find_candidates(log, log, user, log.end, popularity)
        first_stage_scores = predictor.first_stage_scores(log, user, log.end)
        offered = offered.foretold(first_stage_scores[offered.movies])
        for row, names in LEFT_OUT.items():
            told = without(offered, names)
            pair: list[float] = []
            for logit in (learned[row].liked, learned[row].next):
                shares = logit.shares(told)
                shares[watched] = -1
                ten = np.argsort(-shares, kind="stable")[:TOP]
                pair.append(hit_ndcg(np.isin(ten, movies.rows(liked)), len(liked)))
            found[row].append((pair[0], pair[1]))
    return {row: np.array(pairs) for row, pairs in found.items()}


def main() -> None:
    """Learn and rank without each kind of evidence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--into", type=Path, help="a document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    catalogue = Catalogue.of(tables.movies)
    count = len(tables.ratings)
    with one_thread():
        parts = [gains(tables.ratings.head(int(end * count)), catalogue) for end in ENDS]
    whole = {row: np.concatenate([part[row] for part in parts]) for row in LEFT_OUT}
    plain = whole["all evidence"]
    rows: list[list[str]] = []
    for row, own in whole.items():
        cells = [row]
        for column in (0, 1):
            cells.append(shown(mean_over_users(own[:, column])))
            less = mean_over_users(own[:, column] - plain[:, column])
            cells.append(shown(less) if LEFT_OUT[row] else "")
        rows.append(cells)
    header = ["", "NDCG@10 by `blend`", "less all, paired", "by `likely`", "less all, paired"]
    put_table("candidates", markdown(header, rows), given.into)


if __name__ == "__main__":
    main()
