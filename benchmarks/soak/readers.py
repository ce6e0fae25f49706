"""Try damaged and hostile inputs on every reader of files.

    python benchmarks/soak/readers.py --inputs 1000000 [--seed 0] [--reader NAME]

Prints a table of accepted, refused and failed inputs by reader; exits with 1 if any failed. An
input is given by the seed, the reader and its number, so a failure can be repeated, and a run that
ended early goes on with another `--seed`. Inputs with a new kind of message become the origin of
others.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.reader_inputs import READERS, fuzz

_BLOCK = 500


def main() -> int:
    """Run the inputs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="over all readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=list(READERS), help="one reader only")
    arguments = parser.parse_args()
    names = [arguments.reader] if arguments.reader else list(READERS)
    shares = {name: 1 / READERS[name].cost for name in names}
    logging.disable(logging.WARNING)
    failed = 0
    print("reader | inputs | accepted | refused | failures | seconds")
    print("--- | --: | --: | --: | --: | --:")
    for name in names:
        count = max(1, round(arguments.inputs * shares[name] / sum(shares.values())))
        failed += _run(name, count, arguments.seed * 10**9)
    return int(failed > 0)


def _run(name: str, count: int, first: int) -> int:
    """Try `count` inputs on a reader and print its row; return the number of failures."""
    totals = {"accepted": 0, "refused": 0}
    failures = 0
    start = time.perf_counter()
    for block in range(first, first + count, _BLOCK):
        corpus = list(READERS[name].seeds)
        for number in range(block, min(block + _BLOCK, first + count)):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    for result, times in fuzz(name, [number], Path(folder), corpus).items():
                        totals[result] += times
                except AssertionError as error:
                    failures += 1
                    print(f"{error}", file=sys.stderr)
    seconds = time.perf_counter() - start
    row = [name, count, totals["accepted"], totals["refused"], failures, round(seconds)]
    print(" | ".join(str(cell) for cell in row), flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main())
