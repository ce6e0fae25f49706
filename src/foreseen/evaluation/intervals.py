"""Bootstrap intervals over users."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

FEW_USERS: Final = 100
"""Below this number of users intervals are corrected for bias and skewness."""
_DRAWS: Final = 1000
_BLOCK: Final = 1 << 22
"""Counts held in memory at a time."""
_TAILS: Final = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Estimate":
        """Return the estimate in another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""A function of how often each of U users is drawn, of shape D x U; returns D values."""


def estimate(statistic: Statistic, users: int) -> Estimate:
    """Return the value of a statistic over U users with its interval."""
    return Estimate(float(statistic(np.ones((1, users)))[0]), *bootstrap(statistic, users))


def mean_over_users(values: NDArray[np.float64]) -> Estimate:
    """Return the mean of one value per user, of shape U, with its interval."""
    return estimate(lambda w: (w @ values) / w.sum(axis=1), len(values))


def ratio_over_users(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> Estimate:
    """Return the ratio of two sums over users, both of shape U, with its interval."""
    return estimate(lambda w: (w @ numerator) / (w @ denominator), len(numerator))


def bootstrap(statistic: Statistic, users: int, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a statistic (bootstrap: Efron, 1979).

    Users are drawn with replacement, each with all of their events. The interval is that of the
    percentiles; for fewer than `FEW_USERS` users, the bias-corrected and accelerated one (BCa:
    Efron, 1987), where it is defined.

    Args:
        statistic: The statistic.
        users: U, the number of users.
        seed: Random seed.
    """
    generator = np.random.default_rng(seed)
    at_once = max(1, _BLOCK // users)
    values: list[NDArray[np.float64]] = []
    for start in range(0, _DRAWS, at_once):
        count = min(at_once, _DRAWS - start)
        drawn = generator.integers(0, users, (count, users)) + users * np.arange(count)[:, None]
        times = np.bincount(drawn.reshape(-1), minlength=count * users)
        values.append(statistic(times.reshape(count, users).astype(np.float64)))
    drawn_values = np.concatenate(values)
    tails = _corrected_tails(statistic, users, drawn_values) if users < FEW_USERS else _TAILS
    low, high = np.quantile(drawn_values, tails)
    return float(low), float(high)


def _corrected_tails(
    statistic: Statistic, users: int, values: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the quantiles that the BCa method takes for those of 2.5 % and 97.5 %."""
    if users < 2:
        return _TAILS
    # A statistic may be undefined without one of the users.
    with np.errstate(all="ignore"):
        value = float(statistic(np.ones((1, users)))[0])
        without_one = statistic(np.ones((users, users)) - np.eye(users))
        change = without_one.mean() - without_one
        acceleration = float((change**3).sum() / (6 * (change**2).sum() ** 1.5))
    below = float(((values < value).mean() + (values <= value).mean()) / 2)
    if not np.isfinite(acceleration) or not 0 < below < 1:
        return _TAILS
    normal = NormalDist()
    bias = normal.inv_cdf(below)

    def corrected(tail: float) -> float:
        shifted = bias + normal.inv_cdf(tail)
        return normal.cdf(bias + shifted / (1 - acceleration * shifted))

    return corrected(_TAILS[0]), corrected(_TAILS[1])
