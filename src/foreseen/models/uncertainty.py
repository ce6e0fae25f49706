"""How far a prediction may be off: less, the more is known of the user and of the movie.

A model that answers with a distribution over the rating levels tells its own deviations; for all
others they are modelled here. How many of them an interval takes is found on held-out ratings.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded
from foreseen.features.movie_statistics import LIKING
from foreseen.features.interaction_log import MOVIE_DAMPING, USER_DAMPING

COVERAGE: Final = 0.8
"""Share of ratings that lie between `low` and `high`."""
_EDGE_REACH: Final = 2.0
_HALVINGS: Final = 30
_MOST_ROWS: Final = 500_000


@dataclass(frozen=True)
class Uncertainty:
    """The variance of a prediction's error, `noise + user / (1 + n_u) + movie / (1 + n_m)`.

    Attributes:
        noise: Variance that no amount of ratings takes away.
        user: Variance from knowing little of the user, in whose n_u = 0 ratings it is all there.
        movie: The same for the movie and its n_m ratings.
        reach: Half the interval's width in standard deviations, so that its coverage was right
            on ratings later than those learned from (split conformal prediction, Papadopoulos
            et al., 2002).
        edge: Prediction from which on four stars or more are likelier than not, so that as many
            were foretold as were given.
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

    def doubt(self, encoded: Encoded) -> NDArray[np.float64]:
        """Return the standard error of worth and kindness, of shape N, in stars.

        It is what more ratings would take away: the damped means of n ratings with the noise
        above are off by `noise / (n + damping)` in variance.
        """
        user = 1 / _counts(encoded, "user_ratings", USER_DAMPING)
        movie = 1 / _counts(encoded, "movie_views", MOVIE_DAMPING)
        return np.sqrt(self.noise * (user + movie))

    def doubt_of(self, ratings: int, views: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same for one user of so many ratings and C movies of so many views."""
        return np.sqrt(self.noise * (1 / (ratings + USER_DAMPING) + 1 / (views + MOVIE_DAMPING)))


def fit_uncertainty(
    encoded: Encoded,
    expected: NDArray[np.float64],
    rating: NDArray[np.float64],
    deviation: NDArray[np.float64] | None = None,
) -> Uncertainty:
    """Fit the variance by non-negative least squares, the reach and the edge to what was given.

    Args:
        encoded: Features of N held-out ratings.
        expected: What was predicted of them.
        rating: What they were.
        deviation: The model's own standard deviations, if it tells them.
    """
    rows = slice(max(0, len(rating) - _MOST_ROWS), None)
    error = np.abs(rating[rows] - expected[rows])
    inverse = _inverse_counts(encoded.part(rows))
    noise, user, movie = _non_negative_least_squares(inverse, error**2)
    noise = max(noise, 0.05)
    modelled = np.sqrt(inverse @ np.array([noise, user, movie]))
    deviation = modelled if deviation is None else deviation[rows]
    reach = float(np.quantile(error / deviation, COVERAGE))
    edge = _fit_edge(expected[rows], deviation, float(np.mean(rating[rows] >= LIKING)))
    return Uncertainty(noise, user, movie, reach, edge)


def _fit_edge(expected: NDArray[np.float64], deviation: NDArray[np.float64], share: float) -> float:
    """Find the edge by halving: the higher it is, the fewer are foretold to be liked."""
    low, high = LIKING - _EDGE_REACH, LIKING + _EDGE_REACH
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
    """Try every set of columns: with three of them that is exact and quick."""
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
