"""The benchmarks of scale in a short form: generated data of small sizes, one document of tables.

    python benchmarks/bench.py [OUT]

OUT/bench.md has each table with its command, after the date and the machine. The long forms are in
docs/scale.md.
"""

import argparse
import datetime
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from foreseen.compute.threads import cores
from foreseen.files import write_atomically

HERE: Final = Path(__file__).parent
SIZES: Final = {"small": (200_000, 1_500, 2_000), "medium": (1_000_000, 6_040, 3_706)}
"""Ratings, users and movies of the generated logs."""
TRAINED_ON: Final = (30_000, 250, 1_000)
"""Those of the log that a model is trained on."""


def main() -> None:
    """Generate data, run the benchmarks and write the document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path("work/bench"))
    out: Path = parser.parse_args().out
    folders = [generated(out / name, *size) for name, size in SIZES.items()]
    log, model = generated(out / "log", *TRAINED_ON), out / "model"
    if not model.exists():
        foreseen = ["-m", "foreseen", "train", str(log), "--model", "ensemble", "--out", str(model)]
        run(foreseen)
    peers = str(out.parent / "peers")
    commands = {
        "Ingest and features": ["ingest.py", *map(str, folders), "--features"],
        "First stage": ["first_stage.py", "--factors", "128", "--users", "200", "--out", peers],
        "Rankings by rating": ["recommend_all.py", str(model), "--users", "100"],
        "Rankings by likely": ["recommend_all.py", str(model), "--users", "100", "--by", "likely"],
    }
    now = datetime.datetime.now(datetime.UTC)
    machine = f"{cores()} cores, {platform.machine()}, {platform.system()}, Python"
    parts = [f"# Benchmarks\n\n{now:%Y-%m-%d}, {machine} {platform.python_version()}."]
    for title, (script, *arguments) in commands.items():
        begun = time.perf_counter()
        text = run([str(HERE / script), *arguments])
        print(f"{title}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        command = " ".join(["python", f"benchmarks/{script}", *arguments])
        parts.append(f"## {title}\n\n`{command}`\n\n{text.strip()}")
    document = "\n\n".join(parts) + "\n"
    file = out / "bench.md"
    write_atomically(file, lambda path: path.write_text(document, encoding="utf-8"))
    print(document)


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
