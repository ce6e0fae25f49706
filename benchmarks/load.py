"""Load test of a server: mixed requests at a fixed rate.

The load is open-loop: requests are sent at their due times, whether earlier ones have returned or
not, and a response time counts from the due time. The server is started here, on loopback. Memory
and processor time are read from `/proc` (Linux).

    python benchmarks/load.py MODEL_DIR --rate 100 --seconds 60

`benchmarks/soak/load.py` checks bounds on such measurements, also beyond the server's capacity.
"""

import argparse
import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

from measures import Measure, add_option, write
from mixed_load import (
    KINDS,
    MixedLoad,
    Response,
    milliseconds,
    processor_seconds,
    resident_mebibytes,
)
from server import served

MEMORY_SAMPLES: Final = 10
REQUESTS_OF_A_KIND: Final = 300
WARM_UP_SECONDS: Final = 20
"""The first worker is ready before the others start."""
BOUND: Final = 150.0
"""Milliseconds at the 99th percentile."""


async def sample_memory(process: int, seconds: float, samples: list[float]) -> None:
    """Append the memory of a process and its children at regular times, the last at the end."""
    for _ in range(MEMORY_SAMPLES + 1):
        samples.append(sum(resident_mebibytes(process).values()))
        await asyncio.sleep(seconds / MEMORY_SAMPLES)


async def measure(load: MixedLoad, process: int, rate: float, seconds: float) -> list[Response]:
    """Send requests at a rate, print response times, statuses and memory; return the responses."""
    memory: list[float] = []
    responses, _ = await asyncio.gather(
        load.at_rate(rate, seconds), sample_memory(process, seconds, memory)
    )
    statuses = Counter(response.status for response in responses)
    print(f"{len(responses):,} requests at {rate:g}/s, ms: {quantiles(responses)}, "
          f"statuses {dict(statuses)}")  # fmt: skip
    for kind in KINDS:
        part = [response for response in responses if response.kind == kind]
        print(f"  {kind:<8}{len(part):>6}: {quantiles(part)}")
    print("memory during the run, MiB:", *(f"{sample:.0f}" for sample in memory))
    return responses


def measure_processor_time(load: MixedLoad, process: int) -> None:
    """Send requests one after the other, and print the processor time that each kind takes."""
    for kind in KINDS:
        busy = processor_seconds(process)
        asyncio.run(load.in_turn(kind, REQUESTS_OF_A_KIND))
        busy = processor_seconds(process) - busy
        print(f"  {kind:<8}processor time {1000 * busy / REQUESTS_OF_A_KIND:5.1f} ms")


def quantiles(responses: list[Response]) -> str:
    """Return the median and the 99th percentile as text."""
    median, p99 = (milliseconds(responses, quantile) for quantile in (0.5, 0.99))
    return f"median {median:6.0f}, 99th percentile {p99:6.0f}"


def main() -> None:
    """Start a server over a copy of a model, warm it up, load it, and stop it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, help="as of `foreseen serve`")
    add_option(parser)
    given = parser.parse_args()
    options = ["--workers", str(given.workers)] if given.workers else []
    with served(given.folder, *options) as (address, process, _):
        load = MixedLoad(address)
        asyncio.run(measure(load, process, 10, WARM_UP_SECONDS))
        busy = processor_seconds(process)
        responses = asyncio.run(measure(load, process, given.rate, given.seconds))
        busy = processor_seconds(process) - busy
        each = 1000 * busy / len(responses)
        print(f"processor time per request: {each:.1f} ms")
        measure_processor_time(load, process)
    slowest = milliseconds(responses, 0.99)
    failed = sum(not 200 <= response.status < 300 for response in responses)
    name = f"mixed load of {given.rate:g} requests/s"
    write(
        [
            Measure(f"{name}, 99th percentile", slowest, "ms", at_most=BOUND),
            Measure(f"{name}, refused or failed", 100 * failed / len(responses), "%", at_most=0),
            Measure(f"{name}, processor time per request", each, "ms"),
        ],
        given.measures,
    )


if __name__ == "__main__":
    main()
