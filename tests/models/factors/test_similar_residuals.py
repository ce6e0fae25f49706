"""Means of one-step residuals over similar movies."""

import numpy as np
import pytest
from numpy.typing import NDArray

from foreseen.models.factors.residual_features import FOLD_IN_FEATURES
from foreseen.models.factors.similar_residuals import write_similar_residuals

SIMILAR_FEATURES = (
    "residual_similar",
    "residual_genre",
    "residual_similar_weight",
    "residual_similar_recent",
    "residual_genre_recent",
    "residual_franchise",
    "franchise_known",
)


def columns(values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return dict(zip(FOLD_IN_FEATURES, values.T, strict=True))


def test_residuals_of_the_same_franchise_are_averaged() -> None:
    values = np.zeros((1, len(FOLD_IN_FEATURES)))
    no_factors, no_similarity = np.zeros((1, 1)), np.zeros((1, 1))
    item, franchises = np.zeros(1, dtype=np.int64), np.array([7], dtype=np.int32)
    history_franchises = np.array([7, 3, 7], dtype=np.int32)
    residual = np.array([1.0, -2.0, 0.5])
    genre_sets = np.zeros(3, dtype=np.int32)
    write_similar_residuals(
        item, no_factors, genre_sets, no_similarity, franchises, np.zeros((1, 3)), genre_sets,
        history_franchises, 3, residual, values,
    )  # fmt: skip
    found = columns(values)
    assert found["residual_franchise"] == (1.0 + 0.5) / (2 + 0.5)
    assert found["franchise_known"] == pytest.approx(np.log1p(2))
    assert found["residual_similar"] == 0


def test_residuals_are_weighted_by_squared_cosine_and_by_genre_similarity() -> None:
    values = np.zeros((1, len(FOLD_IN_FEATURES)))
    vectors, history_vectors = np.array([[1.0, 0.0]]), np.array([[0.6, -1.0], [0.8, 0.0]])
    genre_similarity = np.array([[1.0, 0.25], [0.25, 1.0]])
    genre_sets, history_genre_sets = np.zeros(1, np.int32), np.array([1, 0], np.int32)
    residual = np.array([1.0, -2.0])
    no_franchise = np.array([-1, -2], dtype=np.int32)
    write_similar_residuals(
        np.zeros(1, np.int64), vectors, genre_sets, genre_similarity, np.array([5], np.int32),
        history_vectors, history_genre_sets, no_franchise, 2, residual, values,
    )  # fmt: skip
    found = columns(values)
    # The cosine with the second movie is negative, so that only the first counts.
    assert found["residual_similar"] == pytest.approx(0.36 * 1.0 / (0.36 + 0.5))
    assert found["residual_similar_weight"] == pytest.approx(np.log1p(0.36))
    recent = 0.36 * 0.6 * 0.966
    assert found["residual_similar_recent"] == pytest.approx(recent * 1.0 / (recent + 0.3))
    assert found["residual_genre"] == pytest.approx((0.25 * 1.0 + 1.0 * -2.0) / (1.25 + 1.5))
    decayed = 0.25 * 0.977
    expected = (decayed * 1.0 - 2.0) / (decayed + 1.0 + 1.0)
    assert found["residual_genre_recent"] == pytest.approx(expected)
    assert found["residual_franchise"] == 0


@pytest.mark.parametrize("known", [1, 40, 330])
def test_movies_in_blocks_and_one_by_one_have_bitwise_equal_features(known: int) -> None:
    generator = np.random.default_rng(known)
    count, rank, sets = 500, 7, 30
    vectors = generator.standard_normal((count, rank))
    genre_sets = generator.integers(0, sets, count).astype(np.int32)
    shared = np.maximum(generator.random((sets, sets)) - 0.4, 0)
    franchises = generator.integers(0, 60, count).astype(np.int32)
    history = generator.integers(0, count, known)
    arguments = (
        vectors,
        genre_sets,
        (shared + shared.T) / 2,
        franchises,
        np.ascontiguousarray(vectors[history].T),
        genre_sets[history],
        franchises[history],
        known,
        generator.standard_normal(known),
    )
    items = generator.permutation(count)[:300]
    in_blocks = np.zeros((len(items), len(FOLD_IN_FEATURES)))
    write_similar_residuals(items, *arguments, in_blocks)
    one_by_one = np.zeros_like(in_blocks)
    for n in range(len(items)):
        write_similar_residuals(items[n : n + 1], *arguments, one_by_one[n : n + 1])
    written = one_by_one.any(axis=0)
    assert written.tolist() == [name in SIMILAR_FEATURES for name in FOLD_IN_FEATURES]
    np.testing.assert_array_equal(in_blocks, one_by_one)
