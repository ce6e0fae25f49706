"""Ablation of the candidate features: NDCG@10 of the next-item logits without each group.

Validation data: the first 60, 70 and 80 % of the ratings. In each, the users who begin in the last
fifth have half of their ratings revealed, and the catalogue is ranked for them. The columns that
are removed are set to zero before the logits are fitted.

    python benchmarks/candidates.py [DATA] [--into docs/experiments.md]
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tables import markdown, put_table, with_interval

from foreseen.candidates.built_in import CANDIDATE_FEATURES, SEQUENCE_FEATURES
from foreseen.candidates.co_occurrence import CO_WATCH_FEATURES
from foreseen.candidates.ease import EASE_FEATURES
from foreseen.candidates.examples import candidate_queries, with_predictions
from foreseen.candidates.generator import Candidates, find_candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.next_item import NextItemModel, fit_next_item
from foreseen.candidates.popularity import POPULARITY_FEATURES, Popularity
from foreseen.candidates.user_knn import KNN_FEATURES
from foreseen.compute.threads import one_thread
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, RATING, USER
from foreseen.evaluation.intervals import mean_over_users
from foreseen.evaluation.metrics import TOP
from foreseen.evaluation.ranking_metrics import binary_ndcg
from foreseen.evaluation.splits import fold_in
from foreseen.features.examples import training_examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.models.ensemble.model import EnsembleSettings, fit_ensemble
from foreseen.models.predictor import FirstStageScorer
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import settings_for
from foreseen.models.train import next_item_examples

ENDS: Final = (0.6, 0.7, 0.8)
SEED: Final = 0
FIVE_CO_WATCH: Final = (
    "co_watch_next",
    "co_watch_5",
    "co_watch_20",
    "co_watch_window",
    "co_watch_window_last",
)
"""One count for each distance, and the one of the latest movie alone."""
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "co-occurrence": CO_WATCH_FEATURES,
    "popularity": POPULARITY_FEATURES,
    "genre similarity": ("genre_similarity", "genre_similarity_latest"),
    "EASE": EASE_FEATURES,
    "user kNN": KNN_FEATURES,
    "movie statistics": ("movie_views", "movie_bias", "movie_idle", "movie_age"),
    "genre and decade affinity": (
        "genre_affinity",
        "genre_ratings",
        "decade_affinity",
        "decade_ratings",
    ),
    "franchise": ("franchise_watched", "franchise_liked"),
    "sequence model": SEQUENCE_FEATURES,
    "predicted rating": ("predicted_rating",),
}
"""Every candidate feature, in one group each."""
ALL: Final = "all features"
REMOVED: Final[Mapping[str, tuple[str, ...]]] = {
    ALL: (),
    **{f"without {name}": features for name, features in GROUPS.items()},
    "five co-occurrence features": tuple(
        name for name in CO_WATCH_FEATURES if name not in FIVE_CO_WATCH
    ),
}


def without(candidates: Candidates, names: tuple[str, ...]) -> Candidates:
    """Return candidates with some of their features set to zero."""
    kept = np.array([name not in names for name in CANDIDATE_FEATURES])
    return replace(candidates, values=candidates.values * kept)


def evaluate(ratings: pl.DataFrame, catalogue: Catalogue) -> dict[str, NDArray[np.float64]]:
    """Return NDCG@10 of each user by `blend` and by `likely`, of shape U x 2, for each row."""
    split = fold_in(ratings)
    known = InteractionLog.of(split.known, catalogue)
    settings = settings_for(len(known.rating), len(catalogue))
    examples = next_item_examples(known, settings, SEED)
    sequence = None
    if settings is not None:
        every = np.ones(len(known.rating), dtype=np.bool_)
        sequence = SequenceModel.fitted(settings, known, every, SEED)
    fit = fit_ensemble(
        EnsembleSettings(),
        known,
        training_examples(known, SEED),
        None,
        SEED,
        candidate_queries(examples),
    )
    candidates = with_predictions(examples, fit.out_of_sample)
    models: dict[str, NextItemModel] = {}
    for row, names in REMOVED.items():
        pairs = zip(examples, candidates, strict=True)
        reduced = [replace(each, candidates=without(part, names)) for each, part in pairs]
        models[row] = fit_next_item(reduced)
    log = known.with_ratings(split.revealed)
    predictor = fit.predictor.observed(log)
    assert isinstance(predictor, FirstStageScorer)
    index, view, movies = CandidateIndex(log), log.view, log.catalogue.movies
    popularity = Popularity.of(log, log.end)
    found: dict[str, list[tuple[float, float]]] = {row: [] for row in REMOVED}
    for hidden in split.hidden.partition_by(USER, maintain_order=True):
        liked = hidden.filter(pl.col(RATING) >= LIKED_FROM)[MOVIE].to_numpy()
        if not len(liked):
            continue
        user = int(log.users.rows([int(hidden[USER][0])])[0])
        watched = log.histories.movie[log.histories.starts[user] : log.histories.starts[user + 1]]
        scores = None
        if sequence is not None:
            rows, moments = np.array([user], np.int32), np.array([log.end])
            scores = sequence.scores(view, rows, log.users.ids[rows], moments)[0]
        offered = find_candidates(index, view, user, log.end, popularity, scores)
        rating = predictor.factor_ratings(view, user, log.end, offered.movies)
        offered = offered.with_ratings(rating)
        for row, names in REMOVED.items():
            shown = without(offered, names)
            by_blend, by_likely = (
                ndcg_of(logit.probabilities(shown), watched, movies.rows(liked))
                for logit in (models[row].liked, models[row].next)
            )
            found[row].append((by_blend, by_likely))
    return {row: np.array(pairs) for row, pairs in found.items()}


def ndcg_of(
    probability: NDArray[np.float64], watched: NDArray[np.int32], liked: NDArray[np.int32]
) -> float:
    """Return the binary NDCG@10 of the unwatched movies ranked by probability."""
    probability[watched] = -1
    top = np.argsort(-probability, kind="stable")[:TOP]
    return binary_ndcg(np.isin(top, liked), len(liked))


def main() -> None:
    """Fit and rank without each group of features, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    catalogue = Catalogue.of(tables.movies)
    count = len(tables.ratings)
    with one_thread():
        parts = [evaluate(tables.ratings.head(int(end * count)), catalogue) for end in ENDS]
    ndcg = {row: np.concatenate([part[row] for part in parts]) for row in REMOVED}
    rows: list[list[str]] = []
    for row, values in ndcg.items():
        cells = [row]
        for column in (0, 1):
            cells.append(with_interval(mean_over_users(values[:, column])))
            delta = mean_over_users(values[:, column] - ndcg[ALL][:, column])
            cells.append("" if row == ALL else with_interval(delta))
        rows.append(cells)
    header = ["", "NDCG@10 by `blend`", "delta to all (paired)", "by `likely`",
              "delta to all (paired)"]  # fmt: skip
    put_table("candidates", markdown(header, rows), given.into)


if __name__ == "__main__":
    main()
