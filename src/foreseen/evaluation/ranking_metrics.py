"""How good rankings of the whole catalogue are, the movies a user knows left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.identifiers import IdMap
from foreseen.data.schema import MOVIE, RATING, USER
from foreseen.evaluation.metrics import TOP, mean_over_users
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.progress import progress_bar
from foreseen.ranking.rank import CRITERIA

LONG: Final = 20
_USERS: Final = 16


@dataclass(frozen=True)
class Wanted:
    """What a user watched later.

    Attributes:
        user: Their id.
        history: What of them is known.
        relevant: Movie ids that should rank high; at least one.
        next: The movie they watched first of all that came later.
    """

    user: int
    history: History
    relevant: NDArray[np.int64]
    next: int


def wanted_by(model: Model, later: pl.DataFrame, least: float = LIKED_FROM) -> list[Wanted]:
    """Return what users rated `least` or better later, for those who did.

    Args:
        model: Knows the histories.
        later: Later ratings, in time order.
        least: Stars from which on a movie is relevant.
    """
    wanted: list[Wanted] = []
    for own in later.partition_by(USER, maintain_order=True):
        user = int(own[USER][0])
        relevant = own.filter(pl.col(RATING) >= least)[MOVIE].to_numpy()
        if len(relevant):
            wanted.append(Wanted(user, model.history(user), relevant, int(own[MOVIE][0])))
    return wanted


def list_quality(model: Model, wanted: Sequence[Wanted]) -> dict[str, Any]:
    """Rank the catalogue for every user and measure the lists, for each thing to rank by.

    Returns:
        By `rating`, `likely` and `blend`: NDCG@10 (binary), Recall@20 (over at most 20), HR@10 of
        the next movie and its MRR with intervals over users, ties counted at the expected rank;
        coverage, the share of the catalogue in anybody's ten; novelty, the mean of -log2 of the
        share of users who have rated what is in the tens.
    """
    movies = model.log.catalogue.movies
    views = np.bincount(model.log.movie, minlength=len(movies))
    surprise = -np.log2((views + 1) / (len(model.log.users) + 1))
    figures: dict[str, dict[str, list[float]]] = {by: {} for by in CRITERIA}
    shown: dict[str, list[NDArray[np.intp]]] = {by: [] for by in CRITERIA}
    with progress_bar("ranking", len(wanted)) as advance:
        for begin in range(0, len(wanted), _USERS):
            part = wanted[begin : begin + _USERS]
            scores = model.score([w.history for w in part], movies.ids, model.log.end - 1)
            for by, worth_of in CRITERIA.items():
                worth = worth_of(scores)
                for row, user in enumerate(part):
                    own = worth[row].copy()
                    own[movies.rows(user.history.movies)] = -np.inf
                    top = np.argsort(-own, kind="stable")[:LONG]
                    shown[by].append(top[:TOP])
                    for name, value in _figures(own, top, user, movies).items():
                        figures[by].setdefault(name, []).append(value)
            advance(len(part))
    return {
        by: {
            **{n: dict(vars(mean_over_users(np.array(v)))) for n, v in figures[by].items()},
            "coverage": len(np.unique(np.concatenate(shown[by]))) / len(movies),
            "novelty": float(np.mean(surprise[np.concatenate(shown[by])])),
            "users": len(wanted),
        }
        for by in CRITERIA
    }


def _figures(
    worth: NDArray[np.float64], top: NDArray[np.intp], user: Wanted, movies: IdMap
) -> dict[str, float]:
    relevant = movies.rows(user.relevant)
    hit = np.isin(top, relevant)
    next_row = int(movies.rows([user.next])[0])
    ahead = int((worth > worth[next_row]).sum())
    tied = int((worth == worth[next_row]).sum())
    places = np.arange(ahead, ahead + tied)
    return {
        "ndcg10": hit_ndcg(hit, len(relevant)),
        "recall20": float(hit.sum() / min(LONG, len(relevant))),
        "next_hit10": float((places < TOP).mean()),
        "next_mrr": float((1 / (places + 1)).mean()),
    }


def hit_ndcg(hit: NDArray[np.bool_], relevant: int) -> float:
    """Return the binary NDCG@10 of a list.

    Args:
        hit: Which of the list, best first, are relevant.
        relevant: How many there are to be found; at least one.
    """
    discount = 1 / np.log2(np.arange(2, TOP + 2))
    found = hit[:TOP]
    return float((found * discount[: len(found)]).sum() / discount[: min(TOP, relevant)].sum())
