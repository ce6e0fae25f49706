"""Accuracy of diversified rankings: NDCG@10 against the similarity of the ten movies.

Fold-in protocol: the catalogue is ranked for new users with half of their ratings revealed, and
compared with what they liked of the other half. Similarity is the mean cosine of the genres of two
of the ten movies.

    python benchmarks/diversity.py MODEL_NAME [DATA] [--into docs/experiments.md]
"""

import argparse
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from tables import markdown, put_table, with_interval

from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.intervals import mean_over_users
from foreseen.evaluation.metrics import TOP
from foreseen.evaluation.ranking_metrics import binary_ndcg
from foreseen.evaluation.rankings import eval_users
from foreseen.evaluation.splits import fold_in
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.ranking.rank import CRITERIA, diversify, rank

WEIGHTS: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)
OFFERED: Final = 100


def main() -> None:
    """Rank for every new user with each diversity weight, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    split = fold_in(tables.ratings)
    log = InteractionLog.of(split.known, Catalogue.of(tables.movies))
    model = train_on(log, given.model, parse_settings(given.model), 0).with_ratings(split.revealed)
    catalogue = model.log.catalogue
    movies, vectors = catalogue.movies, catalogue.genre_weights
    ndcg: dict[tuple[str, float], list[float]] = {}
    similarity: dict[tuple[str, float], list[float]] = {}
    for user in eval_users(model.log, split.hidden):
        scores = model.score([user.history], movies.ids, model.log.end - 1)
        watched = np.zeros(len(movies), dtype=np.bool_)
        watched[movies.rows(user.history.movies)] = True
        relevant = movies.rows(user.relevant)
        for by, criterion in CRITERIA.items():
            score = criterion(scores)[0]
            offered = rank(score, watched, OFFERED)
            for weight in WEIGHTS:
                top = diversify(score, offered, vectors, TOP, weight)
                hits = np.isin(top, relevant)
                pairs = [float(vectors[a] @ vectors[b]) for a, b in combinations(top, 2)]
                ndcg.setdefault((by, weight), []).append(binary_ndcg(hits, len(relevant)))
                similarity.setdefault((by, weight), []).append(float(np.mean(pairs)))
    rows: list[list[str]] = []
    for (by, weight), values in ndcg.items():
        delta = np.array(values) - np.array(ndcg[by, WEIGHTS[0]])
        rows.append(
            [
                by,
                f"{weight:g}",
                with_interval(mean_over_users(np.array(values))),
                with_interval(mean_over_users(delta)) if weight else "",
                f"{np.mean(similarity[by, weight]):.2f}",
            ]
        )
    header = ["by", "`--diversity`", "NDCG@10", "delta to 0 (paired)", "similarity of two of ten"]
    put_table("diversity", markdown(header, rows), given.into)


if __name__ == "__main__":
    main()
