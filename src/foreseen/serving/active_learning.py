"""Which ratings factor models would learn most from.

The covariance of a user's vector, given the movies rated so far, does not depend on the ratings
themselves. So the reduction of the variance of all predictions by a further rating can be computed
before it is given (A-optimal design; Rubens et al., Active Learning in Recommender Systems, 2015).

D = rank + 1, N movies.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foreseen.models.factors.bayesian_mf import Factors


def most_informative(
    members: Sequence[Factors],
    rated: NDArray[np.int64],
    offered: NDArray[np.int64],
    shares: NDArray[np.float64],
    k: int,
) -> NDArray[np.int64]:
    """Select up to k of N movies one by one, by the expected reduction of the variance.

    The variance is that of the predictions of the movies that are offered, weighted by their
    shares. Each selected movie counts as rated for those after it, so that they differ.

    Args:
        members: The factor models.
        rated: Rows of the movies that the user has rated.
        offered: Rows of the movies to select from, of shape N.
        shares: Probability that the user has watched each of them, of shape N.
        k: How many.
    """
    rows = np.concatenate([offered, rated])
    whole: NDArray[np.float64] = np.stack([_covariance(m, rows) for m in members]).mean(axis=0)
    noise = float(np.mean([np.mean(1.0 / member.noise_precisions) for member in members]))
    size = len(offered)
    covariance = _conditioned(whole, size, noise)
    left = np.ones(size, dtype=np.bool_)
    selected: list[int] = []
    for _ in range(min(k, size)):
        total = np.diagonal(covariance) + noise
        reduction = shares @ (covariance * covariance) / total
        best = int(np.argmax(np.where(left, shares * reduction, -np.inf)))
        selected.append(best)
        left[best] = False
        column = covariance[:, best].copy()
        covariance -= np.outer(column, column / total[best])
    return offered[selected]


def _conditioned(covariance: NDArray[np.float64], size: int, noise: float) -> NDArray[np.float64]:
    """Return the covariance of the first movies given ratings of those from `size` on."""
    between = covariance[:size, size:]
    among = covariance[size:, size:] + noise * np.eye(len(covariance) - size)
    return covariance[:size, :size] - between @ np.linalg.solve(among, between.T)


def _covariance(factors: Factors, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the prior covariance of a user's ratings of N movies, of shape N x N.

    Means over the samples stand for the vectors and for the precision of the user's prior.
    """
    vectors: NDArray[np.float64] = factors.movies[:, rows].astype(np.float64).mean(axis=0)
    vectors[:, 0] = 1.0
    precision: NDArray[np.float64] = factors.user_precisions.mean(axis=0)
    return vectors @ np.linalg.solve(precision, vectors.T)
