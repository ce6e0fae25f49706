"""The posterior of a user's vector, against the same computed from all ratings at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foreseen.models.factors.user_posterior import (
    ATTRIBUTE_DAMPING,
    UserPrior,
    posterior_mean,
    predict,
    predict_mean,
    update,
)

SAMPLES, SIZE, ATTRIBUTES, DIRECTIONS = 3, 4, 3, 2


def random_prior(
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return means, precisions and noise of a prior."""
    generator = np.random.default_rng(seed)
    means = generator.normal(size=(SAMPLES, 1 + ATTRIBUTES + DIRECTIONS, SIZE))
    roots = generator.normal(size=(SAMPLES, SIZE, SIZE))
    return (
        means,
        roots @ roots.transpose(0, 2, 1) + np.eye(SIZE),
        generator.uniform(0.5, 2, SAMPLES),
    )


@settings(deadline=None)  # the first call compiles
@given(st.integers(0, 400), st.integers(0, 1000))
def test_updating_rating_by_rating_equals_the_regression_on_all_ratings(
    known: int, seed: int
) -> None:
    means, precisions, noise = random_prior(seed)
    generator = np.random.default_rng(seed + 1)
    movies = generator.normal(size=(known + 1, SAMPLES, SIZE)).astype(np.float32)
    content = generator.normal(size=(known, ATTRIBUTES + DIRECTIONS))
    offset = generator.normal(size=known)
    prior = UserPrior.of(means, precisions, noise, DIRECTIONS)
    information, covariance = np.zeros((SAMPLES, SIZE)), prior.covariance.copy()
    gain, user = np.empty(SIZE), np.empty((SAMPLES, SIZE))
    for row in range(known):
        update(movies[row], float(offset[row]), noise, information, covariance, gain)
    total = content.sum(axis=0)
    posterior_mean(known, total, prior.attributes, prior.information, information, covariance, user)
    mean, deviation = predict(movies[-1], user, covariance, gain)

    features = np.concatenate(
        [
            [1.0],
            total[:ATTRIBUTES] / (known + ATTRIBUTE_DAMPING),
            total[ATTRIBUTES:] / np.sqrt(max(known, 1)),
        ]
    )
    vectors = movies.astype(np.float64)
    regressors = vectors.copy()
    regressors[:, :, 0] = 1.0
    values, variances = np.empty(SAMPLES), np.empty(SAMPLES)
    for s in range(SAMPLES):
        design, bias = regressors[:known, s], vectors[:known, s, 0]
        precision = precisions[s] + noise[s] * design.T @ design
        right = precisions[s] @ (features @ means[s]) + noise[s] * design.T @ (offset - bias)
        expected = np.array(np.linalg.solve(precision, right), dtype=np.float64)
        np.testing.assert_allclose(user[s], expected, rtol=1e-7, atol=1e-9)
        values[s] = vectors[-1, s, 0] + regressors[-1, s] @ expected
        variances[s] = regressors[-1, s] @ np.linalg.solve(precision, regressors[-1, s])
    assert mean == pytest.approx(values.mean(), abs=1e-8)
    assert predict_mean(movies[-1], user) == pytest.approx(values.mean(), abs=1e-8)
    assert deviation == pytest.approx(np.sqrt(variances.mean() + values.var()), rel=1e-6)
