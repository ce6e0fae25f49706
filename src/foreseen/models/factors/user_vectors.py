"""Posterior means of many users' vectors, each from a whole history at once.

The same posterior as `foreseen.models.factors.user_posterior` updates rating by rating, found by
solving the normal equations: one matrix product and one linear system per sample.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foreseen.features.user_statistics import UserHistories
from foreseen.models.factors.bayesian_mf import Factors
from foreseen.models.factors.user_posterior import ATTRIBUTE_DAMPING


class UserVectors(NamedTuple):
    """What the expected ratings of B users are computed from; S samples, D = rank + 1.

    Attributes:
        offset: Global mean plus user bias, in stars, of shape B.
        coefficients: Of a movie's vector in every sample, of shape B x (S * D).
    """

    offset: NDArray[np.float64]
    coefficients: NDArray[np.float32]


def user_vectors(
    factors: Factors, histories: UserHistories, rows: NDArray[np.int32], ends: NDArray[np.int64]
) -> UserVectors:
    """Return the vectors of B users, given their histories up to `ends`, of shape B."""
    samples, size = factors.by_movie.shape[1:]
    offset = np.empty(len(rows))
    coefficients = np.empty((len(rows), samples * size), dtype=np.float32)
    for number, (row, end) in enumerate(zip(rows, ends, strict=True)):
        known = slice(int(histories.starts[row]), int(end))
        user = _posterior_mean(factors, histories.movie[known], histories.rating[known])
        offset[number] = factors.mean[0] + user[:, 0].mean()
        # The first element of a movie's vector is the item bias: its coefficient is one.
        user[:, 0] = 1.0
        coefficients[number] = user.reshape(-1) / samples
    return UserVectors(offset, coefficients)


def _posterior_mean(
    factors: Factors, movie: NDArray[np.int32], rating: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the posterior mean given H ratings, of shape S x D."""
    prior = factors.user_prior
    content = factors.content[movie].sum(axis=0)
    content[: prior.attributes] /= len(movie) + ATTRIBUTE_DAMPING
    content[prior.attributes :] /= np.sqrt(max(len(movie), 1))
    information = prior.information[0] + np.tensordot(content, prior.information[1:], 1)
    inputs = factors.by_movie[movie].astype(np.float64).transpose(1, 0, 2)
    target = rating - factors.mean[0] - inputs[:, :, 0]
    inputs[:, :, 0] = 1.0
    inputs = np.ascontiguousarray(inputs)
    noise = prior.noise[:, None, None]
    precision = factors.user_precisions + noise * (inputs.transpose(0, 2, 1) @ inputs)
    information = information[:, :, None] + noise * (inputs.transpose(0, 2, 1) @ target[:, :, None])
    return np.linalg.solve(precision, information)[:, :, 0]
