"""How long a larger log takes and how much memory: training, folding in, predicting, ranking.

There is no larger log to be had without a network, so one is drawn after a real one: every drawn
user takes about half of the ratings of each of two real users, at the real distances in time, from
another first day on. Movies with few ratings are several movies, so that the catalogue grows too.
The same ratings come back in many users: time and memory tell something, errors nothing.

    python benchmarks/scale.py [DATA] [--times 10] [--model ensemble]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from foreseen.data.canonical import Tables, load_data
from foreseen.data.schema import GENRES, MOVIE, TIME_ORDER, TIMESTAMP, TITLE, USER, YEAR
from foreseen.evaluation.splits import fold_in

FEW = 10
TWINS = 3
RANKED = 100


def main() -> None:
    """Draw a log and measure the command line on it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--model", default="ensemble")
    given = parser.parse_args()
    ratings, movies = drawn_log(load_data(given.data), given.times)
    split = fold_in(ratings)
    users = split.revealed[USER].unique().sort()
    asked = [part for user in users[:RANKED] for part in ("--user", str(user))]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "log").mkdir()
        movies.write_csv(folder / "log" / "movies.csv")
        split.known.write_csv(folder / "log" / "ratings.csv")
        split.revealed.write_csv(folder / "revealed.csv")
        last = split.revealed.group_by(USER).agg(pl.col(TIMESTAMP).max())
        pairs = split.hidden.select(USER, MOVIE).join(last, on=USER)
        pairs.write_csv(folder / "pairs.csv")
        counts = f"{ratings[USER].n_unique():,} users, {ratings[MOVIE].n_unique():,} movies rated"
        print(f"{len(ratings):,} ratings, {counts}; {given.model}", flush=True)
        model, answers = str(folder / "model"), str(folder / "predictions.csv")
        took("train", str(folder / "log"), "--model", given.model, "--out", model)
        took("observe", model, "--ratings", str(folder / "revealed.csv"))
        took("predict", model, "--pairs", str(folder / "pairs.csv"), "--out", answers)
        took("recommend", model, *asked, "--by", "rating", "--json")
        took("recommend", model, *asked, "--by", "blend", "--json")


def drawn_log(tables: Tables, times: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ratings and movies of a log about `times` as large as a real one."""
    generator = np.random.default_rng(0)
    real = tables.ratings
    views = real.group_by(MOVIE).len()
    rare = views.filter(pl.col("len") < FEW)[MOVIE].implode()
    stride = int(tables.movies[MOVIE].to_numpy().max()) + 1
    users = real[USER].unique().sort().to_numpy()
    first, last = tables.manifest.first, tables.manifest.last
    parts: list[pl.DataFrame] = []
    for copy in range(times):
        base = 1 + copy * len(users)
        twin = copy % TWINS * stride
        for side in (users, generator.permutation(users)):
            owners = pl.DataFrame(
                {
                    USER: side,
                    "drawn": base + np.arange(len(users)),
                    "starts": generator.integers(first, last, len(users)),
                }
            )
            half = real.filter(pl.Series(generator.random(len(real)) < 0.5))
            begun = half.group_by(USER).agg(pl.col(TIMESTAMP).min().alias("begun"))
            parts.append(
                half.join(begun, on=USER)
                .join(owners, on=USER)
                .with_columns(
                    pl.col("drawn").alias(USER),
                    pl.when(pl.col(MOVIE).is_in(rare))
                    .then(pl.col(MOVIE) + twin)
                    .otherwise(pl.col(MOVIE))
                    .alias(MOVIE),
                    # Both halves begin together: a session a user, as real ones mostly have.
                    (pl.col(TIMESTAMP) - pl.col("begun") + pl.col("starts")).alias(TIMESTAMP),
                )
                .select(real.columns)
            )
    ratings = pl.concat(parts).unique([USER, MOVIE], keep="first", maintain_order=True)
    year = pl.when(pl.col(YEAR).is_null()).then(pl.lit("")).otherwise(pl.format(" ({})", YEAR))
    titled = tables.movies.select(
        MOVIE, (pl.col(TITLE) + year).alias(TITLE), pl.col(GENRES).list.join("|")
    )
    twins = range(min(TWINS, times))
    movies = pl.concat([titled.with_columns(pl.col(MOVIE) + twin * stride) for twin in twins])
    return ratings.sort(TIME_ORDER), movies


def took(*command: str) -> None:
    """Run a command and print what it took."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from foreseen.cli import main; main()", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{command[0]:>10}: {seconds:7.1f} s, {peak:.1f} GiB at most so far", flush=True)


if __name__ == "__main__":
    main()
