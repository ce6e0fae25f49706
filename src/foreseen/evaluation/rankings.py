"""Rankings of the whole catalogue without the movies a user has rated, as tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.identifiers import UNKNOWN
from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.progress import progress_bar
from foreseen.ranking.rank import CRITERIA

LENGTH: Final = 20
"""Length of the rankings."""
_BATCH: Final = 16
RANKINGS_SCHEMA: Final = pl.Schema(
    {
        "by": pl.String(),
        "list": pl.Int32(),
        USER: pl.Int64(),
        MOVIE: pl.Int64(),
        "rank": pl.Int32(),
        "first_rank": pl.Int32(),
        "last_rank": pl.Int32(),
        "target": pl.Boolean(),
        "next": pl.Boolean(),
    }
)
"""Columns of a table of rankings: the criterion; the number of the ranking, from 0; user and movie;
the place of the movie, from 1; the first and the last place of the movies with its score; whether
it is relevant; whether it is the next movie."""


@dataclass(frozen=True)
class EvalUser:
    """A user to rank for, with the movies of the test ratings.

    Attributes:
        user: The user's id.
        history: The known ratings.
        relevant: Ids of the relevant movies; at least one.
        next: Id of the first movie of the test ratings.
        at: The second to rank as of, ratings of that second included.
        moment: The second of the first test rating.
    """

    user: int
    history: History
    relevant: NDArray[np.int64]
    next: int
    at: int
    moment: int


Scorer = Callable[[Sequence[EvalUser]], Mapping[str, NDArray[np.float64]]]
"""Returns scores of all movies for B users with the same `at`, of shape B x C, by criterion."""


def eval_users(
    log: InteractionLog, later: pl.DataFrame, relevant_from: float = LIKED_FROM
) -> list[EvalUser]:
    """Return the users with at least one relevant test rating, each as of the end of the log.

    Args:
        log: Has the users' histories.
        later: Test ratings, in time order.
        relevant_from: Least rating, in stars, of a relevant movie.
    """
    users: list[EvalUser] = []
    for ratings in later.partition_by(USER, maintain_order=True):
        user = int(ratings[USER][0])
        relevant = ratings.filter(pl.col(RATING) >= relevant_from)[MOVIE].to_numpy()
        if len(relevant):
            first = ratings.row(0, named=True)
            users.append(
                EvalUser(
                    user, history_of(log, user), relevant, first[MOVIE], log.end - 1,
                    first[TIMESTAMP],
                )
            )  # fmt: skip
    return users


def history_of(log: InteractionLog, user: int) -> History:
    """Return the ratings of a user in a log."""
    row = int(log.users.rows([user])[0])
    if row == UNKNOWN:
        return replace(History.empty(), user=user)
    histories = log.histories
    rows = slice(int(histories.starts[row]), int(histories.starts[row + 1]))
    movies = log.catalogue.movies.ids[histories.movie[rows]]
    return History(movies, histories.rating[rows], histories.times[rows], user)


def model_scorer(model: Model, moment_known: bool = False) -> Scorer:
    """Return the scorer of a model, by each criterion to rank by.

    Args:
        model: The model.
        moment_known: Whether it gets the second of each user's first test rating.
    """
    movies = model.log.catalogue.movies.ids

    def score(users: Sequence[EvalUser]) -> dict[str, NDArray[np.float64]]:
        moments = [user.moment for user in users] if moment_known else None
        scores = model.score([user.history for user in users], movies, users[0].at, moments)
        return {by: criterion(scores) for by, criterion in CRITERIA.items()}

    return score


def rank_catalogue(log: InteractionLog, users: Sequence[EvalUser], scorer: Scorer) -> pl.DataFrame:
    """Return the best 20 movies for each user, and the relevant ones that rank below.

    Of movies with equal scores the earlier in the catalogue ranks higher.

    Args:
        log: The log; its catalogue is ranked.
        users: The users.
        scorer: Scores the movies.

    Returns:
        A table with the columns of `RANKINGS_SCHEMA`: by criterion, by user, by rank.
    """
    movies = log.catalogue.movies
    parts: dict[str, list[dict[str, NDArray[np.generic]]]] = {}
    number = 0
    with progress_bar("ranking", len(users)) as advance:
        for batch in _batches(users):
            for by, scores in scorer(batch).items():
                for row, user in enumerate(batch):
                    score = scores[row].copy()
                    score[movies.rows(user.history.movies)] = -np.inf
                    relevant = movies.rows(user.relevant)
                    following = int(movies.rows([user.next])[0])
                    part = _ranking(score, relevant, following, movies.ids)
                    size = len(part[MOVIE])
                    part |= {"list": np.full(size, number + row), USER: np.full(size, user.user)}
                    parts.setdefault(by, []).append(part)
            number += len(batch)
            advance(len(batch))
    tables = [
        pl.DataFrame({name: np.concatenate([part[name] for part in found]) for name in found[0]})
        .with_columns(by=pl.lit(by))
        .select(RANKINGS_SCHEMA.names())
        .cast(RANKINGS_SCHEMA)
        for by, found in parts.items()
    ]
    return pl.concat(tables) if tables else pl.DataFrame(schema=RANKINGS_SCHEMA)


def _batches(users: Sequence[EvalUser]) -> Iterator[list[EvalUser]]:
    """Yield consecutive users with the same `at`, a few at a time."""
    for _, group in groupby(users, key=lambda user: user.at):
        same = list(group)
        for begin in range(0, len(same), _BATCH):
            yield same[begin : begin + _BATCH]


def _ranking(
    score: NDArray[np.float64],
    relevant: NDArray[np.int32],
    following: int,
    ids: NDArray[np.int64],
) -> dict[str, NDArray[np.generic]]:
    """Return one ranking: the best movies that are not excluded, and all movies of the test."""
    order = np.argsort(-score, kind="stable")
    top = order[:LENGTH]
    top = top[score[top] > -np.inf]
    tested = np.union1d(relevant, [following])
    below = np.setdiff1d(tested, top)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    rows = np.concatenate([top, below[np.argsort(rank[below])]])
    descending = -score[order]
    return {
        MOVIE: ids[rows],
        "rank": rank[rows],
        "first_rank": np.searchsorted(descending, -score[rows], side="left") + 1,
        "last_rank": np.searchsorted(descending, -score[rows], side="right"),
        "target": np.isin(rows, relevant),
        "next": rows == following,
    }
