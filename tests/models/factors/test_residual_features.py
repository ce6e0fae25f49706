"""Features from one-step residuals, against the same computed from the whole history."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foreseen.models.factors import residual_features
from foreseen.models.factors.residual_features import (
    FOLD_IN_FEATURES,
    RUNNING_SUMS,
    update_sums,
    write_gaps,
    write_user_residuals,
)


def features_of(
    residual: NDArray[np.float64], popularity: NDArray[np.float64], popularity_gap: float = 2.0
) -> dict[str, float]:
    sums, values = np.zeros(RUNNING_SUMS), np.zeros(len(FOLD_IN_FEATURES))
    for n in range(len(residual)):
        update_sums(sums, float(residual[n]), float(popularity[n]))
    write_user_residuals(sums, len(residual), residual, values)
    write_gaps(sums, len(residual), 0.5, popularity_gap, values)
    return dict(zip(FOLD_IN_FEATURES, map(float, values), strict=True))


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 1000))
def test_running_sums_give_the_damped_means_of_the_history(known: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    residual, popularity = generator.normal(size=known), generator.normal(size=known)
    found = features_of(residual, popularity)
    for name, decay in (("fast", 0.7), ("medium", 0.87), ("slow", 0.966)):
        weight = decay ** np.arange(known)[::-1]
        mean = (weight * residual).sum() / (weight.sum() + 0.7)
        assert found[f"residual_{name}"] == pytest.approx(mean, abs=1e-9)
    assert found["residual_mean"] == pytest.approx(residual.sum() / (known + 5), abs=1e-9)
    size = (np.abs(residual).sum() + 5 * 0.8) / (known + 5)
    assert found["residual_size"] == pytest.approx(size)
    assert found["residual_last"] == (residual[-1] if known else 0)


def test_the_popularity_residual_is_the_damped_regression_at_the_gap() -> None:
    popularity = np.random.default_rng(0).normal(size=2000)
    found = features_of(0.3 * popularity - 0.1, popularity, popularity_gap=2.0)
    assert (found["year_gap"], found["popularity_gap"]) == (0.5, 2.0)
    slope = 0.3 * popularity.var() / (popularity.var() + 0.15 + 1.5 / 2000)
    assert found["residual_popularity"] == pytest.approx(2.0 * slope)


def test_without_ratings_only_the_prior_size_and_the_gaps_are_not_zero() -> None:
    found = features_of(np.empty(0), np.empty(0))
    nonzero = {name for name, value in found.items() if value}
    assert nonzero == {"residual_size", "year_gap", "popularity_gap"}


def test_columns_have_the_positions_of_their_names() -> None:
    for position, name in enumerate(FOLD_IN_FEATURES):
        assert getattr(residual_features, name.upper()) == position
