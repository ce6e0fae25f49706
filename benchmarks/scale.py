"""Time and memory on a larger log: training, observing, predicting, ranking.

The log is generated from a real one, because no larger one is available offline. Every generated
user takes about half of the ratings of each of two real users, with the original intervals between
them, from another first day on. Rare movies are split into several, so that the catalogue grows
too. The same ratings occur for many users: time and memory are meaningful, errors are not.

    python benchmarks/scale.py [DATA] [--times 10] [--model ensemble]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from foreseen.data.canonical import Tables, load_data
from foreseen.data.schema import GENRES, MOVIE, TIME_ORDER, TIMESTAMP, TITLE, USER, YEAR
from foreseen.evaluation.splits import fold_in

RARE_BELOW: Final = 10
COPIES: Final = 3
"""Movies that a rare movie is split into."""
RANKED_USERS: Final = 100


def main() -> None:
    """Generate a log and time the command line on it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--model", default="ensemble")
    given = parser.parse_args()
    ratings, movies = generate_log(load_data(given.data), given.times)
    split = fold_in(ratings)
    users = split.revealed[USER].unique().sort()
    options = [part for user in users[:RANKED_USERS] for part in ("--user", str(user))]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "log").mkdir()
        movies.write_csv(folder / "log" / "movies.csv")
        split.known.write_csv(folder / "log" / "ratings.csv")
        split.revealed.write_csv(folder / "revealed.csv")
        last = split.revealed.group_by(USER).agg(pl.col(TIMESTAMP).max())
        pairs = split.hidden.select(USER, MOVIE).join(last, on=USER)
        pairs.write_csv(folder / "pairs.csv")
        counts = f"{ratings[USER].n_unique():,} users, {ratings[MOVIE].n_unique():,} rated movies"
        print(f"{len(ratings):,} ratings, {counts}; {given.model}", flush=True)
        model, predictions = str(folder / "model"), str(folder / "predictions.csv")
        run("train", str(folder / "log"), "--model", given.model, "--out", model)
        run("observe", model, "--ratings", str(folder / "revealed.csv"))
        run("predict", model, "--pairs", str(folder / "pairs.csv"), "--out", predictions)
        run("recommend", model, *options, "--by", "rating", "--json")
        run("recommend", model, *options, "--by", "blend", "--json")


def generate_log(tables: Tables, times: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ratings and movies of a log about `times` as large as a real one."""
    generator = np.random.default_rng(0)
    real = tables.ratings
    views = real.group_by(MOVIE).len()
    rare = views.filter(pl.col("len") < RARE_BELOW)[MOVIE].implode()
    stride = int(tables.movies[MOVIE].to_numpy().max()) + 1
    users = real[USER].unique().sort().to_numpy()
    first, last = tables.manifest.first, tables.manifest.last
    parts: list[pl.DataFrame] = []
    for copy in range(times):
        first_user = 1 + copy * len(users)
        id_offset = copy % COPIES * stride
        for side in (users, generator.permutation(users)):
            generated = pl.DataFrame(
                {
                    USER: side,
                    "generated": first_user + np.arange(len(users)),
                    "starts": generator.integers(first, last, len(users)),
                }
            )
            half = real.filter(pl.Series(generator.random(len(real)) < 0.5))
            begun = half.group_by(USER).agg(pl.col(TIMESTAMP).min().alias("begun"))
            parts.append(
                half.join(begun, on=USER)
                .join(generated, on=USER)
                .with_columns(
                    pl.col("generated").alias(USER),
                    pl.when(pl.col(MOVIE).is_in(rare))
                    .then(pl.col(MOVIE) + id_offset)
                    .otherwise(pl.col(MOVIE))
                    .alias(MOVIE),
                    # Both halves begin together: most real users have one session.
                    (pl.col(TIMESTAMP) - pl.col("begun") + pl.col("starts")).alias(TIMESTAMP),
                )
                .select(real.columns)
            )
    ratings = pl.concat(parts).unique([USER, MOVIE], keep="first", maintain_order=True)
    year = pl.when(pl.col(YEAR).is_null()).then(pl.lit("")).otherwise(pl.format(" ({})", YEAR))
    titled = tables.movies.select(
        MOVIE, (pl.col(TITLE) + year).alias(TITLE), pl.col(GENRES).list.join("|")
    )
    copies = range(min(COPIES, times))
    movies = pl.concat([titled.with_columns(pl.col(MOVIE) + n * stride) for n in copies])
    return ratings.sort(TIME_ORDER), movies


def run(*command: str) -> None:
    """Run a command and print its duration and the peak memory of all commands so far."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from foreseen.cli import main; main()", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{command[0]:>10}: {seconds:7.1f} s, peak memory so far {peak:.1f} GiB", flush=True)


if __name__ == "__main__":
    main()
