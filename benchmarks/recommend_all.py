"""Rankings of many users: recall of the two stages against the exact ranking, and time per user.

python benchmarks/recommend_all.py MODEL [--users 100] [--by rating]
"""

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from foreseen.models.base import Model
from foreseen.ranking.rank import CRITERIA, By
from foreseen.ranking.recommend import RankingRequest, select
from foreseen.ranking.two_stage import TwoStageScorer
from foreseen.registry.versions import load_model


def main() -> None:
    """Rank for a sample of users, exactly and in two stages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--by", choices=list(CRITERIA), default="rating")
    given = parser.parse_args()
    model = load_model(given.model)
    users = np.random.default_rng(0).permutation(model.log.users.ids)[: given.users]
    exact, exact_seconds = ranked(model, users, given.by, exact=True)
    staged, seconds = ranked(model, users, given.by, exact=False)
    share = np.mean([recall(*pair) for pair in zip(exact, staged, strict=True)])
    everyone = len(model.log.users) * seconds / 60
    print(f"{len(users)} users of {len(model.log.users):,}, {len(model.log.catalogue):,} movies")
    print(f"exact: {exact_seconds:.3f} processor s per user")
    print(f"two stages: {seconds:.3f} processor s per user, {everyone:.1f} minutes for all")
    print(f"recall of the two stages at 10: {share:.4f}")


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


def recall(exact: NDArray[np.intp], found: NDArray[np.intp]) -> float:
    """Return the share of the exact ranking that was found."""
    return len(np.intersect1d(exact, found)) / max(len(exact), 1)


if __name__ == "__main__":
    main()
