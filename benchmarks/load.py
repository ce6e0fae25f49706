"""Load test of a server: mixed requests at a fixed rate.

The load is open-loop: requests are sent at their due times, whether earlier ones have returned or
not, and a response time counts from the due time. The server is started here, on loopback. Memory
and processor time are read from `/proc` (Linux).

    python benchmarks/load.py MODEL_DIR --rate 100 --seconds 60
"""

import argparse
import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from typing import Final

import aiohttp
import httpx
import numpy as np
from server import Guest, served

GUESTS: Final = 20
CONNECTIONS: Final = 200
MEMORY_SAMPLES: Final = 10


def process_tree(process: int) -> list[int]:
    """Return a process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *map(int, children)]


def resident_mebibytes(process: int) -> float:
    """Return the resident memory of a process and its children."""
    lines = [
        line
        for member in process_tree(process)
        for line in Path(f"/proc/{member}/status").read_text().splitlines()
    ]
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def processor_seconds(process: int) -> float:
    """Return the processor time used by a process and its children."""
    ticks = 0
    for member in process_tree(process):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def send(
    client: aiohttp.ClientSession, guest: Guest, kind: str, movie: int, due: float
) -> tuple[str, int, float]:
    """Send one request; return its kind, its status (0 for none), and seconds since it was due."""
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    request = {
        "rate": ("PUT", f"/api/v1/me/ratings/{movie}"),
        "ranking": ("GET", "/api/v1/me/recommendations?k=20"),
        "likely": ("GET", "/api/v1/me/recommendations?k=20&by=likely"),
        "movie": ("GET", f"/api/v1/movies/{movie}"),
        "search": ("GET", "/api/v1/movies?query=the+godfathr"),
        "page": ("GET", "/rate"),
    }[kind]
    body = {"rating": 0.5 * (1 + movie % 10)} if kind == "rate" else None
    cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    try:
        async with client.request(
            *request, json=body, headers={**guest.headers, "Cookie": cookie}
        ) as response:
            await response.read()
            status = response.status
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    return kind, status, time.perf_counter() - due


async def sample_memory(process: int, seconds: float, samples: list[float]) -> None:
    """Append the memory of a process and its children at regular times, the last at the end."""
    for _ in range(MEMORY_SAMPLES + 1):
        samples.append(resident_mebibytes(process))
        await asyncio.sleep(seconds / MEMORY_SAMPLES)


async def load(address: str, process: int, rate: float, seconds: float, movies: list[int]) -> None:
    """Send requests at a rate and print response times, statuses and memory."""
    memory: list[float] = []
    guests = [Guest(address) for _ in range(GUESTS)]
    generator = np.random.default_rng(0)
    kinds = generator.choice(
        ["rate", "ranking", "likely", "movie", "search", "page"],
        int(rate * seconds),
        p=[0.25, 0.3, 0.1, 0.2, 0.1, 0.05],
    )
    connections = aiohttp.TCPConnector(limit=CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(
        address, connector=connections, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as client:
        begun = time.perf_counter() + 0.5
        sampling = asyncio.create_task(sample_memory(process, seconds, memory))
        tasks = [
            send(
                client,
                guests[n % GUESTS],
                str(kind),
                int(movies[generator.integers(len(movies))]),
                begun + n / rate,
            )
            for n, kind in enumerate(kinds)
        ]
        responses = await asyncio.gather(*tasks)
        await sampling
    milliseconds = np.array([taken for _, _, taken in responses]) * 1000
    statuses = Counter(status for _, status, _ in responses)
    print(f"{len(responses):,} requests at {rate:g}/s, ms: {quantiles(milliseconds)}, "
          f"statuses {dict(statuses)}")  # fmt: skip
    for kind in np.unique(kinds):
        part = milliseconds[kinds == kind]
        print(f"  {kind:<8}{len(part):>6}: {quantiles(part)}")
    print("memory during the run, MiB:", *(f"{sample:.0f}" for sample in memory))


def quantiles(milliseconds: np.ndarray) -> str:
    """Return the median and the 99th percentile as text."""
    median, p99 = np.quantile(milliseconds, [0.5, 0.99])
    return f"median {median:6.0f}, 99th percentile {p99:6.0f}"


def main() -> None:
    """Start a server over a copy of a model, warm it up, load it, and stop it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, help="as of `foreseen serve`")
    given = parser.parse_args()
    options = ["--workers", str(given.workers)] if given.workers else []
    with served(given.folder, *options) as (address, process):
        found = httpx.get(f"{address}/api/v1/movies?query=the&limit=100").json()
        movies = [movie["movieId"] for movie in found["movies"]]
        asyncio.run(load(address, process, 10, 3, movies))
        busy = processor_seconds(process)
        asyncio.run(load(address, process, given.rate, given.seconds, movies))
        busy = processor_seconds(process) - busy
        print(f"processor time per request: {1000 * busy / (given.rate * given.seconds):.1f} ms")


if __name__ == "__main__":
    main()
