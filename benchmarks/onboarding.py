"""What new users should be asked to rate: the error after their first answers, by strategy.

Users who begin after the first 80 % of the ratings are new to the model. Half of their ratings can
be asked for, and the others are predicted. A strategy offers a page of movies at a time; the user
answers those that they have rated. The error is measured after a number of answers, and after a
number of movies offered, which is what the user's patience allows. Differences to popularity are
paired by user, with 95 % intervals.

    python benchmarks/onboarding.py [DATA] [--users N] [--into docs/experiments.md]
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from tables import markdown, put_table, with_interval

from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, RATING, USER
from foreseen.evaluation.intervals import mean_over_users
from foreseen.evaluation.splits import fold_in
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import History, Queries
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.registry import versions
from foreseen.serving.onboarding import by_spread, onboarding_movies
from foreseen.serving.snapshot import ModelSnapshot

ANSWERS: Final = (5, 10, 20)
OFFERED: Final = (24, 48, 96)
PAGE: Final = 8
MOST_OFFERED: Final = 240
Strategy = Callable[[ModelSnapshot, list[int], list[int], int], list[int]]
"""A function of the model, the rows rated, the rows offered before, and how many to offer."""


def by_popularity(
    snapshot: ModelSnapshot, rated: list[int], before: list[int], k: int
) -> list[int]:
    """Return the rows of the k most rated movies that were not offered before."""
    order = np.argsort(-snapshot.views, kind="stable")
    return order[~np.isin(order, [*rated, *before])][:k].tolist()


STRATEGIES: Final[Mapping[str, Strategy]] = {
    "popularity": by_popularity,
    "spread of ratings": lambda snapshot, rated, before, k: by_spread(
        snapshot, [*rated, *before], k
    ),
    "information": onboarding_movies,
}


def main() -> None:
    """Interview every new user by each strategy, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--users", type=int, help="number of new users; all by default")
    parser.add_argument("--model", type=Path, help="folder of a model fitted to the first 80 %%")
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    tables = load_data(given.data)
    split = fold_in(tables.ratings)
    snapshot = (
        ModelSnapshot.load(given.model) if given.model else fitted(split.known, tables.movies)
    )
    hidden = split.hidden.partition_by(USER, as_dict=True)
    errors: dict[str, dict[str, list[float]]] = {name: {} for name in STRATEGIES}
    counts: dict[str, list[int]] = {name: [] for name in STRATEGIES}
    for key, revealed in list(split.revealed.partition_by(USER, as_dict=True).items())[
        : given.users
    ]:
        for name, strategy in STRATEGIES.items():
            found, answers = interview(snapshot, strategy, revealed, hidden[key])
            counts[name].append(answers)
            for moment in moments():
                errors[name].setdefault(moment, []).append(found.get(moment, np.nan))
    put_table("onboarding", table(errors, counts), given.into)


def fitted(ratings: pl.DataFrame, movies: pl.DataFrame) -> ModelSnapshot:
    """Return the snapshot of an ensemble fitted to ratings."""
    log = InteractionLog.of(ratings, Catalogue.of(movies))
    model = train_on(log, "ensemble", parse_settings("ensemble"), 0)
    with tempfile.TemporaryDirectory() as folder:
        versions.save_model(model, Path(folder) / "model")
        return ModelSnapshot.load(Path(folder) / "model")


def moments() -> list[str]:
    """Return the names of the moments that the error is measured at."""
    return [*(f"{n} answers" for n in ANSWERS), *(f"{n} offered" for n in OFFERED)]


def interview(
    snapshot: ModelSnapshot, strategy: Strategy, revealed: pl.DataFrame, hidden: pl.DataFrame
) -> tuple[dict[str, float], int]:
    """Return the mean absolute error at each moment, and the answers to `MOST_OFFERED` offers."""
    answers = dict(zip(revealed[MOVIE], revealed[RATING], strict=True))
    rows_of = snapshot.model.log.catalogue.movies.rows
    target = rows_of(hidden[MOVIE].to_numpy()).astype(np.int32)
    actual = hidden[RATING].to_numpy()[target >= 0]
    target = target[target >= 0]
    rated: list[int] = []
    before: list[int] = []
    errors: dict[str, float] = {}

    def measure(moment: str) -> None:
        if moment in errors or not len(target):
            return
        codes = snapshot.ids[rated]
        given = np.array([answers[int(code)] for code in codes], dtype=np.float64)
        times = snapshot.now - len(codes) + np.arange(len(codes), dtype=np.int64) - 1
        view = snapshot.model.log.view_of([History(codes, given, times)])
        found = snapshot.model.predict_queries(Queries.grid(1, target, snapshot.now), view)
        errors[moment] = float(np.abs(found.mean - actual).mean())

    while len(before) < MOST_OFFERED:
        page = strategy(snapshot, rated, before, PAGE)
        for row in page:
            before.append(row)
            if int(snapshot.ids[row]) in answers:
                rated.append(row)
                if len(rated) in ANSWERS:
                    measure(f"{len(rated)} answers")
            if len(before) in OFFERED:
                measure(f"{len(before)} offered")
        if not page:
            break
    return errors, len(rated)


def table(errors: dict[str, dict[str, list[float]]], counts: dict[str, list[int]]) -> str:
    """Return the table: the error of popularity, and the paired differences to it."""
    rows: list[list[str]] = []
    for name, by_moment in errors.items():
        cells = [name, f"{np.mean(counts[name]):.1f}"]
        for moment, values in by_moment.items():
            base = np.array(errors["popularity"][moment])
            both = np.isfinite(base) & np.all(
                [np.isfinite(errors[other][moment]) for other in errors], axis=0
            )
            found = np.array(values)[both]
            if name == "popularity":
                cells.append(f"{found.mean():.3f} ({both.sum()} users)")
            else:
                cells.append(with_interval(mean_over_users(found - base[both])))
        rows.append(cells)
    header = ["strategy", f"answers of {MOST_OFFERED} offers", *moments()]
    return markdown(header, rows)


if __name__ == "__main__":
    main()
