"""The Gaussian posterior of a user's vector, updated rating by rating, in every sample.

The vector x of a user has a Gaussian prior. A rating less the global mean and the item bias is
z . x plus noise, where z is the movie's vector with its first element set to one. The posterior of
x is therefore Gaussian, and each rating changes its covariance by a matrix of rank one (Kalman,
1960). The mean of the prior depends on all movies of the history, so the mean of x is computed
from sums when it is needed.

S samples, D = rank + 1, F user features.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

ATTRIBUTE_DAMPING: Final = 5.0
"""Ratings added to the length of a history when the attributes of its movies are averaged."""


@dataclass(frozen=True)
class UserPrior:
    """The Gaussian prior of a user's vector, and the noise of ratings.

    Attributes:
        covariance: Covariance of the prior, of shape S x D x D.
        information: Precision of the prior times its mean, per unit of each feature, of shape
            F x S x D.
        noise: Precision of a rating, of shape S.
        attributes: Number of features that are damped means over a history; those after them, the
            watch directions, are sums over the root of its length.
    """

    covariance: NDArray[np.float64]
    information: NDArray[np.float64]
    noise: NDArray[np.float64]
    attributes: int

    @classmethod
    def of(
        cls,
        means: NDArray[np.float64],
        precisions: NDArray[np.float64],
        noise: NDArray[np.float64],
        directions: int,
    ) -> "UserPrior":
        """Return the prior with means S x F x D and precisions S x D x D."""
        return cls(
            np.linalg.inv(precisions).astype(np.float64),
            np.ascontiguousarray((means @ precisions).transpose(1, 0, 2)),
            noise,
            means.shape[1] - 1 - directions,
        )

    def features(self, content: NDArray[np.float64], known: int) -> NDArray[np.float64]:
        """Return the features of a user, of shape F - 1.

        Args:
            content: Sum of the content of the rated movies, of shape F - 1.
            known: Number of ratings.
        """
        is_mean = np.arange(len(content)) < self.attributes
        return content / np.where(is_mean, known + ATTRIBUTE_DAMPING, max(known, 1) ** 0.5)


@compiled
def update(
    movie: NDArray[np.float32],
    offset: float,
    noise: NDArray[np.float64],
    information: NDArray[np.float64],
    covariance: NDArray[np.float64],
    gain: NDArray[np.float64],
) -> None:
    """Condition the posterior on one rating.

    Args:
        movie: Vector of the movie, of shape S x D.
        offset: The rating less the global mean, in stars.
        noise: Precision of a rating, of shape S.
        information: Sum over the ratings of their precision times offset times z, of shape S x D;
            the rating is added in place.
        covariance: Covariance of x, of shape S x D x D; reduced in place.
        gain: Buffer of shape D.
    """
    samples, size = movie.shape
    for s in range(samples):
        weight = noise[s] * (offset - movie[s, 0])
        information[s, 0] += weight
        for a in range(1, size):
            information[s, a] += weight * movie[s, a]
        weight = noise[s] / (1.0 + noise[s] * variance_of(covariance[s], movie[s], gain))
        sample_covariance = covariance[s]
        for a in range(size):
            weighted = weight * gain[a]
            for c in range(size):
                sample_covariance[a, c] -= weighted * gain[c]


@compiled
def variance_of(
    covariance: NDArray[np.float64], movie: NDArray[np.float32], gain: NDArray[np.float64]
) -> float:
    """Return the variance of z . x in one sample; covariance times z is written into `gain`."""
    size = len(gain)
    for c in range(size):
        gain[c] = covariance[0, c]
    add_weighted_rows(gain, covariance[1:], movie[1:])
    total = gain[0]
    for a in range(1, size):
        total += gain[a] * movie[a]
    return total


@compiled
def add_weighted_rows(
    total: NDArray[np.float64], rows: NDArray[np.float64], weights: NDArray[np.floating]
) -> None:
    """Add the rows of a matrix N x K, each times its weight, to a vector of shape K, in order.

    Four rows at a time: the vector is read and written a quarter as often.
    """
    whole = len(weights) - len(weights) % 4
    for a in range(0, whole, 4):
        first, second, third, fourth = rows[a], rows[a + 1], rows[a + 2], rows[a + 3]
        u, v, w, x = weights[a], weights[a + 1], weights[a + 2], weights[a + 3]
        for c in range(len(total)):
            total[c] = total[c] + u * first[c] + v * second[c] + w * third[c] + x * fourth[c]
    for a in range(whole, len(weights)):
        for c in range(len(total)):
            total[c] += weights[a] * rows[a, c]


@compiled
def posterior_mean(
    known: int,
    content: NDArray[np.float64],
    attributes: int,
    prior_information: NDArray[np.float64],
    information: NDArray[np.float64],
    covariance: NDArray[np.float64],
    mean: NDArray[np.float64],
) -> None:
    """Write the mean of x given `known` ratings into `mean`, of shape S x D.

    `content` is the sum of the content of the rated movies, of shape F - 1. `attributes` and
    `prior_information` are those of a `UserPrior`; for the others see `update`.
    """
    samples, size = mean.shape
    total = information + prior_information[0]
    if known > 0:
        feature = np.empty(len(content))
        for f in range(len(content)):
            scale = known + ATTRIBUTE_DAMPING if f < attributes else np.sqrt(known)
            feature[f] = content[f] / scale
        per_unit = prior_information[1:].reshape(len(content), samples * size)
        add_weighted_rows(total.reshape(samples * size), per_unit, feature)
    mean[:] = 0.0
    for s in range(samples):
        add_weighted_rows(mean[s], covariance[s], total[s])


@compiled
def predict_mean(movie: NDArray[np.float32], user: NDArray[np.float64]) -> float:
    """Return the expected rating of a movie less the global mean, averaged over the samples.

    Args:
        movie: Vector of the movie, of shape S x D.
        user: Posterior mean of the user's vector, of shape S x D.
    """
    samples, size = user.shape
    total = 0.0
    for s in range(samples):
        value = user[s, 0] + movie[s, 0]
        for a in range(1, size):
            value += user[s, a] * movie[s, a]
        total += value
    return total / samples


@compiled
def predict(
    movie: NDArray[np.float32],
    user: NDArray[np.float64],
    covariance: NDArray[np.float64],
    gain: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the same and its standard deviation, without the noise of a rating."""
    samples, size = user.shape
    mean, squares, variance = 0.0, 0.0, 0.0
    for s in range(samples):
        value = user[s, 0] + movie[s, 0]
        for a in range(1, size):
            value += user[s, a] * movie[s, a]
        mean += value / samples
        squares += value * value / samples
        variance += variance_of(covariance[s], movie[s], gain) / samples
    return mean, np.sqrt(max(variance + squares - mean * mean, 0.0))
