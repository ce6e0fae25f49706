"""Rankings of many users: recall against the exact ranking, and processor time per user.

Exactly, in two stages one user after the other, and in blocks of users as `recommend --all` does.

With `--movies`, movies that nobody has rated are added to the catalogue.

python benchmarks/recommend_all.py MODEL [--users 100] [--by rating] [--movies 87585]
"""

import argparse
import time
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl
from measures import Measure, add_option, write
from numpy.typing import NDArray

from foreseen.compute.threads import keep_to_one_thread
from foreseen.models.base import Model
from foreseen.ranking.batch import BatchRanker
from foreseen.ranking.rank import CRITERIA, By
from foreseen.ranking.recommend import BLOCK, select
from foreseen.ranking.request import RankingRequest
from foreseen.ranking.two_stage import TwoStageScorer
from foreseen.registry.versions import load_model

RECALL: Final = 0.98
"""Least recall of the default."""
MILLISECONDS: Final = 6.0
"""Most processor time of a user, by rating: 200,948 users in 10 minutes on two cores."""


def main() -> None:
    """Rank for a sample of users, exactly and in two stages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--by", choices=list(CRITERIA), default="rating")
    parser.add_argument("--movies", type=int, default=0)
    add_option(parser)
    given = parser.parse_args()
    model = with_movies(load_model(given.model), given.movies)
    users = np.random.default_rng(0).permutation(model.log.users.ids)[: given.users]
    # Waiting threads of the libraries would count as processor time.
    keep_to_one_thread()
    exact, exact_seconds = ranked(model, users, given.by, exact=True)
    staged, staged_seconds = ranked(model, users, given.by, exact=False)
    blocks, seconds = ranked_in_blocks(model, users, given.by)
    everyone = len(model.log.users) * seconds / 60
    print(f"{len(users)} users of {len(model.log.users):,}, {len(model.log.catalogue):,} movies")
    print(f"exact: {exact_seconds:.4f} processor s per user")
    of_staged, of_blocks = mean_recall(exact, staged), mean_recall(exact, blocks)
    print(f"two stages: {staged_seconds:.4f} processor s per user, recall at 10: {of_staged:.4f}")
    print(f"in blocks: {seconds:.4f} processor s per user, recall at 10: {of_blocks:.4f}")
    print(f"in blocks: {everyone:.1f} minutes of one core for all users")
    name = f"rankings by {given.by}, {len(model.log.catalogue):,} movies"
    bound = MILLISECONDS if given.by == "rating" else None
    write(
        [
            Measure(f"{name}, processor time per user", 1000 * seconds, "ms", at_most=bound),
            Measure(f"{name}, recall at 10 of the exact", of_blocks, at_least=RECALL, digits=4),
        ],
        given.measures,
    )


def with_movies(model: Model, count: int) -> Model:
    """Return a model with movies without ratings, up to a number of movies."""
    catalogue = model.log.catalogue
    new = int(catalogue.movies.ids.max()) + 1 + np.arange(max(count - len(catalogue), 0))
    log = replace(model.log, catalogue=catalogue.extended(new))
    return replace(model, log=log, predictor=model.predictor.observed(log))


def ranked(
    model: Model, users: NDArray[np.int64], by: By, exact: bool
) -> tuple[list[NDArray[np.intp]], float]:
    """Return the ten best movies of each user, and the processor seconds per user."""
    request = RankingRequest(10, by)
    begun = time.process_time()
    found = [
        select(TwoStageScorer(model, model.history(int(user)), model.log.end, exact=exact), request)
        for user in users
    ]
    return found, (time.process_time() - begun) / len(users)


def ranked_in_blocks(
    model: Model, users: NDArray[np.int64], by: By
) -> tuple[list[NDArray[np.intp]], float]:
    """Return the same, ranked in blocks."""
    ranker = BatchRanker(model, RankingRequest(10, by))
    ranker.rank(users[:1])
    begun = time.process_time()
    tables = [ranker.rank(users[first : first + BLOCK]) for first in range(0, len(users), BLOCK)]
    seconds = (time.process_time() - begun) / len(users)
    movies = pl.concat(tables).group_by("userId", maintain_order=True).agg("movieId")["movieId"]
    rows = model.log.catalogue.movies.rows
    return [rows(of_user.to_numpy()).astype(np.intp) for of_user in movies], seconds


def mean_recall(exact: list[NDArray[np.intp]], found: list[NDArray[np.intp]]) -> float:
    """Return the mean recall over the users."""
    return float(np.mean([recall(*pair) for pair in zip(exact, found, strict=True)]))


def recall(exact: NDArray[np.intp], found: NDArray[np.intp]) -> float:
    """Return the share of the exact ranking that was found."""
    return len(np.intersect1d(exact, found)) / max(len(exact), 1)


if __name__ == "__main__":
    main()
