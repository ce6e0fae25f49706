"""Posterior means of many users' vectors, each from a whole history at once.

The same posterior as `foreseen.models.factors.user_posterior` updates rating by rating, found by
solving the normal equations: one matrix product and one linear system per sample.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foreseen.features.user_statistics import UserHistories
from foreseen.models.factors.bayesian_mf import Factors


class UserVectors(NamedTuple):
    """What the expected ratings of B users are computed from; S samples, D = rank + 1.

    Attributes:
        offset: Global mean plus user bias, in stars, of shape B.
        coefficients: Of a movie's vector in every sample, of shape B x (S * D).
    """

    offset: NDArray[np.float64]
    coefficients: NDArray[np.float64]


def user_vectors(
    factors: Factors, histories: UserHistories, rows: NDArray[np.int32], ends: NDArray[np.int64]
) -> UserVectors:
    """Return the vectors of B users, given their histories up to `ends`, of shape B."""
    samples, size = factors.by_movie.shape[1:]
    offset = np.empty(len(rows))
    coefficients = np.empty((len(rows), samples * size))
    for number, (row, end) in enumerate(zip(rows, ends, strict=True)):
        user = _cached_mean(factors, histories, int(row), int(end))
        offset[number] = factors.mean[0] + user[:, 0].mean()
        coefficients[number] = user.reshape(-1) / samples
        # The first element of a movie's vector is the item bias: its coefficient is one.
        coefficients[number, ::size] = 1 / samples
    return UserVectors(offset, coefficients)


def _cached_mean(
    factors: Factors, histories: UserHistories, row: int, end: int
) -> NDArray[np.float64]:
    """Return the posterior mean given a part of a history, of shape S x D; both stages use it."""

    def compute() -> tuple[UserHistories, NDArray[np.float64]]:
        known = slice(int(histories.starts[row]), end)
        return histories, _posterior_mean(factors, histories.movie[known], histories.rating[known])

    return factors.cached_users.get_or_compute((id(histories), row, end), compute)[1]


def _posterior_mean(
    factors: Factors, movie: NDArray[np.int32], rating: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the posterior mean given N ratings, of shape S x D."""
    prior = factors.user_prior
    vectors = factors.by_movie[movie].astype(np.float64)
    weighted = prior.noise * (rating[:, None] - factors.mean[0] - vectors[:, :, 0])
    vectors[:, :, 0] = 1.0
    columns = vectors.transpose(1, 2, 0)
    precision: NDArray[np.float64] = columns @ vectors.transpose(1, 0, 2)
    precision = factors.user_precisions + prior.noise[:, None, None] * precision
    features = prior.features(factors.content[movie].sum(axis=0), len(movie))
    # The first feature is the constant one.
    weights = np.append(1.0, features)
    information: NDArray[np.float64] = (prior.information.T @ weights).T[:, :, None]
    information = information + columns @ weighted.T[:, :, None]
    return np.linalg.solve(precision, information)[:, :, 0].astype(np.float64)
