"""Rankings and predictions after ratings with dates far from those of the rest of a log.

Each case changes the dates of a log. A model observes the changed log, or is trained on it, and its
rankings for a new user and for users of the log are compared with those of a model of the unchanged
log. The bar is 17 of 20 movies in common, and no prediction that moves by more than 0.15 stars. The
case `control` adds the same rating at the end of the log: what it moves is not due to dates.

    python benchmarks/odd_dates.py [DATA] [--model ensemble] [--train]
"""

import argparse
from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tables import markdown

from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.ranking.recommend import recommend

CONTINUED: Final = "the last 5 % six years later"
_YEAR: Final = 365 * 86_400
_K: Final = 20
_STRANGER: Final = 900_000_001
_ODD_USER: Final = 900_000_002
_LATE: Final = 0.95


def cases(ratings: pl.DataFrame) -> dict[str, Callable[[], pl.DataFrame]]:
    """Return functions that return the changed log of each case."""
    end = int(ratings[TIMESTAMP].to_numpy().max())
    movies = ratings[MOVIE].unique().sort().to_list()

    def with_ratings(*seconds: int) -> pl.DataFrame:
        rows = {
            USER: [_ODD_USER + number for number in range(len(seconds))],
            MOVIE: movies[: len(seconds)],
            RATING: [4.0] * len(seconds),
            TIMESTAMP: list(seconds),
        }
        return pl.concat([ratings, pl.DataFrame(rows, schema=ratings.schema)])

    def continued_late() -> pl.DataFrame:
        late = pl.col(TIMESTAMP) >= int(ratings[TIMESTAMP].sort()[int(_LATE * len(ratings))])
        return ratings.with_columns(pl.col(TIMESTAMP) + pl.when(late).then(6 * _YEAR).otherwise(0))

    return {
        "control": lambda: with_ratings(end),
        "one rating ten years later": lambda: with_ratings(end + 10 * _YEAR),
        "one rating in 2099": lambda: with_ratings(4_070_908_800),
        "one rating in 1970": lambda: with_ratings(0),
        "three ratings, 3, 7 and 20 years later": lambda: with_ratings(
            end + 3 * _YEAR, end + 7 * _YEAR, end + 20 * _YEAR
        ),
        CONTINUED: continued_late,
    }


def rankings(model: Model, users: list[int]) -> list[set[object]]:
    """Return the movies of the ranking of each user."""
    found = recommend(model, users, k=_K)
    return [{entry.movie for entry in ranking.recommendations} for ranking in found]


def predictions(model: Model, users: list[int], movies: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the predictions for each user and movie."""
    histories = [model.history(user) for user in users[1:]]
    return model.score([History.empty(), *histories], movies).predictions.mean


def main() -> None:
    """Print a table with a row per case and user."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--model", default="ensemble")
    parser.add_argument("--train", action="store_true", help="train on each changed log")
    given = parser.parse_args()
    tables = load_data(given.data)

    def trained(ratings: pl.DataFrame) -> Model:
        log = InteractionLog.of(ratings, Catalogue.of(tables.movies))
        return train_on(log, given.model, parse_settings(given.model), 0)

    model = trained(tables.ratings)
    by_length = np.argsort(np.diff(model.log.histories.starts))
    few, median, many = by_length[[0, len(by_length) // 2, -1]]
    names = ["new user", "fewest ratings", "median", "most ratings", "latest"]
    ids = model.log.users.ids[[few, median, many, model.log.user[-1]]]
    users = [_STRANGER, *map(int, ids)]
    movies = model.log.catalogue.movies.ids
    top, stars = rankings(model, users), predictions(model, users, movies)
    rows: list[list[str]] = []
    for case, changed in cases(tables.ratings).items():
        if case == CONTINUED and not given.train:
            # Observing the same ratings again, with other dates, refreshes the factors.
            continue
        ratings = changed()
        added = ratings.join(tables.ratings, on=[USER, MOVIE, TIMESTAMP], how="anti")
        after = trained(ratings) if given.train else model.observe(added)
        # The movies of added ratings are more than a date away.
        same = ~np.isin(movies, added.filter(pl.col(USER) >= _ODD_USER)[MOVIE].to_numpy())
        moved = np.abs(predictions(after, users, movies) - stars)[:, same]
        for number, found in enumerate(rankings(after, users)):
            shared = f"{len(found & top[number])} of {_K}"
            cells = [f"{moved[number].max():.3f}", f"{moved[number].mean():.4f}"]
            rows.append([case, names[number], shared, *cells])
    header = ["case", "user", "shared", "largest move", "mean move"]
    print(markdown(header, rows))


if __name__ == "__main__":
    main()
