"""Time and memory from `ratings.csv` to canonical Parquet, and to features of all ratings.

Each step runs in a process of its own. The reference is Polars alone, which reads, sorts and writes
the ratings without any check. With several folders of different sizes, the exponents of growth of
the processor time follow.

    python benchmarks/ingest.py FOLDER [FOLDER ...] [--features] [--figure growth.png]

`benchmarks/synthesize.py` generates folders.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from measures import Measure, add_option, write

_RATINGS_PER_BLOCK: Final = 1 << 18
BOUNDS: Final = {"foreseen data get": 2.0, "features of all ratings": 10.0}
"""Greatest ratios of processor time to that of the step before."""
EXPONENT: Final = 1.1
"""Greatest exponent of growth."""
_PLAIN: Final = """
import sys
import polars as pl
source, out = sys.argv[1:]
types = {"userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float64, "timestamp": pl.Int64}
ratings = pl.read_csv(source + "/ratings.csv", schema_overrides=types)
ratings = ratings.sort("timestamp", "userId", "movieId")
ratings.write_parquet(out + "/plain.parquet", compression="zstd")
"""
_CANONICAL: Final = """
import sys
from foreseen.cli import main
source, out = sys.argv[1:]
sys.argv[1:] = ["data", "get", source, "--out", out + "/canonical", "--json"]
main()
"""
_FEATURES: Final = f"""
import sys
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.features.encoder import encode
from foreseen.features.interaction_log import InteractionLog
source, out = sys.argv[1:]
tables = load_data(out + "/canonical")
log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
del tables
queries = log.rating_queries()
for first in range(0, len(queries), {_RATINGS_PER_BLOCK}):
    encode(log.view, queries.part(slice(first, first + {_RATINGS_PER_BLOCK})))
"""


class Cost(NamedTuple):
    """What a process took: seconds, seconds of processors, and GiB of memory at its peak."""

    wall: float
    processor: float
    peak: float


def main() -> None:
    """Measure every step on every folder and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--features", action="store_true", help="also compute all features")
    parser.add_argument("--figure", type=Path, help="picture of the growth, of several folders")
    add_option(parser)
    given = parser.parse_args()
    steps = {"polars alone": _PLAIN, "foreseen data get": _CANONICAL}
    if given.features:
        steps["features of all ratings"] = _FEATURES
    costs: dict[str, list[Cost]] = {name: [] for name in steps}
    counts: list[int] = []
    print("| ratings | step | wall s | processor s | peak GiB | ratio to Polars |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |", flush=True)
    for folder in given.folders:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            for name, program in steps.items():
                cost = measure(program, str(folder), out)
                costs[name].append(cost)
                if name == "foreseen data get":
                    manifest = Path(out) / "canonical" / "manifest.json"
                    counts.append(json.loads(manifest.read_bytes())["ratings"])
                ratio = cost.processor / costs["polars alone"][-1].processor
                rows = f"{counts[-1]:,}" if len(counts) == len(costs[name]) else ""
                print(
                    f"| {rows} | {name} | {cost.wall:.1f} | {cost.processor:.1f} | "
                    f"{cost.peak:.2f} | {ratio:.2f} |",
                    flush=True,
                )
    measures = list(relative(counts, costs))
    if len(counts) > 1:
        for name, of in costs.items():
            exponent = growth(counts, [cost.processor for cost in of])
            print(f"{name}: processor time grows with ratings to the power {exponent:.2f}")
            bound = None if name == "polars alone" else EXPONENT
            label = f"{name}, exponent of growth from {min(counts):,} to {max(counts):,} ratings"
            measures.append(Measure(label, exponent, at_most=bound, digits=2))
        if given.figure:
            draw(counts, costs, given.figure)
    write(measures, given.measures)


def draw(counts: list[int], costs: dict[str, list[Cost]], file: Path) -> None:
    """Draw processor time and memory by the number of ratings."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, of in costs.items():
        seconds = [cost.processor for cost in of]
        label = f"{name} (power {growth(counts, seconds):.2f})"
        left.loglog(counts, seconds, marker="o", label=label)
        right.loglog(counts, [cost.peak for cost in of], marker="o")
    left.set_ylabel("processor seconds")
    right.set_ylabel("peak memory, GiB")
    for axes in (left, right):
        axes.set_xlabel("ratings")
        axes.set_xticks(counts, [f"{count:,}" for count in counts], rotation=20)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.3)
    right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    figure.legend(loc="outside lower center", ncols=len(costs), frameon=False)
    figure.savefig(file, dpi=110)


def relative(counts: list[int], costs: dict[str, list[Cost]]) -> Iterator[Measure]:
    """Yield the processor time of each step beside that of the step before, and its peak."""
    names = list(costs)
    for name, before in zip(names[1:], names, strict=False):
        for count, cost, other in zip(counts, costs[name], costs[before], strict=True):
            label = f"{name}, {count:,} ratings"
            yield Measure(label, cost.processor, "s", before, other.processor, at_most=BOUNDS[name])
            yield Measure(f"{label}, peak", cost.peak, "GiB", digits=2)


def growth(sizes: list[int], seconds: list[float]) -> float:
    """Return the exponent of a power law fitted by least squares in logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def measure(program: str, *arguments: str) -> Cost:
    """Run a program in a process of its own and return what it took.

    Raises:
        CalledProcessError: If it fails.
    """
    begun = time.perf_counter()
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    unit = 2**30 if sys.platform == "darwin" else 2**20
    processor = used.ru_utime + used.ru_stime
    return Cost(time.perf_counter() - begun, processor, used.ru_maxrss / unit)


if __name__ == "__main__":
    main()
