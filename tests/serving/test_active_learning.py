"""The selection of the ratings that factor models would learn most from."""

import numpy as np
import pytest
from numpy.typing import NDArray

from foreseen.models.factors.bayesian_mf import Factors
from foreseen.serving.active_learning import RatingCovariance, most_informative

NOBODY = np.empty(0, dtype=np.int64)


def factors_of(vectors: list[list[float]]) -> Factors:
    """Return factors with these vectors without their bias, and a prior of unit covariance."""
    size = len(vectors[0]) + 1
    movies = np.zeros((1, len(vectors), size), dtype=np.float32)
    movies[0, :, 1:] = vectors
    none = np.empty((1, 0, 0))
    # The variance of the user's bias is negligible.
    precisions = np.diag([1e6] + [1.0] * (size - 1))[None]
    return Factors(
        mean=np.zeros(1),
        movies=movies,
        user_means=none,
        user_precisions=precisions,
        noise_precisions=np.ones(1),
        content=none[0],
        directions=np.zeros(1),
        movie_priors=movies,
        movie_precisions=none,
    )


def selected(
    vectors: list[list[float]], shares: list[float], rated: NDArray[np.int64] = NOBODY, k: int = 2
) -> list[int]:
    offered = np.setdiff1d(np.arange(len(vectors)), rated)
    chosen = np.array(shares)[offered]
    prior = RatingCovariance.of([factors_of(vectors)])
    return most_informative(prior, rated, offered, chosen, k).tolist()


def test_the_second_movie_is_along_another_direction() -> None:
    # Two movies along the first direction, two along the second, which matters a little less.
    vectors = [[2.0, 0.0], [1.9, 0.0], [0.0, 1.8], [0.0, 1.7]]
    assert selected(vectors, [0.5] * 4) == [0, 2]


def test_a_movie_that_was_rated_counts() -> None:
    vectors = [[2.0, 0.0], [1.9, 0.0], [0.0, 1.8], [0.0, 1.7]]
    assert selected(vectors, [0.5] * 4, np.array([1]), k=1) == [2]


def test_of_equal_movies_the_one_that_more_users_have_watched_is_first() -> None:
    assert selected([[1.0], [1.0], [1.0]], [0.1, 0.4, 0.2], k=3)[0] == 1


def test_the_reduction_of_the_variance_equals_that_of_bayesian_regression() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(6, 3))
    shares = rng.uniform(0.1, 0.9, 6)
    rated = np.array([0, 4])
    offered = np.setdiff1d(np.arange(6), rated)

    def variance(given: list[int]) -> float:
        precision = np.eye(3) + vectors[given].T @ vectors[given]
        covariance = vectors[offered] @ np.linalg.solve(precision, vectors[offered].T)
        return float(shares[offered] @ np.diagonal(covariance))

    before = variance([0, 4])
    gains = [shares[row] * (before - variance([0, 4, row])) for row in offered]
    first = selected(vectors.tolist(), shares.tolist(), rated, k=1)[0]
    assert first == offered[int(np.argmax(gains))]


@pytest.mark.parametrize("k", [0, 2, 9])
def test_at_most_k_movies_are_selected(k: int) -> None:
    assert len(selected([[1.0], [2.0], [3.0]], [0.5] * 3, k=k)) == min(k, 3)
