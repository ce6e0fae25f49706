"""Standardisation of session chunks to residuals of mean zero, variance one and equal weight.

The residual of a chunk is its mean less the same user's earlier mean, which is a random effect
shrunk to the mean of all users. What is averaged is declared in `foreseen.drift.streams`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

_WARM_UP: Final = 30
_LONGEST: Final = 500.0
_USER_MEMORY: Final = 4.0
_CLIP: Final = 3.0
_CONTRAST: Final = 8.0


@dataclass(frozen=True)
class Standardisation:
    """Parameters of the standardisation of a stream.

    Attributes:
        prior: Strength of the shrinkage of a user's mean to that of all users, in ratings.
        between: Variance between the sessions of a user, relative to that of a rating.
        floor: Least variance of a rating of a stream of shares.
        whole: Whether all chunks of a session count, not only those near its start.
        opening: Whether only the first chunk of each session counts: a user's mean contains a
            change of level from the second on.
        contrast: Whether a chunk is compared with the same chunk's other ratings.
        least_variance: Least total variance of the ratings behind a value.
    """

    prior: float = 15.0
    between: float = 0.05
    floor: float = 0.01
    whole: bool = False
    opening: bool = False
    contrast: bool = False
    least_variance: float = 0.0


@compiled
def _residual(
    value: float,
    effective: float,
    row: int,
    user_sum: NDArray[np.float64],
    user_weight: NDArray[np.float64],
    mean: float,
    prior: float,
    between: float,
) -> tuple[float, float]:
    """Return the residual of a chunk and its variance, relative to that of a rating."""
    weight = user_weight[row] + prior
    residual = value - (user_sum[row] + prior * mean) / weight
    return residual, 1 / effective + between + 1 / weight


@compiled
def standardise(
    user: NDArray[np.int64],
    count: NDArray[np.float64],
    total: NDArray[np.float64],
    rest: NDArray[np.float64],
    rest_total: NDArray[np.float64],
    used: NDArray[np.bool_],
    known: NDArray[np.int64],
    prior: float,
    between: float,
    share: bool,
    floor: float,
    least_variance: float,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int64],
]:
    """Return standardised one-step residuals; chunks are pooled until they have equal weight.

    Args:
        user: Of shape C, in order of completion.
        count: Ratings of each chunk that belong to the stream, of shape C.
        total: Sum of their values, of shape C.
        rest: The chunk's other ratings, as the reference; of shape C, or 0 for no reference.
        rest_total: Sum of their values, of shape C.
        used: Whether a chunk enters a value, of shape C; all chunks update the means.
        known: Number of chunks that the values expected after each chunk depend on, of shape C.
        prior: See `Standardisation`.
        between: See `Standardisation`.
        share: Whether values are 0 or 1, so that the mean determines the variance.
        floor: See `Standardisation`.
        least_variance: See `Standardisation`.

    Returns:
        V residuals, the mean value and number of ratings behind each, and the first and last
        chunk of each.
    """
    size = len(user)
    z, level, weight = np.empty(size), np.empty(size), np.empty(size)
    first, last = np.empty(size, np.int64), np.empty(size, np.int64)
    users = int(user.max()) + 1 if size else 1
    user_weight, user_sum = np.zeros(users), np.zeros(users)
    found = 0
    mean, mean_weight = 0.0, 0.0
    spread, spread_count = (0.1 if share else 1.0), 30.0
    background = 0.0
    scale = 1.0
    seen = 0
    information, residual_sum, ratings, level_sum, total_variance = 0.0, 0.0, 0.0, 0.0, 0.0
    begun = -1
    updated = 0
    values, effectives = np.zeros(size), np.zeros(size)
    for n in range(size):
        if count[n] <= 0:
            continue
        effective = count[n]
        value = total[n] / count[n]
        if len(rest):
            value -= (rest_total[n] + _CONTRAST * background) / (rest[n] + _CONTRAST)
            effective = 1 / (1 / effective + 1 / (rest[n] + _CONTRAST))
            overall = (rest_total[n] + total[n]) / (rest[n] + count[n])
            background += 0.02 * (overall - background)
        row = user[n]
        if share:
            spread = max(mean * (1 - mean), floor)
        residual, variance = _residual(
            value, effective, row, user_sum, user_weight, mean, prior, between
        )
        values[n], effectives[n] = value, effective
        while updated < known[n]:
            m = updated
            updated += 1
            if count[m] <= 0:
                continue
            other = user[m]
            ahead, own = _residual(
                values[m], effectives[m], other, user_sum, user_weight, mean, prior, between
            )
            user_sum[other] += effectives[m] * values[m]
            user_weight[other] += effectives[m]
            if user_weight[other] > _USER_MEMORY * prior:
                kept = _USER_MEMORY * prior / user_weight[other]
                user_sum[other] *= kept
                user_weight[other] *= kept
            mean_weight = min(mean_weight + 1 / own, _LONGEST * prior)
            mean += ahead / own / max(mean_weight, prior)
        if not share:
            square = min(residual**2 / variance / spread, _CLIP**2)
            spread_count = min(spread_count + 1, _LONGEST)
            spread *= 1 + (square - 1) / spread_count
        seen += 1
        if seen <= _WARM_UP or not used[n]:
            continue
        if begun < 0:
            begun = n
        information += 1 / variance
        residual_sum += residual / variance
        ratings += count[n]
        level_sum += value * count[n]
        total_variance += effective * (spread if share else 1.0)
        if information >= prior / 2 and total_variance >= least_variance:
            unit = residual_sum / np.sqrt(information * spread)
            scale += (min(unit**2, _CLIP**2) - scale) / min(found + 30.0, 300.0)
            unit /= np.sqrt(max(scale, 0.25))
            z[found] = min(max(unit, -_CLIP), _CLIP)
            level[found] = level_sum / ratings
            weight[found] = ratings
            first[found], last[found] = begun, n
            found += 1
            information, residual_sum, ratings, level_sum, total_variance = 0.0, 0.0, 0.0, 0.0, 0.0
            begun = -1
    return z[:found], level[:found], weight[:found], first[:found], last[:found]


@compiled
def standardise_ratings(residual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return N independent residuals, in time order, with mean zero and variance one."""
    values = np.empty(len(residual))
    mean, squares, count = 0.0, float(_WARM_UP), float(_WARM_UP)
    for n in range(len(residual)):
        deviation = residual[n] - mean
        spread = squares / count
        values[n] = min(max(deviation / np.sqrt(spread), -_CLIP), _CLIP)
        squares += min(deviation**2, _CLIP**2 * spread)
        count += 1
        mean += deviation / count
    return values
