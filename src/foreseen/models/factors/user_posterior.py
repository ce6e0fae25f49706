"""The Gaussian of a user's vector, kept up rating by rating, for every sample.

A user's vector x has a Gaussian prior, and a rating less the level and the movie's bias is z . x
with noise, z being the movie's factors behind a one. So x given the ratings so far is Gaussian too,
and one rating more changes its covariance by a matrix of rank one (Kalman, 1960). The prior's mean
moves with all that is watched, so the mean of x is worked out when it is asked for.

S samples, D = rank + 1, F features of a user.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

_FEW: Final = 5.0
"""Genres, years and views of a history count as means, short histories' as less."""


@dataclass(frozen=True)
class UserPrior:
    """What is known of a user before any rating, and how ratings count.

    Attributes:
        covariance: Of the prior, of shape S x D x D.
        pull: What each feature adds to the prior's mean, times its precision, of shape F x S x D.
        noise: Precision of a rating, of shape S.
        attributes: How many features are means over a history; those behind them, the watch
            directions, are sums over its root.
    """

    covariance: NDArray[np.float64]
    pull: NDArray[np.float64]
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
        """Lay out a prior of means S x F x D and precisions S x D x D."""
        return cls(
            np.linalg.inv(precisions).astype(np.float64),
            np.ascontiguousarray((means @ precisions).transpose(1, 0, 2)),
            noise,
            means.shape[1] - 1 - directions,
        )


@compiled
def update(
    movie: NDArray[np.float32],
    surplus: float,
    noise: NDArray[np.float64],
    moment: NDArray[np.float64],
    covariance: NDArray[np.float64],
    gain: NDArray[np.float64],
) -> None:
    """Let one rating in.

    Args:
        movie: Its vector, of shape S x D.
        surplus: Stars above the level.
        noise: Precision of a rating, of shape S.
        moment: Of shape S x D, to add to: the ratings' part of precision times mean.
        covariance: Of shape S x D x D, to narrow.
        gain: Room of shape D.
    """
    samples, size = movie.shape
    for s in range(samples):
        weight = noise[s] * (surplus - movie[s, 0])
        moment[s, 0] += weight
        for a in range(1, size):
            moment[s, a] += weight * movie[s, a]
        weight = noise[s] / (1.0 + noise[s] * spread_of(covariance[s], movie[s], gain))
        own_covariance = covariance[s]
        for a in range(size):
            weighted = weight * gain[a]
            for c in range(size):
                own_covariance[a, c] -= weighted * gain[c]


@compiled
def spread_of(
    covariance: NDArray[np.float64], movie: NDArray[np.float32], gain: NDArray[np.float64]
) -> float:
    """Return the variance of z . x in one sample; covariance times z is written into `gain`."""
    size = len(gain)
    for c in range(size):
        gain[c] = covariance[0, c]
    for a in range(1, size):
        own = float(movie[a])
        for c in range(size):
            gain[c] += covariance[a, c] * own
    total = gain[0]
    for a in range(1, size):
        total += gain[a] * movie[a]
    return total


@compiled
def posterior_mean(
    known: int,
    kind: NDArray[np.float64],
    attributes: int,
    pull: NDArray[np.float64],
    moment: NDArray[np.float64],
    covariance: NDArray[np.float64],
    centre: NDArray[np.float64],
) -> None:
    """Write the mean of x given `known` ratings into `centre`, of shape S x D.

    `kind` is the content of the movies rated, summed up, of shape F - 1; for the others see
    `UserPrior` and `take_in`.
    """
    samples, size = centre.shape
    total = moment + pull[0]
    flat = total.reshape(samples * size)
    for f in range(len(kind)):
        if kind[f] != 0.0:
            own = kind[f] / (known + _FEW if f < attributes else np.sqrt(known))
            more = pull[f + 1].reshape(samples * size)
            for n in range(samples * size):
                flat[n] += own * more[n]
    for s in range(samples):
        own_centre, own_covariance = centre[s], covariance[s]
        own_centre[:] = 0.0
        for a in range(size):
            for c in range(size):
                own_centre[c] += own_covariance[a, c] * total[s, a]


@compiled
def predict_mean(movie: NDArray[np.float32], centre: NDArray[np.float64]) -> float:
    """Return how far above the level a movie is expected, averaged over the samples."""
    samples, size = centre.shape
    total = 0.0
    for s in range(samples):
        value = centre[s, 0] + movie[s, 0]
        for a in range(1, size):
            value += centre[s, a] * movie[s, a]
        total += value
    return total / samples


@compiled
def predict(
    movie: NDArray[np.float32],
    centre: NDArray[np.float64],
    covariance: NDArray[np.float64],
    gain: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the same and its standard deviation, the noise left aside."""
    samples, size = centre.shape
    mean, squares, spread = 0.0, 0.0, 0.0
    for s in range(samples):
        value = centre[s, 0] + movie[s, 0]
        for a in range(1, size):
            value += centre[s, a] * movie[s, a]
        mean += value / samples
        squares += value * value / samples
        spread += spread_of(covariance[s], movie[s], gain) / samples
    return mean, np.sqrt(max(spread + squares - mean * mean, 0.0))
