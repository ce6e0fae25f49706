"""The Gaussian of a user's vector, against the same worked out from all ratings at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foreseen.models.factors.user_posterior import (
    UserPrior,
    foretell,
    posterior_mean,
    predict_mean,
    update,
)

SAMPLES, SIZE, ATTRIBUTES, DIRECTIONS = 3, 4, 3, 2


def drawn(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
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
def test_rating_by_rating_is_as_good_as_all_at_once(known: int, seed: int) -> None:
    means, precisions, noise = drawn(seed)
    generator = np.random.default_rng(seed + 1)
    movies = generator.normal(size=(known + 1, SAMPLES, SIZE)).astype(np.float32)
    content = generator.normal(size=(known, ATTRIBUTES + DIRECTIONS))
    surplus = generator.normal(size=known)
    prior = UserPrior.of(means, precisions, noise, DIRECTIONS)
    moment, covariance = np.zeros((SAMPLES, SIZE)), prior.covariance.copy()
    gain, centre = np.empty(SIZE), np.empty((SAMPLES, SIZE))
    for row in range(known):
        update(movies[row], float(surplus[row]), noise, moment, covariance, gain)
    kind = content.sum(axis=0)
    posterior_mean(known, kind, prior.attributes, prior.pull, moment, covariance, centre)
    mean, deviation = foretell(movies[-1], centre, covariance, gain)

    features = np.concatenate(
        [[1.0], kind[:ATTRIBUTES] / (known + 5), kind[ATTRIBUTES:] / np.sqrt(max(known, 1))]
    )
    vectors = movies.astype(np.float64)
    probes = vectors.copy()
    probes[:, :, 0] = 1.0
    values, spreads = np.empty(SAMPLES), np.empty(SAMPLES)
    for sample in range(SAMPLES):
        own, bias = probes[:known, sample], vectors[:known, sample, 0]
        precision = precisions[sample] + noise[sample] * own.T @ own
        pull = precisions[sample] @ (features @ means[sample])
        right = pull + noise[sample] * own.T @ (surplus - bias)
        where = np.array(np.linalg.solve(precision, right), dtype=np.float64)
        np.testing.assert_allclose(centre[sample], where, rtol=1e-7, atol=1e-9)
        values[sample] = vectors[-1, sample, 0] + probes[-1, sample] @ where
        spreads[sample] = probes[-1, sample] @ np.linalg.solve(precision, probes[-1, sample])
    assert mean == pytest.approx(values.mean(), abs=1e-8)
    assert predict_mean(movies[-1], centre) == pytest.approx(values.mean(), abs=1e-8)
    assert deviation == pytest.approx(np.sqrt(spreads.mean() + values.var()), rel=1e-6)
