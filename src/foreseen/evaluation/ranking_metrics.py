"""Metrics of rankings of the whole catalogue without the movies a user has rated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.identifiers import IdMap
from foreseen.data.schema import MOVIE, RATING, USER
from foreseen.evaluation.metrics import TOP, as_dicts, mean_over_users
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.progress import progress_bar
from foreseen.ranking.rank import CRITERIA

_RECALL_LENGTH: Final = 20
_BATCH: Final = 16


@dataclass(frozen=True)
class EvalUser:
    """A user to rank for, with the movies of the test ratings.

    Attributes:
        user: The user's id.
        history: The known ratings.
        relevant: Ids of the relevant movies; at least one.
        next: Id of the first movie of the test ratings.
    """

    user: int
    history: History
    relevant: NDArray[np.int64]
    next: int


def eval_users(
    model: Model, later: pl.DataFrame, relevant_from: float = LIKED_FROM
) -> list[EvalUser]:
    """Return the users with at least one relevant test rating.

    Args:
        model: Its log has the users' histories.
        later: Test ratings, in time order.
        relevant_from: Least rating, in stars, of a relevant movie.
    """
    users: list[EvalUser] = []
    for ratings in later.partition_by(USER, maintain_order=True):
        user = int(ratings[USER][0])
        relevant = ratings.filter(pl.col(RATING) >= relevant_from)[MOVIE].to_numpy()
        if len(relevant):
            users.append(EvalUser(user, model.history(user), relevant, int(ratings[MOVIE][0])))
    return users


def ranking_metrics(model: Model, users: Sequence[EvalUser]) -> dict[str, Any]:
    """Rank the catalogue for every user and return metrics, for each criterion to rank by.

    Returns:
        For `rating`, `likely` and `blend`: binary NDCG@10, Recall@20 (relative to at most 20),
        hit rate at 10 and mean reciprocal rank of the next movie (ties at the expected rank), with
        intervals over users; coverage, the share of the catalogue in any top ten; novelty, the
        mean of -log2 of the share of users who have rated a movie of the top ten; the number of
        users. Empty without users.
    """
    if not users:
        return {}
    movies = model.log.catalogue.movies
    views = np.bincount(model.log.movie, minlength=len(movies))
    novelty = -np.log2((views + 1) / (len(model.log.users) + 1))
    values: dict[str, dict[str, list[float]]] = {by: {} for by in CRITERIA}
    top_movies: dict[str, list[NDArray[np.intp]]] = {by: [] for by in CRITERIA}
    with progress_bar("ranking", len(users)) as advance:
        for begin in range(0, len(users), _BATCH):
            batch = users[begin : begin + _BATCH]
            scores = model.score([user.history for user in batch], movies.ids, model.log.end - 1)
            for by, criterion in CRITERIA.items():
                batch_score = criterion(scores)
                for row, user in enumerate(batch):
                    score = batch_score[row].copy()
                    score[movies.rows(user.history.movies)] = -np.inf
                    top = np.argsort(-score, kind="stable")[:_RECALL_LENGTH]
                    top_movies[by].append(top[:TOP])
                    for name, value in _user_metrics(score, top, user, movies).items():
                        values[by].setdefault(name, []).append(value)
            advance(len(batch))
    return {
        by: {
            **as_dicts({name: mean_over_users(np.array(v)) for name, v in values[by].items()}),
            "coverage": len(np.unique(np.concatenate(top_movies[by]))) / len(movies),
            "novelty": float(np.mean(novelty[np.concatenate(top_movies[by])])),
            "users": len(users),
        }
        for by in CRITERIA
    }


def _user_metrics(
    score: NDArray[np.float64], top: NDArray[np.intp], user: EvalUser, movies: IdMap
) -> dict[str, float]:
    relevant = movies.rows(user.relevant)
    hits = np.isin(top, relevant)
    next_row = int(movies.rows([user.next])[0])
    ahead = int((score > score[next_row]).sum())
    tied = int((score == score[next_row]).sum())
    ranks = np.arange(ahead, ahead + tied)
    return {
        "ndcg10": binary_ndcg(hits, len(relevant)),
        "recall20": float(hits.sum() / min(_RECALL_LENGTH, len(relevant))),
        "next_hit10": float((ranks < TOP).mean()),
        "next_mrr": float((1 / (ranks + 1)).mean()),
    }


def binary_ndcg(hits: NDArray[np.bool_], relevant: int) -> float:
    """Return the NDCG@10 of a ranking with binary relevance.

    Args:
        hits: Whether each movie of the ranking is relevant, best first.
        relevant: Number of relevant movies; at least one.
    """
    discount = 1 / np.log2(np.arange(2, TOP + 2))
    top = hits[:TOP]
    return float((top * discount[: len(top)]).sum() / discount[: min(TOP, relevant)].sum())
