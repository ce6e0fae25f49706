"""Soak test of a server: mixed load for minutes, then twice the load that it can bear.

The server is started here, on loopback, over a copy of a model. First its capacity is measured.
Then requests are sent at a part of it (pages, ratings, rankings, searches, imports, sign-ins),
while the memory of every worker is sampled from `/proc` (Linux): responses must be without errors
and as fast at the end as at the beginning, and memory must not grow. Last, requests are sent at
twice the capacity: those that are not handled soon must be refused at once. The exit status is 1 if
a bound is exceeded.

    python benchmarks/soak/load.py MODEL_DIR [--minutes 10] [--json]
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from mixed_load import MixedLoad, Response, grouped, milliseconds, resident_mebibytes
from server import served

CLIENTS: Final = 16
"""Clients that together use the whole capacity, without being refused."""
PART_OF_CAPACITY: Final = 0.5
IMPORTS: Final = 40
"""The most imports; more from one address would be refused within the hour."""
SAMPLES: Final = 60
MAX_MEBIBYTES_PER_MINUTE: Final = 4.0
MAX_MEBIBYTES: Final = 128.0
"""Bounds on the growth of a worker: in the second half, and in all."""
MAX_SLOWER: Final = 2.0
MAX_SLOWER_MILLISECONDS: Final = 50.0
MAX_ADMITTED_MILLISECONDS: Final = 1000.0
MAX_REFUSED_MILLISECONDS: Final = 100.0
MIN_REFUSED: Final = 0.2
"""A server that refuses less at twice its capacity lets requests wait."""


@dataclass(frozen=True)
class Period:
    """Response times of a part of the soak, in milliseconds."""

    median: float
    p99: float


@dataclass(frozen=True)
class Memory:
    """Memory of a worker in mebibytes, in samples at regular times, and growth per minute."""

    samples: list[float]
    per_minute: float


@dataclass(frozen=True)
class Overload:
    """Requests at twice the capacity: share that was refused, medians in milliseconds."""

    rate: float
    refused: float
    failed: int
    admitted_median: float
    refused_median: float


@dataclass
class Report:
    """The measurements, and the bounds that they exceed."""

    capacity: float
    rate: float
    requests: int
    errors: dict[str, int]
    periods: list[Period]
    workers: list[Memory]
    overload: Overload
    exceeded: list[str] = field(default_factory=list[str])


def errors_of(responses: Sequence[Response]) -> dict[str, int]:
    """Return the number of responses that are no success by kind, status and problem."""
    found: dict[str, int] = {}
    for response in responses:
        if response.status not in {200, 201, 304}:
            key = f"{response.kind}: {response.status} {response.problem}".strip()
            found[key] = found.get(key, 0) + 1
    return found


async def sample_memory(process: int, seconds: float) -> list[Memory]:
    """Return the memory of the workers that live from start to end."""
    samples: list[dict[int, float]] = []
    for _ in range(SAMPLES):
        samples.append(resident_mebibytes(process))
        await asyncio.sleep(seconds / SAMPLES)
    minutes = np.arange(SAMPLES) * seconds / SAMPLES / 60
    late = SAMPLES // 2
    workers: list[Memory] = []
    for worker in set[int].intersection(*map(set, samples)) - {process}:
        values = [round(sample[worker], 1) for sample in samples]
        slope = np.polyfit(minutes[late:], values[late:], 1)[0]
        workers.append(Memory(values, round(float(slope), 2)))
    return workers


async def overloaded(load: MixedLoad, rate: float, seconds: float) -> Overload:
    """Send requests at a rate beyond the capacity."""
    responses = await load.at_rate(rate, seconds)
    refused = [response for response in responses if response.status == 503]
    admitted = [response for response in responses if response.status == 200]
    return Overload(
        rate=round(rate, 1),
        refused=round(len(refused) / len(responses), 3),
        failed=len(responses) - len(refused) - len(admitted),
        admitted_median=round(milliseconds(admitted, 0.5), 1),
        refused_median=round(milliseconds(refused, 0.5), 1),
    )


async def soak(address: str, process: int, minutes: float, overload: float) -> Report:
    """Measure the capacity, then load the server below and above it."""
    load = MixedLoad(address)
    seconds = 60 * minutes
    brief = min(10.0, seconds / 3)
    await load.closed_loop(CLIENTS, brief / 2)
    handled = await load.closed_loop(CLIENTS, brief)
    capacity = len(handled) / brief
    rate = PART_OF_CAPACITY * capacity
    responses, rare, workers = await asyncio.gather(
        load.at_rate(rate, seconds),
        load.rarely(max(5.0, seconds / IMPORTS), seconds),
        sample_memory(process, seconds),
    )
    periods = [
        Period(round(milliseconds(part, 0.5), 1), round(milliseconds(part, 0.99), 1))
        for part in grouped(responses, min(60.0, seconds / 2))
        if len(part) >= 10
    ]
    beyond = await overloaded(load, overload * capacity, 2 * brief)
    return Report(
        capacity=round(capacity, 1),
        rate=round(rate, 1),
        requests=len(responses) + len(rare),
        errors=errors_of([*handled, *responses, *rare]),
        periods=periods,
        workers=workers,
        overload=beyond,
    )


def exceeded(report: Report, minutes: float) -> list[str]:
    """Return the bounds that a report exceeds."""
    first, last = report.periods[0].median, report.periods[-1].median
    checks = {
        "errors": bool(report.errors),
        "response times grow": last > MAX_SLOWER * first + MAX_SLOWER_MILLISECONDS,
        "memory grows": any(
            memory.samples[-1] - memory.samples[0] > MAX_MEBIBYTES
            # For less than some minutes the slope is noise.
            or (minutes >= 8 and memory.per_minute > MAX_MEBIBYTES_PER_MINUTE)
            for memory in report.workers
        ),
        "a worker died": not report.workers,
        "overload is not refused": report.overload.refused < MIN_REFUSED,
        "requests fail under overload": report.overload.failed > 0,
        "admitted requests wait": report.overload.admitted_median > MAX_ADMITTED_MILLISECONDS,
        "refusals are slow": report.overload.refused_median > MAX_REFUSED_MILLISECONDS,
    }
    return [name for name, is_exceeded in checks.items() if is_exceeded]


def main() -> int:
    """Run the soak test and print the report; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--overload", type=float, default=2, help="multiple of the capacity")
    parser.add_argument("--workers", type=int, help="as of `foreseen serve`")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args()
    options = ["--workers", str(given.workers)] if given.workers else []
    with served(given.folder, *options) as (address, process, _):
        report = asyncio.run(soak(address, process, given.minutes, given.overload))
    report.exceeded = exceeded(report, given.minutes)
    if given.json:
        print(json.dumps(asdict(report), indent=2))
    else:
        print_report(report)
    return 1 if report.exceeded else 0


def print_report(report: Report) -> None:
    """Print a report as text."""
    print(f"capacity: {report.capacity:g} requests/s")
    print(f"{report.requests:,} requests at {report.rate:g}/s, errors: {report.errors or 'none'}")
    for number, period in enumerate(report.periods, start=1):
        print(f"  part {number}: median {period.median:g} ms, 99 % {period.p99:g} ms")
    for memory in report.workers:
        first, last = memory.samples[0], memory.samples[-1]
        print(f"  worker: {first:.0f} to {last:.0f} MiB, at last {memory.per_minute:+g} per minute")
    beyond = report.overload
    print(f"{beyond.rate:g} requests/s: {beyond.refused:.0%} refused, {beyond.failed} failed")
    print(f"  median {beyond.admitted_median:g} ms, of refusals {beyond.refused_median:g} ms")
    print("exceeded:", ", ".join(report.exceeded) or "nothing")


if __name__ == "__main__":
    sys.exit(main())
