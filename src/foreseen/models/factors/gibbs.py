"""The sampler's parts: a log by one of its sides, a prior with side information, one half sweep."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cholesky import factorise, solve_lower, solve_upper
from foreseen.compute.jit import compiled

_FEW: Final = 3
"""Ratings are few if they are no more than the dimensions over this."""


@dataclass(frozen=True)
class Adjacency:
    """A log laid out by one of its sides."""

    starts: NDArray[np.int64]
    other: NDArray[np.int64]
    rating: NDArray[np.float64]

    @classmethod
    def of(
        cls, entity: NDArray[np.intp], other: NDArray[np.intp], rating: NDArray[np.float64]
    ) -> "Adjacency":
        """Lay E ratings out by the numbers of their entities, 0 to the greatest."""
        order = np.argsort(entity, kind="stable")
        starts = np.append(0, np.cumsum(np.bincount(entity))).astype(np.int64)
        return cls(starts, other[order].astype(np.int64), rating[order])

    def draw(
        self,
        others: NDArray[np.float64],
        mean: NDArray[np.float64],
        prior: NDArray[np.float64],
        precision: float,
        level: float,
        generator: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Draw this side's N vectors given the other side's M, of shape N x D.

        The precision of a vector that many ratings speak of is summed up and factorised. Where
        they are few, a draw from the prior is moved to where the ratings want it, each less an
        error drawn for it (Papandreou and Yuille, 2010): the same distribution by a system of few
        unknowns.

        Args:
            others: The other side's vectors, of shape M x D.
            mean: Of the prior of each, of shape N x D.
            prior: Its precision, of shape D x D.
            precision: Of a rating.
            level: Stars that all have in common.
            generator: Of the noise.
        """
        own = np.empty_like(mean)
        covariance = np.linalg.inv(prior).astype(np.float64)
        noise = generator.standard_normal(mean.shape)
        errors = generator.standard_normal(len(self.rating)) / np.sqrt(precision)
        _draw(
            self.starts, self.other, self.rating, own, others, mean, prior, covariance, precision,
            level, noise, errors,
        )  # fmt: skip
        return own


@dataclass(frozen=True)
class Interactions:
    """A log laid out by users and by movies.

    Attributes:
        viewer: The number of each rating's user, of shape E.
        watched: Rows of the catalogue that have been rated; movies are numbered in their order.
        users: The log by user.
        movies: The log by movie.
    """

    viewer: NDArray[np.intp]
    watched: NDArray[np.int32]
    users: Adjacency
    movies: Adjacency

    @classmethod
    def of(
        cls, user: NDArray[np.signedinteger], movie: NDArray[np.int32], rating: NDArray[np.float64]
    ) -> "Interactions":
        """Lay out E ratings.

        Args:
            user: Any numbering of users, of shape E.
            movie: Rows of the catalogue, of shape E.
            rating: Stars, of shape E.
        """
        _, viewer = np.unique(user, return_inverse=True)
        watched, item = np.unique(movie, return_inverse=True)
        return cls(
            viewer, watched, Adjacency.of(viewer, item, rating), Adjacency.of(item, viewer, rating)
        )


@dataclass(frozen=True)
class Prior:
    """A Gaussian prior whose mean is linear in features: weights F x D, precision D x D."""

    weights: NDArray[np.float64]
    precision: NDArray[np.float64]
    ridge: float
    gram: NDArray[np.float64]

    @classmethod
    def start(cls, features: NDArray[np.float64], size: int) -> "Prior":
        """Return a weak prior around zero for entities with these features."""
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
        used = float(((weights[1:] @ precision) * weights[1:]).sum())
        shape: float = 1 + (width - 1) * size / 2
        ridge = float(generator.gamma(shape, 1 / (1 + used / 2)))
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
    own: NDArray[np.float64],
    others: NDArray[np.float64],
    mean: NDArray[np.float64],
    prior: NDArray[np.float64],
    covariance: NDArray[np.float64],
    precision: float,
    level: float,
    noise: NDArray[np.float64],
    errors: NDArray[np.float64],
) -> None:
    """Do what `Side.draw` says into `own`, given the noise of vectors and the errors of ratings."""
    size = own.shape[1]
    few = size // _FEW
    root = prior.copy()
    factorise(root)
    matrix, regressor = np.empty((size, size)), np.ones(size)
    regressors, moved = np.ones((few, size)), np.empty((few, size))
    system, surplus = np.empty((few, few)), np.empty(few)
    for n in range(len(own)):
        rows = slice(starts[n], starts[n + 1])
        vector, count = own[n], starts[n + 1] - starts[n]
        if count > few:
            vector[:] = 0.0
            for a in range(size):
                for c in range(size):
                    matrix[a, c] = prior[a, c]
                    vector[a] += prior[a, c] * mean[n, c]
            _sum_up(other[rows], rating[rows], others, precision, level, matrix, vector, regressor)
            factorise(matrix)
            solve_lower(matrix, vector)
            vector += noise[n]
            solve_upper(matrix, vector)
            continue
        vector[:] = noise[n]
        solve_upper(root, vector)
        vector += mean[n]
        for k in range(count):
            item = other[starts[n] + k]
            regressors[k, 1:] = others[item, 1:]
            surplus[k] = rating[starts[n] + k] + errors[starts[n] + k] - level - others[item, 0]
        _move(
            vector, covariance, 1.0 / precision, regressors[:count], surplus[:count],
            moved, system[:count, :count],
        )  # fmt: skip


@compiled
def _sum_up(
    other: NDArray[np.int64],
    rating: NDArray[np.float64],
    others: NDArray[np.float64],
    precision: float,
    level: float,
    matrix: NDArray[np.float64],
    vector: NDArray[np.float64],
    regressor: NDArray[np.float64],
) -> None:
    """Add what ratings say to a precision, its lower triangle, and to precision times mean."""
    size = len(vector)
    for row in range(len(other)):
        item = other[row]
        residual = (rating[row] - level - others[item, 0]) * precision
        for a in range(1, size):
            regressor[a] = others[item, a]
        for a in range(size):
            vector[a] += regressor[a] * residual
            for c in range(a + 1):
                matrix[a, c] += precision * regressor[a] * regressor[c]


@compiled
def _move(
    vector: NDArray[np.float64],
    covariance: NDArray[np.float64],
    variance: float,
    regressors: NDArray[np.float64],
    surplus: NDArray[np.float64],
    moved: NDArray[np.float64],
    system: NDArray[np.float64],
) -> None:
    """Move a draw from a prior to where K ratings want it; the last two are room to work in."""
    size = len(vector)
    for k in range(len(surplus)):
        for a in range(size):
            surplus[k] -= regressors[k, a] * vector[a]
        moved[k] = covariance[0]
        for a in range(1, size):
            own = regressors[k, a]
            for c in range(size):
                moved[k, c] += own * covariance[a, c]
        for m in range(k + 1):
            total = 0.0
            for a in range(size):
                total += moved[k, a] * regressors[m, a]
            system[k, m] = total
        system[k, k] += variance
    factorise(system)
    solve_lower(system, surplus)
    solve_upper(system, surplus)
    for k in range(len(surplus)):
        for a in range(size):
            vector[a] += surplus[k] * moved[k, a]


@compiled
def squared_error(
    starts: NDArray[np.int64],
    other: NDArray[np.int64],
    rating: NDArray[np.float64],
    own: NDArray[np.float64],
    others: NDArray[np.float64],
    level: float,
) -> float:
    """Return the sum of squared errors over the log."""
    total = 0.0
    for n in range(own.shape[0]):
        for row in range(starts[n], starts[n + 1]):
            item = other[row]
            value = level + own[n, 0] + others[item, 0]
            for a in range(1, own.shape[1]):
                value += own[n, a] * others[item, a]
            total += (rating[row] - value) ** 2
    return total
