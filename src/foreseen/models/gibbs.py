"""The sampler's parts: a log by one of its sides, a prior with side information, one half sweep."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foreseen.compiled import compiled
from foreseen.models.linear_algebra import factorise, solve_lower, solve_upper


@dataclass(frozen=True)
class Side:
    """A log laid out by one of its sides."""

    starts: NDArray[np.int64]
    other: NDArray[np.int64]
    rating: NDArray[np.float64]

    @classmethod
    def of(
        cls, entity: NDArray[np.intp], other: NDArray[np.intp], rating: NDArray[np.float64]
    ) -> "Side":
        """Lay E ratings out by the numbers of their entities, 0 to the greatest."""
        order = np.argsort(entity, kind="stable")
        starts = np.append(0, np.cumsum(np.bincount(entity))).astype(np.int64)
        return cls(starts, other[order].astype(np.int64), rating[order])


@dataclass(frozen=True)
class BothSides:
    """A log laid out by users and by movies.

    Attributes:
        viewer: The number of each rating's user, of shape E.
        watched: Rows of the catalogue that have been rated; movies are numbered in their order.
        users: The log by user.
        movies: The log by movie.
    """

    viewer: NDArray[np.intp]
    watched: NDArray[np.int32]
    users: Side
    movies: Side

    @classmethod
    def of(
        cls, user: NDArray[np.signedinteger], movie: NDArray[np.int32], rating: NDArray[np.float64]
    ) -> "BothSides":
        """Lay out E ratings.

        Args:
            user: Any numbering of users, of shape E.
            movie: Rows of the catalogue, of shape E.
            rating: Stars, of shape E.
        """
        _, viewer = np.unique(user, return_inverse=True)
        watched, item = np.unique(movie, return_inverse=True)
        return cls(viewer, watched, Side.of(viewer, item, rating), Side.of(item, viewer, rating))


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
def sample_side(
    starts: NDArray[np.int64],
    other: NDArray[np.int64],
    rating: NDArray[np.float64],
    own: NDArray[np.float64],
    others: NDArray[np.float64],
    mean: NDArray[np.float64],
    prior: NDArray[np.float64],
    precision: float,
    level: float,
    noise: NDArray[np.float64],
) -> None:
    """Draw every vector of one side given the other side's, in place."""
    size = own.shape[1]
    regressor = np.ones(size)
    matrix = np.empty((size, size))
    vector = np.empty(size)
    for n in range(own.shape[0]):
        for a in range(size):
            vector[a] = 0.0
            for c in range(size):
                matrix[a, c] = prior[a, c]
                vector[a] += prior[a, c] * mean[n, c]
        for row in range(starts[n], starts[n + 1]):
            item = other[row]
            residual = (rating[row] - level - others[item, 0]) * precision
            for a in range(1, size):
                regressor[a] = others[item, a]
            for a in range(size):
                vector[a] += regressor[a] * residual
                for c in range(a + 1):
                    matrix[a, c] += precision * regressor[a] * regressor[c]
        factorise(matrix)
        solve_lower(matrix, vector)
        for a in range(size):
            vector[a] += noise[n, a]
        solve_upper(matrix, vector)
        for a in range(size):
            own[n, a] = vector[a]


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
