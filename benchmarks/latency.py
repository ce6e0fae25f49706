"""How long one person's ranking takes, in process and over HTTP.

In process every ranking is for a history that was never seen before, so nothing is remembered.

    python benchmarks/latency.py MODEL_DIR
"""

import argparse
import time
from pathlib import Path

import numpy as np

from foreseen.serving.recommend import Recommender, Wish
from foreseen.serving.store import Rated
from foreseen.serving.world import World

CALLS = 200
LENGTHS = (5, 50, 300)


def main() -> None:
    """Time rankings for histories of several lengths."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    world = World.load(given.folder)
    recommender = Recommender()
    generator = np.random.default_rng(0)
    known = np.flatnonzero(world.views > 0)
    print(f"{len(world.ids):,} movies, {world.version.model}; milliseconds of {CALLS} calls")
    for length in LENGTHS:
        taken: list[float] = []
        for call in range(CALLS + 5):
            rows = generator.choice(known, min(length, len(known)), replace=False)
            stars = generator.integers(2, 11, len(rows)) / 2
            rated = [
                Rated(int(world.ids[row]), float(s), world.now + 60 * n)
                for n, (row, s) in enumerate(zip(rows, stars, strict=True))
            ]
            begun = time.perf_counter()
            recommender.rank(world, world.history(rated), [], Wish(10))
            if call >= 5:
                taken.append(1000 * (time.perf_counter() - begun))
        middle, most = np.quantile(taken, [0.5, 0.99])
        print(f"{length:>4} ratings known: median {middle:6.1f}, 99th percentile {most:6.1f}")


if __name__ == "__main__":
    main()
