"""Speed of the first stage of batch rankings, beside implicit's `recommend` and a bare product.

All three get the same vectors, drawn at random, and one thread: this package multiplies a block of
users with all movies and selects the best that a user has not watched, with the functions that
`recommend --all` uses; implicit, in its own environment, does the same in blocks of the same and of
a larger size, of which the faster counts; the bare product only multiplies. They take turns, and of
several turns the fastest counts.

    python benchmarks/first_stage.py [--factors 128 900] [--movies 87585] [--into docs/scale.md]
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from measures import Measure, add_option, write
from numpy.typing import NDArray
from peers import LIBRARIES, ONE_THREAD, environment
from tables import markdown, put_table

from foreseen.compute.threads import keep_to_one_thread
from foreseen.ranking.rank import rank
from foreseen.ranking.recommend import BLOCK

K: Final = 10
WATCHED: Final = 150
"""Movies that each user has watched."""
IMPLICIT_BLOCKS: Final = (BLOCK, 500)
COLUMNS: Final = (
    "factors",
    "movies",
    "bare product, ms per user",
    "first stage, ms per user",
    "implicit, ms per user",
    "rate to the bare product",
    "rate to implicit",
)


class Vectors(NamedTuple):
    """Vectors of users and movies, and what the users have watched, of shape U x W."""

    users: NDArray[np.float32]
    movies: NDArray[np.float32]
    watched: NDArray[np.int64]


def drawn(users: int, movies: int, factors: int) -> Vectors:
    """Return vectors drawn at random."""
    generator = np.random.default_rng(0)
    return Vectors(
        generator.standard_normal((users, factors), dtype=np.float32),
        generator.standard_normal((movies, factors), dtype=np.float32),
        np.sort(generator.integers(movies, size=(users, WATCHED)), axis=1),
    )


def bare_product(vectors: Vectors) -> float:
    """Multiply block by block; return the processor seconds."""
    begun = time.process_time()
    for first in range(0, len(vectors.users), BLOCK):
        _ = vectors.users[first : first + BLOCK] @ vectors.movies.T
    return time.process_time() - begun


def first_stage(vectors: Vectors) -> float:
    """Multiply and select block by block; return the processor seconds."""
    excluded = np.zeros(len(vectors.movies), dtype=np.bool_)
    begun = time.process_time()
    for first in range(0, len(vectors.users), BLOCK):
        found = vectors.users[first : first + BLOCK] @ vectors.movies.T
        for watched, scores in zip(vectors.watched[first : first + BLOCK], found, strict=True):
            excluded[watched] = True
            rank(scores, excluded, K)
            excluded[watched] = False
    return time.process_time() - begun


class Implicit:
    """A process of implicit's environment."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def seconds(self) -> float:
        """Let it recommend to all users; return its processor seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextmanager
def implicit(vectors: Vectors, block: int, out: Path) -> Generator[Implicit]:
    """Start implicit with the vectors."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "factors.npz"
        watched_by = np.repeat(np.arange(len(vectors.users)), WATCHED)
        np.savez(
            file, users=vectors.users, movies=vectors.movies, watched_by=watched_by,
            watched=vectors.watched.reshape(-1),
        )  # fmt: skip
        command = [
            environment("implicit", out),
            LIBRARIES / "implicit_recommend.py",
            file,
            K,
            block,
        ]
        with subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            yield Implicit(process)


def measured(vectors: Vectors, turns: int, out: Path) -> tuple[float, float, float]:
    """Return the seconds of the bare product, the first stage and implicit."""
    times: list[tuple[float, float, float]] = []
    with ExitStack() as stack:
        peers = [stack.enter_context(implicit(vectors, size, out)) for size in IMPLICIT_BLOCKS]
        for turn in range(turns + 1):
            theirs = min(peer.seconds() for peer in peers)
            if turn:  # The first one warms the caches.
                times.append((bare_product(vectors), first_stage(vectors), theirs))
            else:
                first_stage(vectors)
    product, own, theirs = np.min(times, axis=0)
    return float(product), float(own), float(theirs)


def compared(
    users: int, movies: int, factors: Sequence[int], turns: int, out: Path
) -> tuple[str, list[Measure]]:
    """Return the table, of one row per number of factors, and its measures."""
    lines: list[list[str]] = []
    measures: list[Measure] = []
    for count in factors:
        product, own, theirs = measured(drawn(users, movies, count), turns, out)
        rate = users / own
        name = f"first stage, {count} factors, {movies:,} movies"
        measures += [
            Measure(name, rate, "users/s", "implicit", users / theirs, at_least=1, digits=0),
            Measure(name, rate, "users/s", "bare product", users / product, at_least=0.6, digits=0),
        ]
        times = [f"{1000 * seconds / users:.2f}" for seconds in (product, own, theirs)]
        rates = [f"{product / own:.0%}", f"{theirs / own:.1f} times"]
        lines.append([f"{count}", f"{movies:,}", *times, *rates])
    return markdown(COLUMNS, lines), measures


def main() -> None:
    """Measure, print the table and write it if a document is given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--factors", type=int, nargs="+", default=[128, 900])
    parser.add_argument("--movies", type=int, default=87_585)
    parser.add_argument("--users", type=int, default=500, help=f"a multiple of {BLOCK}")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("work/peers"))
    parser.add_argument("--into", type=Path, help="document to write the table into")
    add_option(parser)
    given = parser.parse_args()
    keep_to_one_thread()
    table, measures = compared(given.users, given.movies, given.factors, given.turns, given.out)
    put_table("first-stage", table, given.into)
    write(measures, given.measures)


if __name__ == "__main__":
    main()
