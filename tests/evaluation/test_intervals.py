"""Bootstrap intervals over users, compared with those of SciPy."""

from typing import Any

import numpy as np
import pytest
import scipy.stats  # pyright: ignore[reportMissingTypeStubs]
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from foreseen.evaluation.intervals import (
    FEW_USERS,
    Estimate,
    bootstrap,
    estimate,
    mean_over_users,
    ratio_over_users,
)


def test_the_interval_narrows_with_the_number_of_users() -> None:
    def width(users: int) -> float:
        values = np.random.default_rng(0).normal(size=users)
        low, high = bootstrap(lambda w: (w @ values) / w.sum(axis=1), users)
        return high - low

    assert width(400) < 0.6 * width(50)


@given(st.lists(st.floats(-5, 5, allow_nan=False), min_size=1, max_size=20))
def test_the_interval_of_a_mean_lies_within_the_values(values: list[float]) -> None:
    estimate = mean_over_users(np.array(values))
    assert estimate.value == pytest.approx(np.mean(values))
    assert min(values) - 1e-9 <= estimate.low <= estimate.high <= max(values) + 1e-9
    assert estimate == mean_over_users(np.array(values))


def skewed(users: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).exponential(size=users) ** 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("users", "method"),
    [(15, "BCa"), (30, "BCa"), (FEW_USERS - 1, "BCa"), (FEW_USERS, "percentile")],
)
def test_the_interval_of_a_mean_equals_that_of_scipy(users: int, method: str, seed: int) -> None:
    values = skewed(users, seed)
    expected: Any = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=1000, method=method, rng=np.random.default_rng(0)
    ).confidence_interval
    found = mean_over_users(values)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_interval_of_a_ratio_equals_that_of_scipy() -> None:
    above, below = skewed(20, 1), skewed(20, 2) + 1

    def ratio(above: NDArray[np.float64], below: NDArray[np.float64], axis: int) -> object:
        return above.sum(axis=axis) / below.sum(axis=axis)

    expected: Any = scipy.stats.bootstrap(
        (above, below), ratio, n_resamples=1000, method="BCa", paired=True,
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    found = ratio_over_users(above, below)
    assert found.value == pytest.approx(above.sum() / below.sum())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_corrected_interval_of_a_skewed_mean_reaches_further_up() -> None:
    values = skewed(25)
    low, high = np.quantile(
        [np.random.default_rng(0).choice(values, (1000, 25)).mean(axis=1)], [0.025, 0.975]
    )
    found = mean_over_users(values)
    assert found.low > low
    assert found.high > high


def test_equal_values_and_single_users_have_an_interval_without_width() -> None:
    assert mean_over_users(np.full(5, 2.0)) == Estimate(2.0, 2.0, 2.0)
    assert mean_over_users(np.array([3.0])) == Estimate(3.0, 3.0, 3.0)


def test_a_statistic_that_is_undefined_without_one_user_has_the_percentile_interval() -> None:
    only_one = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])

    def share(w: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(w[:, 0] > 0, w[:, 0], np.nan) / np.where(w[:, 0] > 0, w @ only_one, 0.0)

    with np.errstate(all="ignore"):
        found = estimate(lambda w: np.nan_to_num(share(w), nan=0.0), 6)
    assert 0 <= found.low <= found.value <= found.high <= 1
