"""How long one person's ranking takes, in process and over HTTP.

In process every ranking is for a history that was never seen before, some of the ratings of a user
drawn from the log, so nothing is remembered. What HTTP adds is told by asking for the same ranking
again and again, in process and over HTTP.

    python benchmarks/latency.py MODEL_DIR [--movies 87000]

With --movies the catalogue is filled up to that many with movies nobody has rated.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import httpx
import numpy as np
from server import Guest, served

from foreseen.compute.threads import keep_to_one_thread
from foreseen.features.interaction_log import InteractionLog
from foreseen.serving.recommender import Recommender, Wish
from foreseen.serving.snapshot import World, set_aside
from foreseen.serving.store import Rated

CALLS = 200
WARM_UP = 5
LENGTHS = (5, 50, 300)
USUAL = 50


def main() -> None:
    """Time rankings for histories of several lengths."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--movies", type=int, default=0)
    given = parser.parse_args()
    keep_to_one_thread()
    world = World.load(given.folder)
    set_aside()
    if given.movies > len(world.ids):
        world = padded(world, given.movies)
    recommender = Recommender()
    generator = np.random.default_rng(0)
    print(f"{len(world.ids):,} movies, {world.version.model}; milliseconds of {CALLS} calls")
    for length in LENGTHS:
        histories = iter(
            [world.history(rated(world, length, generator)) for _ in range(CALLS + WARM_UP)]
        )
        taken = timed(lambda left=histories: recommender.rank(world, next(left), [], Wish(10)))
        middle, most = np.quantile(taken, [0.5, 0.99])
        print(f"{length:>4} ratings known: median {middle:6.1f}, 99th percentile {most:6.1f}")
    if given.movies:
        return
    same = rated(world, USUAL, generator)
    history = world.history(same)
    inside = np.median(timed(lambda: recommender.rank(world, history, [], Wish(10, tried=0))))
    with served(given.folder) as (address, _):
        guest = Guest(address)
        with httpx.Client(base_url=address, cookies=guest.cookies, headers=guest.headers) as client:
            for entry in same:
                client.put(f"/api/v1/me/ratings/{entry.movie}", json={"rating": entry.rating})
        outside = np.median(timed(asking(address, guest, "/api/v1/me/recommendations?k=10")))
    print(f"a ranking that is remembered: {inside:.1f} in process, {outside:.1f} over HTTP")


def asking(address: str, guest: Guest, path: str) -> Callable[[], object]:
    """Return what asks over one connection, by a client that takes next to no time itself."""
    connection = HTTPConnection(address.removeprefix("http://"))
    cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())

    def ask() -> object:
        connection.request("GET", path, headers={"Cookie": cookie})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return body

    return ask


def rated(world: World, length: int, generator: np.random.Generator) -> list[Rated]:
    """Return some of the ratings of one of the users who gave that many, a minute apart."""
    histories = world.model.log.histories
    starts = histories.starts
    whose = generator.choice(np.flatnonzero(np.diff(starts) >= length))
    places = starts[whose] + np.sort(
        generator.choice(starts[whose + 1] - starts[whose], length, replace=False)
    )
    return [
        Rated(int(world.ids[movie]), float(own), world.now + 60 * n)
        for n, (movie, own) in enumerate(
            zip(histories.movie[places], histories.rating[places], strict=True)
        )
    ]


def timed(call: Callable[[], object]) -> list[float]:
    """Return the milliseconds of calls after the first few."""
    taken: list[float] = []
    for _ in range(CALLS + WARM_UP):
        begun = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - begun))
    return taken[WARM_UP:]


def padded(world: World, movies: int) -> World:
    """Return a world whose catalogue is filled up with movies nobody has rated."""
    old = world.model.log
    first = int(world.ids.max()) + 1
    catalogue = old.catalogue.extended(np.arange(first, first + movies - len(world.ids)))
    log = InteractionLog(catalogue, old.users, old.ratings)
    model = replace(world.model, log=log, predictor=world.model.predictor.observed(log))
    return World(model, world.version, world.links, world.stamp)


if __name__ == "__main__":
    main()
