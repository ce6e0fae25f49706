"""Latency of a ranking for one user, in process and over HTTP.

In process every ranking is for a history that was not ranked before: some of the ratings of a user
of the log, so that no cache applies. The cost of HTTP is the difference for a repeated, cached
ranking.

    python benchmarks/latency.py MODEL_DIR [--movies 87000]

With --movies the catalogue is extended to that size by movies without ratings, and only rankings in
process are timed. Otherwise the start of `foreseen serve` is timed too, up to the line that names
its address.
"""

import argparse
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import httpx
import numpy as np
from measures import Measure, add_option, write
from recommend_all import with_movies
from server import Guest, served

from foreseen.compute.threads import keep_to_one_thread
from foreseen.ranking.request import RankingRequest
from foreseen.serving.live_model import freeze_gc
from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating

CALLS: Final = 200
WARM_UP: Final = 5
LENGTHS: Final = (5, 50, 300)
HTTP_LENGTH: Final = 50
BOUND: Final = 25.0
"""Milliseconds of a ranking, up to `BOUND_MOVIES` movies."""
BOUND_MOVIES: Final = 10_000
BOUND_LARGE: Final = 60.0
"""Milliseconds of a ranking of more movies."""
BOUND_START: Final = 5.0
"""Seconds of the start of the server."""
REQUEST: Final = RankingRequest(10)


def main() -> None:
    """Time rankings for histories of several lengths."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--movies", type=int, default=0)
    add_option(parser)
    given = parser.parse_args()
    keep_to_one_thread()
    snapshot = ModelSnapshot.load(given.folder)
    freeze_gc(collect=True)
    if given.movies > len(snapshot.ids):
        snapshot = extended(snapshot, given.movies)
    recommender = Recommender()
    generator = np.random.default_rng(0)
    print(f"{len(snapshot.ids):,} movies, {snapshot.version.model}; milliseconds of {CALLS} calls")
    bound = BOUND if len(snapshot.ids) <= BOUND_MOVIES else BOUND_LARGE
    measures: list[Measure] = []
    for length in LENGTHS:
        histories = iter(
            [snapshot.history(sample(snapshot, length, generator)) for _ in range(CALLS + WARM_UP)]
        )
        times = timed(lambda left=histories: recommender.rank(snapshot, next(left), [], REQUEST))
        median, p99 = np.quantile(times, [0.5, 0.99])
        print(f"{length:>4} known ratings: median {median:6.1f}, 99th percentile {p99:6.1f}")
        name = f"ranking, {length} ratings, {len(snapshot.ids):,} movies, 99th percentile"
        measures.append(Measure(name, float(p99), "ms", at_most=bound))
    if given.movies:
        write(measures, given.measures)
        return
    ratings = sample(snapshot, HTTP_LENGTH, generator)
    history = snapshot.history(ratings)
    in_process = np.median(timed(lambda: recommender.rank(snapshot, history, [], REQUEST)))
    with served(given.folder) as (address, _, start):
        guest = Guest(address)
        with httpx.Client(base_url=address, cookies=guest.cookies, headers=guest.headers) as client:
            for entry in ratings:
                client.put(f"/api/v1/me/ratings/{entry.movie}", json={"rating": entry.rating})
        over_http = np.median(timed(get(address, guest, "/api/v1/me/recommendations?k=10")))
    print(f"cached ranking: {in_process:.1f} in process, {over_http:.1f} over HTTP")
    print(f"start of the server: {start:.1f} s")
    measures += [
        Measure("cached ranking over HTTP, median", float(over_http), "ms"),
        Measure("start of the server", start, "s", at_most=BOUND_START),
    ]
    write(measures, given.measures)


def get(address: str, guest: Guest, path: str) -> Callable[[], object]:
    """Return a function that requests a path over one connection, with a client of low overhead."""
    connection = HTTPConnection(address.removeprefix("http://"))
    cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())

    def request() -> object:
        connection.request("GET", path, headers={"Cookie": cookie})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return body

    return request


def sample(
    snapshot: ModelSnapshot, length: int, generator: np.random.Generator
) -> list[StoredRating]:
    """Return `length` ratings of a random user with at least as many, a minute apart."""
    histories = snapshot.model.log.histories
    starts = histories.starts
    user = generator.choice(np.flatnonzero(np.diff(starts) >= length))
    positions = starts[user] + np.sort(
        generator.choice(starts[user + 1] - starts[user], length, replace=False)
    )
    return [
        StoredRating(int(snapshot.ids[movie]), float(rating), snapshot.now + 60 * n)
        for n, (movie, rating) in enumerate(
            zip(histories.movie[positions], histories.rating[positions], strict=True)
        )
    ]


def timed(call: Callable[[], object]) -> list[float]:
    """Return the durations of repeated calls after a warm-up, in milliseconds."""
    times: list[float] = []
    for _ in range(CALLS + WARM_UP):
        begun = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - begun))
    return times[WARM_UP:]


def extended(snapshot: ModelSnapshot, movies: int) -> ModelSnapshot:
    """Return a snapshot with a catalogue of that size, extended by movies without ratings."""
    model = with_movies(snapshot.model, movies)
    return ModelSnapshot(model, snapshot.version, snapshot.links, snapshot.revision)


if __name__ == "__main__":
    main()
