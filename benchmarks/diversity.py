"""What a diverse ranking costs: NDCG@10 over the catalogue against how alike the ten are.

The fold-in protocol: new users with half of their ratings revealed, measured on what they liked of
the other half. Likeness is the mean cosine of the genres of two of the ten.

    python benchmarks/diversity.py MODEL_NAME [DATA] [--into docs/models.md]
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from tables import markdown, put_table, shown

from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.metrics import TOP, mean_over_users
from foreseen.evaluation.ranking_metrics import hit_ndcg, wanted_by
from foreseen.evaluation.splits import fold_in
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.ranking.recommend import WORTH, diversify, rank

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)
OFFERED = 100


def main() -> None:
    """Rank for every new user, more and more diverse, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--into", type=Path, help="a document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    split = fold_in(tables.ratings)
    log = InteractionLog.of(split.known, Catalogue.of(tables.movies))
    model = train_on(log, given.model, parse_settings(given.model), 0).observe(split.revealed)
    catalogue = model.log.catalogue
    movies, alike = catalogue.movies, catalogue.genre_weights
    found: dict[tuple[str, float], tuple[list[float], list[float]]] = {
        (by, weight): ([], []) for by in WORTH for weight in WEIGHTS
    }
    for user in wanted_by(model, split.hidden):
        scores = model.score([user.history], movies.ids, model.log.end - 1)
        watched = np.zeros(len(movies), dtype=np.bool_)
        watched[movies.rows(user.history.movies)] = True
        relevant = movies.rows(user.relevant)
        for by, worth_of in WORTH.items():
            worth = worth_of(scores)[0]
            places = rank(worth, watched, OFFERED)
            for weight in WEIGHTS:
                ten = diversify(worth, places, alike, TOP, weight)
                pairs = [float(alike[a] @ alike[b]) for a, b in combinations(ten, 2)]
                gains, likeness = found[by, weight]
                gains.append(hit_ndcg(np.isin(ten, relevant), len(relevant)))
                likeness.append(float(np.mean(pairs)))
    rows: list[list[str]] = []
    for by in WORTH:
        plain = np.array(found[by, 0.0][0])
        for weight in WEIGHTS:
            gains, likeness = (np.array(values) for values in found[by, weight])
            price = shown(mean_over_users(gains - plain)) if weight else ""
            ndcg = shown(mean_over_users(gains))
            rows.append([by, f"{weight:g}", ndcg, price, f"{likeness.mean():.2f}"])
    header = ["by", "`--diversity`", "NDCG@10", "less without, paired", "likeness of two of ten"]
    table = markdown(header, rows)
    put_table("diversity", table, given.into)


if __name__ == "__main__":
    main()
