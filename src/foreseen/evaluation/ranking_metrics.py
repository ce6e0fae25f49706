"""Metrics of rankings of the whole catalogue, from their tables."""

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.schema import MOVIE, USER
from foreseen.evaluation.intervals import mean_over_users, ratio_over_users
from foreseen.evaluation.metrics import TOP, as_dicts
from foreseen.evaluation.rankings import LENGTH
from foreseen.features.interaction_log import InteractionLog


def ranking_metrics(rankings: pl.DataFrame, log: InteractionLog) -> dict[str, Any]:
    """Return the metrics of rankings, for each criterion to rank by.

    Args:
        rankings: See `foreseen.evaluation.rankings.RANKINGS_SCHEMA`.
        log: The ratings that were known.

    Returns:
        For each criterion, binary NDCG@10; the same divided by the gain of ten relevant movies
        (`ndcg10_of_ten`, as RecTools has it); the share of rankings with a relevant movie among ten
        (`hit10`); Recall@20 (relative to at most 20); hit rate at 10 and mean reciprocal rank of
        the next movie (ties at the expected rank); debiased NDCG@10 (see `inverse_propensities`):
        means over rankings, with intervals over users. Coverage, the share of the catalogue in any
        top ten; novelty, the mean of -log2 of the share of users who have rated a movie of the top
        ten; the number of users. Where users have several rankings, also their number, and the
        means over users of the means of their rankings. Empty without rankings.
    """
    movies = log.catalogue.movies
    views = np.bincount(log.movie, minlength=len(movies))
    novelty = -np.log2((views + 1) / (len(log.users) + 1))
    weight = inverse_propensities(views)
    found: dict[str, Any] = {}
    for table in rankings.partition_by("by", maintain_order=True):
        values = per_list(table)
        gained, ideal = debiased_gains(table, weight[movies.rows(table[MOVIE].to_numpy())])
        top = movies.rows(table.filter(pl.col("rank") <= TOP)[MOVIE].to_numpy())
        row, counts = _user_of_list(table)
        sums = {name: _sums(row, column) for name, column in values.items()}
        estimates = {name: ratio_over_users(column, counts) for name, column in sums.items()}
        debiased = ratio_over_users(_sums(row, gained), _sums(row, ideal))
        estimates["ndcg10_debiased"] = debiased
        if len(row) > len(counts):
            for name in ("ndcg10", "next_hit10"):
                estimates[f"{name}_user"] = mean_over_users(sums[name] / counts)
        found[str(table["by"][0])] = {
            **as_dicts(estimates),
            "coverage": len(np.unique(top)) / len(movies),
            "novelty": float(np.mean(novelty[top])),
            "users": len(counts),
            **({"rankings": len(row)} if len(row) > len(counts) else {}),
        }
    return found


def _user_of_list(table: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the row of the user of each of L rankings; and the number of each user's rankings."""
    users = table[USER].to_numpy()[[begin for begin, _ in _bounds(table)]]
    _, first, row, counts = np.unique(
        users, return_index=True, return_inverse=True, return_counts=True
    )
    # Users keep their order, by which the bootstrap draws them.
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[row], counts[order].astype(np.float64)


def _sums(row: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(row, values).astype(np.float64)


def per_list(table: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return the metrics of each of L rankings by one criterion, of shape L."""
    values: dict[str, list[float]] = {}
    rank, target, following = (table[name].to_numpy() for name in ("rank", "target", "next"))
    first, last = table["first_rank"].to_numpy(), table["last_rank"].to_numpy()
    for begin, end in _bounds(table):
        hits = np.zeros(LENGTH, np.bool_)
        hits[rank[begin:end][target[begin:end] & (rank[begin:end] <= LENGTH)] - 1] = True
        relevant = int(target[begin:end].sum())
        place = begin + int(np.argmax(following[begin:end]))
        ranks = np.arange(int(first[place]), int(last[place]) + 1)
        for name, value in (
            ("ndcg10", binary_ndcg(hits, relevant)),
            ("ndcg10_of_ten", binary_ndcg(hits, TOP)),
            ("hit10", float(hits[:TOP].any())),
            ("recall20", float(hits.sum() / min(LENGTH, relevant))),
            ("next_hit10", float((ranks <= TOP).mean())),
            ("next_mrr", float((1 / ranks).mean())),
        ):
            values.setdefault(name, []).append(value)
    return {name: np.array(column) for name, column in values.items()}


def inverse_propensities(views: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much a test rating of each movie counts in the debiased NDCG@10, of shape C.

    Popular movies are rated more often than they are liked, so that a plain average favours those
    who rank them first. Each relevant movie i counts 1 / p_i, with the propensity p_i = ((n_i + 1)
    / (max n + 1)) ** 0.5 of n_i known ratings (Saito et al., 2020; one is added for movies without
    any). The debiased NDCG@10 is self-normalised (Swaminathan and Joachims, 2015): the sum over all
    rankings of the discounted gains 1 / p_i of the top ten, divided by the sum of what the best
    rankings would gain.

    Args:
        views: Number of ratings of each movie, of shape C.
    """
    return np.sqrt((views.max(initial=0) + 1) / (views + 1))


def debiased_gains(
    table: pl.DataFrame, weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the discounted gain at 10 of each user's rankings, and the largest possible one.

    Args:
        table: Rankings by one criterion.
        weight: Gain of the movie of each row, if it is relevant.

    Returns:
        Two arrays of shape U.
    """
    discount = 1 / np.log2(np.arange(2, TOP + 2))
    gain = np.where(table["target"].to_numpy(), weight, 0.0)
    rank = table["rank"].to_numpy()
    gained: list[float] = []
    ideal: list[float] = []
    for begin, end in _bounds(table):
        is_top = rank[begin:end] <= TOP
        best = np.sort(gain[begin:end])[::-1][:TOP]
        gained.append(float(gain[begin:end][is_top] @ discount[rank[begin:end][is_top] - 1]))
        ideal.append(float(best @ discount[: len(best)]))
    return np.array(gained), np.array(ideal)


def _bounds(table: pl.DataFrame) -> list[tuple[int, int]]:
    """Return the first row of each ranking, and the row after its last."""
    starts = np.flatnonzero(np.diff(table["list"].to_numpy(), prepend=-1)).tolist()
    return list(pairwise([*starts, table.height]))


def binary_ndcg(hits: NDArray[np.bool_], relevant: int) -> float:
    """Return the NDCG@10 of a ranking with binary relevance.

    Args:
        hits: Whether each movie of the ranking is relevant, best first.
        relevant: Number of relevant movies; at least one.
    """
    discount = 1 / np.log2(np.arange(2, TOP + 2))
    top = hits[:TOP]
    return float((top * discount[: len(top)]).sum() / discount[: min(TOP, relevant)].sum())
