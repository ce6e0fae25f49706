"""Profile injection: how far fake accounts raise a little-known movie, and whether they are named.

One per cent of the users are added as fake accounts. Each rates one movie with at most three
ratings, of a mean from 2 to 3.5, with five stars, and 30 to 69 other movies:

- average: random movies near their means;
- random: random movies near the global mean;
- bandwagon: much rated movies, all with five stars;
- contrast: random movies, all with half a star to one and a half, so that five stars stand out.

The accounts are active within the last year (spread) or the last day of the log (burst). The table
has the median rank of the movie among all movies that a user has not rated, over users of the
original log, by each criterion; and how many of the fake accounts `find_injections` names, and how
many others.

    python benchmarks/profile_injection.py MODEL_NAME [DATA] [--movies N] [--into docs/drift.md]
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from tables import markdown, put_table

from foreseen.data.canonical import Tables, load_data
from foreseen.data.schema import MOVIE, RATING, TIME_ORDER, TIMESTAMP, USER
from foreseen.drift.profile_injection import find_injections
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.progress import progress_bar
from foreseen.ranking.rank import CRITERIA

KINDS: Final = ("average", "random", "bandwagon", "contrast")
TIMES: Final = ("spread", "burst")
SHARE: Final = 0.01
DAY: Final = 86_400
USERS: Final = 40
"""Users whose rankings are read."""
POPULAR: Final = 200


@dataclass(frozen=True)
class Attack:
    """A log with fake accounts.

    Attributes:
        tables: The log.
        accounts: Ids of the fake accounts.
    """

    tables: Tables
    accounts: frozenset[int]


def obscure_movies(tables: Tables, count: int, seed: int) -> list[int]:
    """Return ids of random movies with at most three ratings and a mean from 2 to 3.5."""
    found = (
        tables.ratings.group_by(MOVIE)
        .agg(pl.col(RATING).mean().alias("mean"), pl.len().alias("ratings"))
        .filter(pl.col("ratings") <= 3, pl.col("mean").is_between(2, 3.5))
        .sort(MOVIE)
    )
    generator = np.random.default_rng(seed)
    return [int(movie) for movie in generator.choice(found[MOVIE].to_numpy(), count, replace=False)]


def attack(tables: Tables, kind: str, times: str, target: int, seed: int) -> Attack:
    """Return the tables with fake accounts that promote a movie."""
    generator = np.random.default_rng(seed)
    ratings = tables.ratings
    movies = (
        ratings.group_by(MOVIE)
        .agg(pl.col(RATING).mean().alias("mean"), pl.len().alias("ratings"))
        .filter(pl.col(MOVIE) != target)
        .sort(pl.col("ratings"), MOVIE, descending=[True, False])
    )
    ids, means = movies[MOVIE].to_numpy(), movies["mean"].to_numpy()
    overall = ratings[RATING].to_numpy().mean()
    last = int(ratings[TIMESTAMP].to_numpy().max())
    first = int(ratings[USER].to_numpy().max()) + 1
    accounts = range(first, first + int(np.ceil(SHARE * ratings[USER].n_unique())))
    frames: list[pl.DataFrame] = []
    for account in accounts:
        count = int(generator.integers(30, 70))
        offered = POPULAR if kind == "bandwagon" else len(ids)
        rows = generator.choice(min(offered, len(ids)), min(count, len(ids)), replace=False)
        values = {
            "average": means[rows] + generator.normal(0, 0.5, len(rows)),
            "random": generator.normal(overall, 1.0, len(rows)),
            "bandwagon": np.full(len(rows), 5.0),
            "contrast": generator.uniform(0.5, 1.5, len(rows)),
        }[kind]
        start = last - int(generator.integers(600, DAY if times == "burst" else 365 * DAY))
        order = generator.permutation(len(rows) + 1)
        frames.append(
            pl.DataFrame(
                {
                    USER: np.full(len(order), account),
                    MOVIE: np.append(ids[rows], target)[order],
                    RATING: np.append(np.clip(np.round(values * 2) / 2, 0.5, 5), 5.0)[order],
                    TIMESTAMP: start + 10 * np.arange(len(order)),
                }
            ).cast(ratings.schema)
        )
    mixed = pl.concat([ratings, *frames]).sort(TIME_ORDER)
    return Attack(replace(tables, ratings=mixed), frozenset(accounts))


def ranks(model: Model, users: Sequence[int], target: int) -> dict[str, float]:
    """Return the median rank of a movie among the unwatched movies of users, by criterion."""
    movies = model.log.catalogue.movies
    row = int(movies.rows([target])[0])
    found: dict[str, list[int]] = {by: [] for by in CRITERIA}
    for user in users:
        history = model.history(user)
        watched = np.zeros(len(movies), dtype=np.bool_)
        watched[movies.rows(history.movies)] = True
        if watched[row]:
            continue
        scores = model.score([history], movies.ids)
        for by, criterion in CRITERIA.items():
            score = np.where(watched, -np.inf, criterion(scores)[0])
            found[by].append(1 + int((score > score[row]).sum()))
    return {by: float(np.median(values)) for by, values in found.items()}


def main() -> None:
    """Train on every attacked log, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--movies", type=int, default=3, help="movies attacked, one at a time")
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    targets = obscure_movies(tables, given.movies, 0)
    everyone = tables.ratings[USER].unique().sort().to_numpy()
    users = np.random.default_rng(1).choice(everyone, min(USERS, len(everyone)), replace=False)
    sample = [int(user) for user in users]
    settings = parse_settings(given.model)
    cases = [(kind, times) for kind in KINDS for times in TIMES]
    rows: list[list[str]] = []
    with progress_bar("attacks", len(cases) * len(targets) + 1) as advance:
        original = train(tables, given.model, settings)
        before = [ranks(original, sample, target) for target in targets]
        rows.append(["none", *_ranges(before), ""])
        advance(1)
        for kind, times in cases:
            after: list[dict[str, float]] = []
            named = others = accounts = 0
            for target in targets:
                attacked = attack(tables, kind, times, target, target)
                model = train(attacked.tables, given.model, settings)
                after.append(ranks(model, sample, target))
                suspects = {u for found in find_injections(model.log) for u in found.users}
                named += len(suspects & attacked.accounts)
                others += len(suspects - attacked.accounts)
                accounts += len(attacked.accounts)
                advance(1)
            rows.append([f"{kind}, {times}", *_ranges(after), f"{named} of {accounts}, {others}"])
    header = ["attack", *CRITERIA, "fake accounts named, others named"]
    put_table(f"injection-{given.model}", markdown(header, rows), given.into)


def _ranges(found: Sequence[dict[str, float]]) -> list[str]:
    """Return the lowest and the highest median rank by criterion; one number if they are equal."""
    ends = ((min(part[by] for part in found), max(part[by] for part in found)) for by in CRITERIA)
    return [f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}" for low, high in ends]


if __name__ == "__main__":
    main()
