"""Which ratings factor models would learn most from.

The covariance of a user's vector, given the movies rated so far, does not depend on the ratings
themselves. So the reduction of the variance of all predictions by a further rating can be computed
before it is given (A-optimal design; Rubens et al., Active Learning in Recommender Systems, 2015).

N movies are offered, of the C movies of the catalogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foreseen.models.factors.bayesian_mf import Factors


@dataclass(frozen=True)
class RatingCovariance:
    """The prior covariance of a user's ratings of the movies, the mean over factor models.

    Means over the samples of a model stand for its vectors and for the precision of its user prior.

    Attributes:
        left, right: Their product is the covariance, of shapes C x D and D x C, where D is the sum
            of the ranks and biases of the models.
        noise: The variance of a rating of which the user's vector is known.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    noise: float

    @classmethod
    def of(cls, members: Sequence[Factors]) -> Self:
        """Return the covariance of one or more factor models."""
        left: list[NDArray[np.float64]] = []
        right: list[NDArray[np.float64]] = []
        for member in members:
            vectors: NDArray[np.float64] = member.movies.astype(np.float64).mean(axis=0)
            vectors[:, 0] = 1.0
            precision: NDArray[np.float64] = member.user_precisions.mean(axis=0)
            left.append(vectors / len(members))
            right.append(np.linalg.solve(precision, vectors.T).astype(np.float64))
        noise = np.mean([np.mean(1.0 / member.noise_precisions) for member in members])
        return cls(np.hstack(left), np.vstack(right), float(noise))

    def given(self, rows: NDArray[np.int64], rated: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the covariance of the ratings of N movies given those of others, of N x N.

        Args:
            rows: Rows of the movies, of shape N.
            rated: Rows of the movies that the user has rated.
        """
        left = self.left[rows]
        between = left @ self.right[:, rated]
        among = self.left[rated] @ self.right[:, rated] + self.noise * np.eye(len(rated))
        # The same as the covariance less `between @ solve(among, between.T)`.
        return left @ (
            self.right[:, rows] - self.right[:, rated] @ np.linalg.solve(among, between.T)
        )


def most_informative(
    prior: RatingCovariance,
    rated: NDArray[np.int64],
    offered: NDArray[np.int64],
    shares: NDArray[np.float64],
    k: int,
) -> NDArray[np.int64]:
    """Select up to k of N movies one by one, by the expected reduction of the variance.

    The variance is that of the predictions of the movies that are offered, weighted by their
    shares. Each selected movie counts as rated for those after it, so that they differ.

    Args:
        prior: The prior covariance of the ratings.
        rated: Rows of the movies that the user has rated.
        offered: Rows of the movies to select from, of shape N.
        shares: Probability that the user has watched each of them, of shape N.
        k: How many.
    """
    covariance = prior.given(offered, rated)
    variance = np.diagonal(covariance).copy()
    # The sum of the squared covariances with all movies, weighted by their shares.
    squares = shares @ covariance**2
    left = np.ones(len(offered), dtype=np.bool_)
    # With T movies selected, the covariance is `covariance - columns[:T].T @ columns[:T]`, which is
    # not computed: each step needs one column of it and one product with a vector.
    count = min(k, len(offered))
    columns = np.empty((count, len(offered)))
    selected: list[int] = []
    for step in range(count):
        total = variance + prior.noise
        best = int(np.argmax(np.where(left, shares * squares / total, -np.inf)))
        selected.append(best)
        left[best] = False
        before = columns[:step]
        column = (covariance[:, best] - before[:, best] @ before) / np.sqrt(total[best])
        weighted = shares * column
        product = weighted @ covariance - (before @ weighted) @ before
        squares += column * (column * (weighted @ column) - 2 * product)
        variance -= column**2
        columns[step] = column
    return offered[selected]
