"""Mixed requests to a server on this machine: at a fixed rate, or as fast as it responds."""

import asyncio
import json
import os
import time
from collections.abc import Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx
import numpy as np
from server import Guest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KINDS: Final = {
    "rate": 0.25, "ranking": 0.3, "likely": 0.1, "movie": 0.2, "search": 0.1, "page": 0.05
}  # fmt: skip
"""Kinds of requests and their shares."""
_GUESTS: Final = 20
_CONNECTIONS: Final = 200
_SECONDS: Final = 30
_PASSWORD: Final = "twelve sparrows"  # noqa: S105
_ACCOUNTS: Final = 3
_ENTRIES: Final = 2000
"""Entries of an imported file."""


@dataclass(frozen=True)
class Response:
    """What became of a request.

    Attributes:
        kind: Of the request.
        due: When it was due, in seconds from the start.
        status: Of the response; 0 if there was none.
        seconds: From when it was due to the end of the response.
        problem: Identifier of the problem that the server responded with; empty if there is none.
    """

    kind: str
    due: float
    status: int
    seconds: float
    problem: str = ""


class MixedLoad:
    """Guests and accounts of a server, and the requests that they send."""

    def __init__(self, address: str, seed: int = 0) -> None:
        self._address = address
        self._guests = [Guest(address) for _ in range(_GUESTS)]
        self._generator = np.random.default_rng(seed)
        ranking = httpx.get(
            f"{address}/api/v1/me/recommendations?k=100",
            cookies=self._guests[0].cookies,
            timeout=_SECONDS,
        )
        found = ranking.json()["recommendations"]
        self._movies = [int(movie["movieId"]) for movie in found]
        titles = [f"2021-03-07,{movie['title']},{movie['year']},x,4.5" for movie in found]
        lines = ["Date,Name,Year,Letterboxd URI,Rating", *titles]
        lines += [f"2021-03-07,Unknown {n},1999,x,3" for n in range(_ENTRIES - len(titles))]
        self._export = "\n".join(lines).encode()
        self._accounts = [f"load{n}" for n in range(_ACCOUNTS)]
        for name in self._accounts:
            account = {"name": name, "password": _PASSWORD}
            httpx.post(f"{address}/api/v1/accounts", json=account, timeout=_SECONDS)

    async def at_rate(self, rate: float, seconds: float) -> list[Response]:
        """Send requests at their due times, whether earlier ones have returned or not."""
        kinds = self._kinds(int(rate * seconds))
        async with self._client() as client:
            begun = time.perf_counter() + 0.5
            tasks = [self._send(client, kind, begun, n / rate) for n, kind in enumerate(kinds)]
            return list(await asyncio.gather(*tasks))

    async def closed_loop(self, clients: int, seconds: float) -> list[Response]:
        """Send requests of some clients, each as soon as its last one has returned."""
        async with self._client() as client:
            begun = time.perf_counter()

            async def keep_sending() -> list[Response]:
                responses: list[Response] = []
                while (due := time.perf_counter() - begun) < seconds:
                    [kind] = self._kinds(1)
                    responses.append(await self._send(client, kind, begun, due))
                return responses

            lists = await asyncio.gather(*(keep_sending() for _ in range(clients)))
        return [response for responses in lists for response in responses]

    async def in_turn(self, kind: str, requests: int) -> list[Response]:
        """Send requests of one kind, each when the last one has returned."""
        async with self._client() as client:
            begun = time.perf_counter()
            return [
                await self._send(client, kind, begun, time.perf_counter() - begun)
                for _ in range(requests)
            ]

    async def rarely(self, interval: float, seconds: float) -> list[Response]:
        """Import a file and sign in, at an interval."""
        async with self._client() as client:
            begun = time.perf_counter()
            return [
                await self._send(client, kind, begun, due)
                for due in np.arange(0, seconds, interval)
                for kind in ("import", "sign in")
            ]

    @asynccontextmanager
    async def _client(self) -> "AsyncGenerator[aiohttp.ClientSession]":
        async with aiohttp.ClientSession(
            self._address,
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as client:
            yield client

    def _kinds(self, number: int) -> list[str]:
        return list(self._generator.choice(list(KINDS), number, p=list(KINDS.values())))

    async def _send(
        self, client: aiohttp.ClientSession, kind: str, begun: float, due: float
    ) -> Response:
        await asyncio.sleep(max(0.0, begun + due - time.perf_counter()))
        movie = self._movies[self._generator.integers(len(self._movies))]
        guest = self._guests[self._generator.integers(len(self._guests))]
        method, path = {
            "rate": ("PUT", f"/api/v1/me/ratings/{movie}"),
            "ranking": ("GET", "/api/v1/me/recommendations?k=20"),
            "likely": ("GET", "/api/v1/me/recommendations?k=20&by=likely"),
            "movie": ("GET", f"/api/v1/movies/{movie}"),
            "search": ("GET", "/api/v1/movies?query=the+godfathr"),
            "page": ("GET", "/rate"),
            "import": ("POST", "/api/v1/me/imports?from=letterboxd"),
            "sign in": ("POST", "/api/v1/session"),
        }[kind]
        headers = {"Cookie": "; ".join(f"{n}={v}" for n, v in guest.cookies.items())}
        headers |= guest.headers
        data: aiohttp.FormData | str | None = None
        if kind == "rate":
            data = json.dumps({"rating": 0.5 * (1 + movie % 10)})
            headers["Content-Type"] = "application/json"
        elif kind == "sign in":
            name = self._accounts[self._generator.integers(_ACCOUNTS)]
            data = json.dumps({"name": name, "password": _PASSWORD})
            headers = {"Content-Type": "application/json"}
        elif kind == "import":
            data = aiohttp.FormData()
            data.add_field("file", self._export, filename="ratings.csv")
        try:
            async with client.request(method, path, data=data, headers=headers) as response:
                content = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError):
            status, content = 0, b""
        seconds = time.perf_counter() - begun - due
        problem = str(json.loads(content)["type"]).rpartition(":")[2] if status >= 400 else ""
        return Response(kind, due, status, seconds, problem)


def milliseconds(responses: Sequence[Response], quantile: float) -> float:
    """Return a quantile of response times; NaN if there are none."""
    times = [1000 * response.seconds for response in responses]
    return float(np.quantile(times, quantile)) if times else float("nan")


def process_tree(process: int) -> list[int]:
    """Return a process and its children, without that of Python's `multiprocessing`."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [
        process,
        *(
            int(child)
            for child in children
            if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
        ),
    ]


def resident_mebibytes(process: int) -> dict[int, float]:
    """Return the resident memory of a process and its children, by their ids."""
    found: dict[int, float] = {}
    for member in process_tree(process):
        for line in Path(f"/proc/{member}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                found[member] = int(line.split()[1]) / 1024
    return found


def processor_seconds(process: int) -> float:
    """Return the processor time used by a process and its children."""
    ticks = 0
    for member in process_tree(process):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def grouped(responses: Sequence[Response], seconds: float) -> Generator[list[Response]]:
    """Yield the responses of successive periods, by when the requests were due."""
    last = max((response.due for response in responses), default=0.0)
    for period in range(int(last // seconds) + 1):
        yield [response for response in responses if response.due // seconds == period]
