"""A real load on a real server: mixed requests at a fixed rate, and what became of them.

The rate does not wait for answers (open loop), and an answer's time counts from when its request
was due, so that a server that falls behind is not spared. The server is started here, on loopback.

    python benchmarks/load.py MODEL_DIR --rate 100 --seconds 60
"""

import argparse
import asyncio
import os
import time
from collections import Counter
from pathlib import Path

import aiohttp
import httpx
import numpy as np
from server import Guest, served

GUESTS = 20
CONNECTIONS = 200
WEIGHED = 10


def family(process: int) -> list[int]:
    """Return a process and those it began."""
    began = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *map(int, began)]


def resident_mebibytes(process: int) -> float:
    """Return the memory of a process and those it began."""
    lines = [
        line
        for member in family(process)
        for line in Path(f"/proc/{member}/status").read_text().splitlines()
    ]
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def processor_seconds(process: int) -> float:
    """Return how long a process and those it began have kept processors busy."""
    ticks = 0
    for member in family(process):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def send(
    client: aiohttp.ClientSession, guest: Guest, kind: str, movie: int, due: float
) -> tuple[str, int, float]:
    """Send one request and return its kind, the status, and seconds since it was due."""
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
        ) as answer:
            await answer.read()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    return kind, status, time.perf_counter() - due


async def weigh(process: int, seconds: float, found: list[float]) -> None:
    """Note the memory of a process and those it began, ten times and at the end."""
    for _ in range(WEIGHED + 1):
        found.append(resident_mebibytes(process))
        await asyncio.sleep(seconds / WEIGHED)


async def load(address: str, process: int, rate: float, seconds: float, movies: list[int]) -> None:
    """Send requests at a rate and print what became of them."""
    memory: list[float] = []
    guests = [Guest(address) for _ in range(GUESTS)]
    generator = np.random.default_rng(0)
    kinds = generator.choice(
        ["rate", "ranking", "likely", "movie", "search", "page"],
        int(rate * seconds),
        p=[0.25, 0.3, 0.1, 0.2, 0.1, 0.05],
    )
    connections = aiohttp.TCPConnector(limit=CONNECTIONS)
    patience = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(
        address, connector=connections, timeout=patience, cookie_jar=aiohttp.DummyCookieJar()
    ) as client:
        begun = time.perf_counter() + 0.5
        weighing = asyncio.create_task(weigh(process, seconds, memory))
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
        answers = await asyncio.gather(*tasks)
        await weighing
    took = np.array([seconds for _, _, seconds in answers]) * 1000
    statuses = Counter(status for _, status, _ in answers)
    middle, most = np.quantile(took, [0.5, 0.99])
    print(f"{len(answers):,} requests at {rate:g}/s: median {middle:.0f} ms, "
          f"99th percentile {most:.0f} ms, statuses {dict(statuses)}")  # fmt: skip
    for kind in np.unique(kinds):
        own = took[kinds == kind]
        print(f"  {kind:<8}{len(own):>6}: median {np.median(own):6.0f}, "
              f"99th percentile {np.quantile(own, 0.99):6.0f}")  # fmt: skip
    print("memory on the way, MiB:", *(f"{own:.0f}" for own in memory))


def main() -> None:
    """Start a server over a copy of a model, load it, and stop it."""
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
        print(f"{1000 * busy / (given.rate * given.seconds):.1f} ms of processor time each")


if __name__ == "__main__":
    main()
