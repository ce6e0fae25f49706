"""Features from one-step residuals: each rating of a user less its prediction just before it.

Moving means of the residuals follow the user's recent bias. The functions are called by the scan
over a history in `foreseen.models.factors.fold_in`; the means over similar movies are in
`foreseen.models.factors.similar_residuals`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

FOLD_IN_FEATURES: Final = (
    "factor_spread",
    "residual_last",
    "residual_fast",
    "residual_medium",
    "residual_slow",
    "residual_mean",
    "residual_size",
    "residual_similar",
    "residual_genre",
    "residual_similar_weight",
    "residual_similar_recent",
    "residual_genre_recent",
    "residual_popularity",
    "year_gap",
    "popularity_gap",
    "residual_franchise",
    "franchise_known",
)
(
    FACTOR_SPREAD,
    RESIDUAL_LAST,
    RESIDUAL_FAST,
    RESIDUAL_MEDIUM,
    RESIDUAL_SLOW,
    RESIDUAL_MEAN,
    RESIDUAL_SIZE,
    RESIDUAL_SIMILAR,
    RESIDUAL_GENRE,
    RESIDUAL_SIMILAR_WEIGHT,
    RESIDUAL_SIMILAR_RECENT,
    RESIDUAL_GENRE_RECENT,
    RESIDUAL_POPULARITY,
    YEAR_GAP,
    POPULARITY_GAP,
    RESIDUAL_FRANCHISE,
    FRANCHISE_KNOWN,
) = range(17)
"""Columns of the features, in the same order."""
(
    _FAST,
    _MEDIUM,
    _SLOW,
    _FAST_WEIGHT,
    _MEDIUM_WEIGHT,
    _SLOW_WEIGHT,
    _TOTAL,
    _SIZE,
    _POPULARITY,
    _POPULARITY_SQUARES,
    _POPULARITY_RESIDUALS,
) = range(11)
RUNNING_SUMS: Final = 11
"""Sums over a history: three decaying sums of the residuals and their weights, the totals of the
residuals and their sizes, of popularity, its square, and its product with the residual."""
_SPEEDS: Final = 3
_DECAYS: Final = (0.7, 0.87, 0.966)
_RECENT_DAMPING: Final = 0.7
_MEAN_DAMPING: Final = 5.0
_PRIOR_SIZE: Final = 4.0
"""Sum of the absolute residuals of the ratings added by `_MEAN_DAMPING`."""
_PRIOR_VARIANCE: Final = 0.15
"""Variance of popularity within a history that is added to the one measured."""
_VARIANCE_DAMPING: Final = 1.5


@compiled
def update_sums(sums: NDArray[np.float64], residual: float, popularity: float) -> None:
    """Add one rating to the running sums."""
    for speed in range(_SPEEDS):
        sums[_FAST + speed] = sums[_FAST + speed] * _DECAYS[speed] + residual
        sums[_FAST_WEIGHT + speed] = sums[_FAST_WEIGHT + speed] * _DECAYS[speed] + 1.0
    sums[_TOTAL] += residual
    sums[_SIZE] += abs(residual)
    sums[_POPULARITY] += popularity
    sums[_POPULARITY_SQUARES] += popularity * popularity
    sums[_POPULARITY_RESIDUALS] += popularity * residual


@compiled
def write_user_residuals(
    sums: NDArray[np.float64],
    position: int,
    residual: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Write the last residual and the means after `position` ratings into features of shape F."""
    if position > 0:
        values[RESIDUAL_LAST] = residual[position - 1]
    for speed in range(_SPEEDS):
        values[RESIDUAL_FAST + speed] = sums[_FAST + speed] / (
            sums[_FAST_WEIGHT + speed] + _RECENT_DAMPING
        )
    values[RESIDUAL_MEAN] = sums[_TOTAL] / (position + _MEAN_DAMPING)
    values[RESIDUAL_SIZE] = (sums[_SIZE] + _PRIOR_SIZE) / (position + _MEAN_DAMPING)


@compiled
def write_gaps(
    sums: NDArray[np.float64],
    position: int,
    year_gap: float,
    popularity_gap: float,
    values: NDArray[np.float64],
) -> None:
    """Write how far a movie lies from the history's mean in year and popularity.

    The regression of the user's residuals on popularity, evaluated at the gap, is written too.
    """
    values[YEAR_GAP] = year_gap
    values[POPULARITY_GAP] = popularity_gap
    if position > 0:
        mean = sums[_POPULARITY] / position
        variance = (
            sums[_POPULARITY_SQUARES] / position
            - mean * mean
            + _PRIOR_VARIANCE
            + _VARIANCE_DAMPING / position
        )
        slope = (sums[_POPULARITY_RESIDUALS] - mean * sums[_TOTAL]) / position / variance
        values[RESIDUAL_POPULARITY] = slope * popularity_gap
