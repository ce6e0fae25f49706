"""Thinned logs, and `ensemble` beside its members on them.

A log is thinned to what many sites have: most users with one to three ratings, dates without times
of day, no titles or genres, and new movies. Each user's history is cut into short ones, each of
another user; of the movies, a share becomes other movies in the later part. Models are fitted to
the first 64 % and predict the users who begin before 80 %, half of whose ratings are revealed.

    python benchmarks/sparse_logs.py DATA [--ratings 72000] [--new 0.5] [--tail 1.4] [--seed 0]
    python benchmarks/sparse_logs.py DATA --out ratings.csv
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tables import comparison

from foreseen.candidates.next_item import UNTRAINED
from foreseen.compute.threads import one_thread
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, PREDICTION, RATING, RATINGS_SCHEMA, TIMESTAMP, USER
from foreseen.evaluation.splits import TRAIN_SHARE, cut, fold_in, revealed_until
from foreseen.features.encoder import encode
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.ensemble.model import EnsemblePredictor
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

FULL: Final = "ensemble"
_DAY: Final = 86_400
_LATE: Final = 0.6
_LONGEST: Final = 200


def thinned(
    ratings: pl.DataFrame, count: int, new: float, seed: int, tail: float = 1.4
) -> pl.DataFrame:
    """Return at most `count` ratings of short histories, dated by the day, in time order.

    Args:
        ratings: Canonical ratings.
        count: Number of ratings.
        new: Probability that a movie of the later part is another one than before.
        seed: Random seed.
        tail: Exponent of the Pareto distribution of the lengths of histories: a median of one
            rating with 1.4, of two with 0.75.
    """
    generator = np.random.default_rng(seed)
    log = ratings.sort(USER, TIMESTAMP, MOVIE)
    user, movie = log[USER].to_numpy(), log[MOVIE].to_numpy().astype(np.int64)
    # Lengths with a heavy tail, cut where the history of a user ends.
    lengths = np.minimum(np.ceil(generator.pareto(tail, len(log)) + 1e-9), _LONGEST)
    begins = np.zeros(len(log), dtype=np.bool_)
    begins[np.minimum(np.cumsum(lengths.astype(np.int64)), len(log) - 1)] = True
    begins |= np.append(True, user[1:] != user[:-1])
    part = np.cumsum(begins)
    chosen = generator.permutation(np.unique(part))
    sizes = np.bincount(part)[chosen]
    kept = np.isin(part, chosen[np.cumsum(sizes) <= count])
    day = log[TIMESTAMP].to_numpy() // _DAY * _DAY
    late = day >= np.quantile(day[kept], _LATE)
    renamed = np.unique(movie)
    renamed = renamed[generator.random(len(renamed)) < new]
    movie = np.where(late & np.isin(movie, renamed), movie + movie.max() + 1, movie)
    table = {USER: part, MOVIE: movie, RATING: log[RATING].to_numpy(), TIMESTAMP: day}
    thin = pl.DataFrame(table).filter(pl.Series(kept))
    return thin.cast(RATINGS_SCHEMA).sort(TIMESTAMP, USER, MOVIE)


def main() -> None:
    """Write a thinned log, or print a table of the models on it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--ratings", type=int, default=72_000)
    parser.add_argument("--new", type=float, default=0.5)
    parser.add_argument("--tail", type=float, default=1.4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="CSV file to write the thinned log to")
    given = parser.parse_args()
    tables = load_data(given.data)
    ratings = thinned(tables.ratings, given.ratings, given.new, given.seed, given.tail)
    if given.out:
        ratings.write_csv(given.out)
        return
    early, _ = cut(ratings, TRAIN_SHARE)
    split = fold_in(early)
    log = InteractionLog.of(split.known, Catalogue.of(tables.movies.clear()))
    before = revealed_until(split) + 1
    predictions: dict[str, pl.DataFrame] = {}

    def add(name: str, stars: NDArray[np.float64], model: Model) -> None:
        clipped = np.clip(stars, *model.scale)
        predictions[name] = split.hidden.with_columns(pl.Series(PREDICTION, clipped))

    for name in (FULL, "hybrid", "bias"):
        fitted = train_on(log, name, parse_settings(name), given.seed, next_item=UNTRAINED)
        model = fitted.observe(split.revealed)
        queries = model.log.queries(split.hidden, before)
        add(name, model.predict_queries(queries).mean, model)
        if isinstance(model.predictor, EnsemblePredictor):
            with one_thread():
                factors = model.predictor.factors.fold_in(model.log.view, queries).rating
            add("mean of the factor models", factors, model)
            add("item and user bias only", encode(model.log.view, queries).expected, model)
    print(comparison(predictions, FULL))


if __name__ == "__main__":
    main()
