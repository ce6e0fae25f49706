"""From scores to an order: the criteria to rank by, the top k, and diversification."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.leaders import least_of_leaders
from foreseen.models.predictions import Scores

By = Literal["rating", "likely", "blend"]


def by_rating(scores: Scores) -> NDArray[np.float64]:
    """Return a lower bound of the predicted stars, of shape B x C.

    The prediction less its standard error, so that two ratings of 5.0 do not rank above hundreds of
    high ratings, and less what a coordinated group of users could have added to it.
    """
    return scores.predictions.mean - scores.predictions.standard_error - scores.group_influence


def by_likely(scores: Scores) -> NDArray[np.float64]:
    """Return the probability to be watched next, of shape B x C."""
    return scores.likely


def by_blend(scores: Scores) -> NDArray[np.float64]:
    """Return the probability to be watched next and liked, of shape B x C."""
    return scores.p_next_liked


CRITERIA: Final[Mapping[By, Callable[[Scores], NDArray[np.float64]]]] = {
    "rating": by_rating,
    "likely": by_likely,
    "blend": by_blend,
}
"""The criteria a ranking can be by."""


def rank(score: NDArray[np.floating], excluded: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
    """Return the rows of the k movies with the highest scores, best first.

    Args:
        score: Of shape C; of equal scores the earlier in the catalogue ranks higher.
        excluded: Movies to leave out, of shape C. If fewer than k remain, fewer are returned.
        k: How many.
    """
    rows = leaders(np.where(excluded, -np.inf, score), k)
    return rows[~excluded[rows]][:k]


def leaders(score: NDArray[np.floating], k: int) -> NDArray[np.intp]:
    """Return the rows of the k highest of C scores, and of few others, the highest first.

    Of equal scores the earlier is first.
    """
    rows = np.flatnonzero(score >= least_of_leaders(score, k))
    return rows[np.argsort(-score[rows], kind="stable")]


def diversify(
    score: NDArray[np.float64],
    rows: NDArray[np.intp],
    vectors: NDArray[np.float64],
    k: int,
    weight: float,
) -> NDArray[np.intp]:
    """Select k of ranked movies one by one, penalising similarity to those selected.

    Maximal marginal relevance (Carbonell and Goldstein, 1998) between the score, scaled to 0 to 1
    over the movies offered, and the largest similarity to a selected movie.

    Args:
        score: Of shape C.
        rows: The movies offered, best first, of shape N.
        vectors: A vector of length one, or of zeros, per movie, of shape C x G.
        k: How many.
        weight: 0 keeps the order; 1 uses similarity alone.
    """
    if weight == 0 or not len(rows):
        return rows[:k]
    offered = score[rows]
    spread = float(offered.max() - offered.min())
    relevance = (offered - offered.min()) / spread if spread > 0 else np.zeros(len(offered))
    features = vectors[rows]
    similarity = np.zeros(len(rows))
    left = np.ones(len(rows), dtype=np.bool_)
    selected: list[int] = []
    for _ in range(min(k, len(rows))):
        marginal = np.where(left, (1 - weight) * relevance - weight * similarity, -np.inf)
        best = int(np.argmax(marginal))
        selected.append(best)
        left[best] = False
        similarity = np.maximum(similarity, features @ features[best])
    return rows[selected]
