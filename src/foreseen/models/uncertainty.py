"""The error of predictions as a function of the number of ratings of the user and the movie.

A model that predicts a distribution over rating levels has its own standard deviations; for all
others they are modelled here. The width of the intervals is calibrated on held-out ratings.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded
from foreseen.features.interaction_log import MOVIE_DAMPING, USER_DAMPING
from foreseen.features.movie_statistics import LIKED_FROM

COVERAGE: Final = 0.8
"""Share of ratings that lie between `low` and `high`."""
_EDGE_REACH: Final = 2.0
_HALVINGS: Final = 30
_MOST_ROWS: Final = 500_000


@dataclass(frozen=True)
class Uncertainty:
    """The variance of a prediction's error, `noise + user / (1 + n_u) + movie / (1 + n_m)`.

    Attributes:
        noise: Variance that further ratings do not reduce.
        user: Variance that falls with the number n_u of ratings of the user.
        movie: Variance that falls with the number n_m of ratings of the movie.
        reach: Half the interval's width in standard deviations, with the nominal coverage on
            ratings later than those fitted to (split conformal prediction, Papadopoulos
            et al., 2002).
        edge: Prediction at which four stars or more have a probability of one half, so that
            predicted and observed shares of liked ratings agree.
    """

    noise: float
    user: float
    movie: float
    reach: float
    edge: float

    def deviation(self, encoded: Encoded) -> NDArray[np.float64]:
        """Return the standard deviation of each prediction's error, of shape N, in stars."""
        weights = np.array([self.noise, self.user, self.movie])
        return np.sqrt(_inverse_counts(encoded) @ weights)

    def liked(
        self, rating: NDArray[np.float64], deviation: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the probability of four stars or more, of shape N, by a normal distribution."""
        return _normal((rating - self.edge) / deviation)

    def standard_error(self, encoded: Encoded) -> NDArray[np.float64]:
        """Return the standard error of item and user bias, of shape N, in stars.

        The damped mean of n ratings has the variance `noise / (n + damping)`.
        """
        user = 1 / _counts(encoded, "user_ratings", USER_DAMPING)
        movie = 1 / _counts(encoded, "movie_views", MOVIE_DAMPING)
        return np.sqrt(self.noise * (user + movie))

    def standard_error_of(self, ratings: int, views: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same for one user with `ratings` ratings and C movies with `views` ratings."""
        return np.sqrt(self.noise * (1 / (ratings + USER_DAMPING) + 1 / (views + MOVIE_DAMPING)))


def fit_uncertainty(
    encoded: Encoded,
    expected: NDArray[np.float64],
    rating: NDArray[np.float64],
    deviation: NDArray[np.float64] | None = None,
) -> Uncertainty:
    """Fit the variance by non-negative least squares, then reach and edge, to held-out ratings.

    Args:
        encoded: Features of N held-out ratings.
        expected: Predicted stars, of shape N.
        rating: Stars, of shape N.
        deviation: Standard deviations of the model, of shape N, if it has them.
    """
    rows = slice(max(0, len(rating) - _MOST_ROWS), None)
    error = np.abs(rating[rows] - expected[rows])
    inverse = _inverse_counts(encoded.part(rows))
    noise, user, movie = _non_negative_least_squares(inverse, error**2)
    noise = max(noise, 0.05)
    modelled = np.sqrt(inverse @ np.array([noise, user, movie]))
    deviation = modelled if deviation is None else deviation[rows]
    reach = float(np.quantile(error / deviation, COVERAGE))
    edge = _fit_edge(expected[rows], deviation, float(np.mean(rating[rows] >= LIKED_FROM)))
    return Uncertainty(noise, user, movie, reach, edge)


def _fit_edge(expected: NDArray[np.float64], deviation: NDArray[np.float64], share: float) -> float:
    """Find the edge by bisection: the higher it is, the lower the predicted share of liked."""
    low, high = LIKED_FROM - _EDGE_REACH, LIKED_FROM + _EDGE_REACH
    for _ in range(_HALVINGS):
        edge = (low + high) / 2
        if float(_normal((expected - edge) / deviation).mean()) > share:
            low = edge
        else:
            high = edge
    return (low + high) / 2


def _normal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * torch.erfc(torch.from_numpy(-values / np.sqrt(2))).numpy()


def _inverse_counts(encoded: Encoded) -> NDArray[np.float64]:
    user = 1 / _counts(encoded, "user_ratings", 1)
    movie = 1 / _counts(encoded, "movie_views", 1)
    return np.stack([np.ones_like(user), user, movie], axis=1)


def _counts(encoded: Encoded, name: str, damping: float) -> NDArray[np.float64]:
    return np.expm1(encoded.column(name).astype(np.float64)) + damping


def _non_negative_least_squares(
    matrix: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Try every set of columns: exact, and fast for three columns."""
    best, least = np.array([float(target.mean()), 0.0, 0.0]), np.inf
    for size in (1, 2, 3):
        for columns in combinations(range(3), size):
            chosen = list(columns)
            found = np.linalg.lstsq(matrix[:, chosen], target, rcond=None)[0]
            error = float(((matrix[:, chosen] @ found - target) ** 2).sum())
            if (found >= 0).all() and error < least:
                best, least = np.zeros(3), error
                best[chosen] = found
    return float(best[0]), float(best[1]), float(best[2])
