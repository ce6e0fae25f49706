"""Parts of the Gibbs sampler: the log by entity, priors with side information, a half sweep."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cholesky import factorise, solve_lower, solve_upper
from foreseen.compute.jit import compiled

_DIMENSIONS_PER_RATING: Final = 3
"""An entity with at most one rating per this many dimensions is drawn by a low-rank update."""


@dataclass(frozen=True)
class Adjacency:
    """E ratings grouped by N entities, either users or movies.

    Attributes:
        starts: Where the ratings of each entity begin, of shape N + 1.
        other: Number of the entity at the other end of each rating, of shape E.
        rating: Stars, of shape E.
    """

    starts: NDArray[np.int64]
    other: NDArray[np.int64]
    rating: NDArray[np.float64]

    @classmethod
    def of(
        cls, entity: NDArray[np.intp], other: NDArray[np.intp], rating: NDArray[np.float64]
    ) -> "Adjacency":
        """Group E ratings by the numbers of their entities, from 0 to the greatest."""
        order = np.argsort(entity, kind="stable")
        starts = np.append(0, np.cumsum(np.bincount(entity))).astype(np.int64)
        return cls(starts, other[order].astype(np.int64), rating[order])

    def draw(
        self,
        others: NDArray[np.float64],
        mean: NDArray[np.float64],
        prior: NDArray[np.float64],
        precision: float,
        global_mean: float,
        generator: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Draw the entities' N vectors given the vectors at the other end, of shape N x D.

        With many ratings the precision of a vector is summed and factorised. With few, a draw from
        the prior is conditioned on the ratings, each perturbed by a drawn error (Papandreou and
        Yuille, 2010): the same distribution, from a system with one unknown per rating.

        Args:
            others: Vectors of the M entities at the other end, of shape M x D.
            mean: Mean of the prior of each vector, of shape N x D.
            prior: Precision of the prior, of shape D x D.
            precision: Precision of a rating.
            global_mean: Mean rating, in stars.
            generator: Random generator.
        """
        vectors = np.empty_like(mean)
        covariance = np.linalg.inv(prior).astype(np.float64)
        noise = generator.standard_normal(mean.shape)
        errors = generator.standard_normal(len(self.rating)) / np.sqrt(precision)
        _draw(
            self.starts, self.other, self.rating, vectors, others, mean, prior, covariance,
            precision, global_mean, noise, errors,
        )  # fmt: skip
        return vectors


@dataclass(frozen=True)
class Interactions:
    """E ratings grouped by user and by movie, both numbered from zero.

    Attributes:
        user: Number of the user of each rating, of shape E.
        rated: Rows of the catalogue that have ratings, in the order of the movies' numbers.
        by_user: The ratings by user.
        by_movie: The ratings by movie.
    """

    user: NDArray[np.intp]
    rated: NDArray[np.int32]
    by_user: Adjacency
    by_movie: Adjacency

    @classmethod
    def of(
        cls, user: NDArray[np.signedinteger], movie: NDArray[np.int32], rating: NDArray[np.float64]
    ) -> "Interactions":
        """Group E ratings.

        Args:
            user: Any numbering of the users, of shape E.
            movie: Rows of the catalogue, of shape E.
            rating: Stars, of shape E.
        """
        _, number = np.unique(user, return_inverse=True)
        rated, item = np.unique(movie, return_inverse=True)
        return cls(
            number, rated, Adjacency.of(number, item, rating), Adjacency.of(item, number, rating)
        )


@dataclass(frozen=True)
class Prior:
    """A Gaussian prior with a mean linear in features: weights F x D, precision D x D."""

    weights: NDArray[np.float64]
    precision: NDArray[np.float64]
    ridge: float
    gram: NDArray[np.float64]

    @classmethod
    def start(cls, features: NDArray[np.float64], size: int) -> "Prior":
        """Return a weak prior around zero for N entities with features of shape N x F."""
        weights = np.zeros((features.shape[1], size))
        return cls(weights, 10 * np.eye(size), 10.0, features.T @ features)

    def sampled(
        self,
        vectors: NDArray[np.float64],
        features: NDArray[np.float64],
        generator: np.random.Generator,
    ) -> "Prior":
        """Draw weights and precision given the vectors (Normal-Wishart), then the ridge."""
        count, size = vectors.shape
        width = features.shape[1]
        penalty = np.full(width, self.ridge)
        penalty[0] = 1.0
        gram = self.gram + np.diag(penalty)
        centre = np.linalg.solve(gram, features.T @ vectors)
        scatter = np.eye(size) + vectors.T @ vectors - centre.T @ gram @ centre
        scale = np.linalg.inv((scatter + scatter.T) / 2).astype(np.float64)
        precision = _wishart(scale, size + count, generator)
        draws = generator.standard_normal((width, size))
        spread = np.linalg.solve(np.linalg.cholesky(gram).T, draws)
        weights = (centre + spread @ np.linalg.inv(np.linalg.cholesky(precision))).astype(
            np.float64
        )
        squares = float(((weights[1:] @ precision) * weights[1:]).sum())
        shape: float = 1 + (width - 1) * size / 2
        ridge = float(generator.gamma(shape, 1 / (1 + squares / 2)))
        return Prior(weights, precision, ridge, self.gram)


def _wishart(
    scale: NDArray[np.float64], freedom: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw from a Wishart distribution by Bartlett's decomposition."""
    size = len(scale)
    lower = np.tril(generator.standard_normal((size, size)), -1)
    degrees = (freedom - np.arange(size)).astype(np.float64)
    np.fill_diagonal(lower, np.sqrt(generator.chisquare(degrees)))
    root = np.linalg.cholesky(scale) @ lower
    return root @ root.T


@compiled
def _draw(
    starts: NDArray[np.int64],
    other: NDArray[np.int64],
    rating: NDArray[np.float64],
    vectors: NDArray[np.float64],
    others: NDArray[np.float64],
    mean: NDArray[np.float64],
    prior: NDArray[np.float64],
    covariance: NDArray[np.float64],
    precision: float,
    global_mean: float,
    noise: NDArray[np.float64],
    errors: NDArray[np.float64],
) -> None:
    """Write the draws of `Adjacency.draw` into `vectors`, given all random numbers."""
    size = vectors.shape[1]
    few = size // _DIMENSIONS_PER_RATING
    root = prior.copy()
    factorise(root)
    matrix, regressor = np.empty((size, size)), np.ones(size)
    regressors, projected = np.ones((few, size)), np.empty((few, size))
    system, residual = np.empty((few, few)), np.empty(few)
    for n in range(len(vectors)):
        rows = slice(starts[n], starts[n + 1])
        vector, count = vectors[n], starts[n + 1] - starts[n]
        if count > few:
            vector[:] = 0.0
            for a in range(size):
                for c in range(size):
                    matrix[a, c] = prior[a, c]
                    vector[a] += prior[a, c] * mean[n, c]
            _add_ratings(
                other[rows], rating[rows], others, precision, global_mean, matrix, vector, regressor
            )
            factorise(matrix)
            solve_lower(matrix, vector)
            vector += noise[n]
            solve_upper(matrix, vector)
            continue
        vector[:] = noise[n]
        solve_upper(root, vector)
        vector += mean[n]
        for k in range(count):
            row = starts[n] + k
            item = other[row]
            regressors[k, 1:] = others[item, 1:]
            residual[k] = rating[row] + errors[row] - global_mean - others[item, 0]
        _condition(
            vector, covariance, 1.0 / precision, regressors[:count], residual[:count],
            projected, system[:count, :count],
        )  # fmt: skip


@compiled
def _add_ratings(
    other: NDArray[np.int64],
    rating: NDArray[np.float64],
    others: NDArray[np.float64],
    precision: float,
    global_mean: float,
    matrix: NDArray[np.float64],
    vector: NDArray[np.float64],
    regressor: NDArray[np.float64],
) -> None:
    """Add the likelihood of some ratings to a precision and to precision times mean, in place.

    Of the precision, `matrix`, the lower triangle is updated. `regressor` is a buffer of shape D
    with one as its first element.
    """
    size = len(vector)
    for row in range(len(other)):
        item = other[row]
        residual = (rating[row] - global_mean - others[item, 0]) * precision
        for a in range(1, size):
            regressor[a] = others[item, a]
        for a in range(size):
            vector[a] += regressor[a] * residual
            for c in range(a + 1):
                matrix[a, c] += precision * regressor[a] * regressor[c]


@compiled
def _condition(
    vector: NDArray[np.float64],
    covariance: NDArray[np.float64],
    variance: float,
    regressors: NDArray[np.float64],
    residual: NDArray[np.float64],
    projected: NDArray[np.float64],
    system: NDArray[np.float64],
) -> None:
    """Condition a draw from a prior with a covariance of D x D on K ratings, in place.

    `residual` holds the perturbed ratings less global mean and bias, and is overwritten.
    `projected`, of K x D or more, and `system`, of K x K, are buffers.
    """
    size = len(vector)
    for k in range(len(residual)):
        for a in range(size):
            residual[k] -= regressors[k, a] * vector[a]
        projected[k] = covariance[0]
        for a in range(1, size):
            regressor = regressors[k, a]
            for c in range(size):
                projected[k, c] += regressor * covariance[a, c]
        for m in range(k + 1):
            total = 0.0
            for a in range(size):
                total += projected[k, a] * regressors[m, a]
            system[k, m] = total
        system[k, k] += variance
    factorise(system)
    solve_lower(system, residual)
    solve_upper(system, residual)
    for k in range(len(residual)):
        for a in range(size):
            vector[a] += residual[k] * projected[k, a]


@compiled
def squared_error(
    starts: NDArray[np.int64],
    other: NDArray[np.int64],
    rating: NDArray[np.float64],
    vectors: NDArray[np.float64],
    others: NDArray[np.float64],
    global_mean: float,
) -> float:
    """Return the sum of squared errors over the log; see `Adjacency` and `Adjacency.draw`."""
    total = 0.0
    for n in range(vectors.shape[0]):
        for row in range(starts[n], starts[n + 1]):
            item = other[row]
            value = global_mean + vectors[n, 0] + others[item, 0]
            for a in range(1, vectors.shape[1]):
                value += vectors[n, a] * others[item, a]
            total += (rating[row] - value) ** 2
    return total
