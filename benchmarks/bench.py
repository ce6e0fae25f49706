"""The benchmarks of scale in a short form: generated data of small sizes, one table of measures.

    python benchmarks/bench.py [OUT]

OUT/bench.md has the date, the machine, all measures with those of peers and their bounds in one
table, and what each benchmark printed with its command. The long forms are in docs/scale.md.
"""

import argparse
import datetime
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from measures import Measure, read, table_of

from foreseen.compute.threads import cores
from foreseen.files import write_atomically

HERE: Final = Path(__file__).parent
SIZES: Final = {"small": (200_000, 1_500, 2_000), "medium": (1_000_000, 6_040, 3_706)}
"""Ratings, users and movies of the generated logs."""
TRAINED_ON: Final = (30_000, 250, 1_000)
"""Those of the log that a model is trained on."""


class Benchmark(NamedTuple):
    """A benchmark: a name, its script and the arguments."""

    name: str
    script: str
    arguments: Sequence[str]

    @property
    def command(self) -> str:
        """The command line."""
        return " ".join(["python", f"benchmarks/{self.script}", *self.arguments])


def main() -> None:
    """Generate data, run the benchmarks and write the document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path("work/bench"))
    out: Path = parser.parse_args().out
    folders = [str(generated(out / name, *size)) for name, size in SIZES.items()]
    log, model = generated(out / "log", *TRAINED_ON), str(out / "model")
    if not Path(model).exists():
        run(["-m", "foreseen", "train", str(log), "--model", "ensemble", "--out", model])
    peers = str(out.parent / "peers")
    benchmarks = (
        Benchmark("ingest", "ingest.py", [*folders, "--features"]),
        Benchmark(
            "first stage", "first_stage.py", ["--factors", "128", "--users", "200", "--out", peers]
        ),
        Benchmark("rankings by rating", "recommend_all.py", [model]),
        Benchmark("rankings by likely", "recommend_all.py", [model, "--by", "likely"]),
        Benchmark("sequence network", "sequence_speed.py", [folders[0], "--out", peers]),
        Benchmark("latency", "latency.py", [model]),
        Benchmark("latency, many movies", "latency.py", [model, "--movies", "87000"]),
        Benchmark("load", "load.py", [model, "--rate", "50", "--seconds", "20"]),
    )
    measures: list[tuple[str, Measure]] = []
    details: list[str] = []
    failed: list[str] = []
    for benchmark in benchmarks:
        begun = time.perf_counter()
        file = out / f"{benchmark.name}.json"
        try:
            text = run(
                [str(HERE / benchmark.script), *benchmark.arguments, "--measures", str(file)]
            )
        except subprocess.CalledProcessError as error:
            # The others are run all the same.
            failed.append(benchmark.name)
            details.append(f"## {benchmark.name}\n\n`{benchmark.command}` failed: {error}")
            continue
        print(f"{benchmark.name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        measures += [(benchmark.name, measure) for measure in read(file)]
        details.append(f"## {benchmark.name}\n\n`{benchmark.command}`\n\n```\n{text.strip()}\n```")
    machine = f"{cores()} cores, {platform.machine()}, {platform.system()}"
    now = datetime.datetime.now(datetime.UTC)
    header = f"# Benchmarks\n\n{now:%Y-%m-%d}, {machine}, Python {platform.python_version()}."
    document = "\n\n".join([header, table_of(measures), *details]) + "\n"
    file = out / "bench.md"
    write_atomically(file, lambda path: path.write_text(document, encoding="utf-8"))
    print(document)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def generated(folder: Path, ratings: int, users: int, movies: int) -> Path:
    """Generate a data set unless the folder has one; return the folder."""
    if not (folder / "ratings.csv").exists():
        sizes = {"--ratings": ratings, "--users": users, "--movies": movies}
        arguments = [str(part) for pair in sizes.items() for part in pair]
        run([str(HERE / "synthesize.py"), str(folder), *arguments])
    return folder


def run(arguments: Sequence[str]) -> str:
    """Run Python and return what it prints; errors and progress pass through.

    Raises:
        CalledProcessError: If it fails.
    """
    command = [sys.executable, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
