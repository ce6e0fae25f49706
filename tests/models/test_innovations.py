import numpy as np
import pytest

from foreseen.models.factors.residual_features import FOLD_FEATURES, compare


def test_what_came_of_a_series_before_counts_for_the_next_film_of_it() -> None:
    values = np.zeros((1, len(FOLD_FEATURES)))
    factors, likeness = np.zeros((1, 1)), np.zeros((1, 1))
    item, series = np.zeros(1, dtype=np.int64), np.array([7], dtype=np.int32)
    of_series = np.array([7, 3, 7], dtype=np.int32)
    innovation = np.array([1.0, -2.0, 0.5])
    kinds = np.zeros(3, dtype=np.int32)
    compare(
        item, factors, kinds, likeness, series, np.zeros((1, 3)), kinds, of_series, 3, innovation,
        values,
    )  # fmt: skip
    told = dict(zip(FOLD_FEATURES, values[0], strict=True))
    assert told["innovation_series"] == (1.0 + 0.5) / (2 + 0.5)
    assert told["series_known"] == pytest.approx(np.log1p(2))
    assert told["innovation_similar"] == 0


@pytest.mark.parametrize("known", [1, 40, 330])
def test_movies_compared_side_by_side_are_compared_as_one_by_one(known: int) -> None:
    generator = np.random.default_rng(known)
    count, rank, types = 500, 7, 30
    factors = generator.standard_normal((count, rank))
    kinds = generator.integers(0, types, count).astype(np.int32)
    shared = np.maximum(generator.random((types, types)) - 0.4, 0)
    series = generator.integers(0, 60, count).astype(np.int32)
    history = generator.integers(0, count, known)
    seen = np.ascontiguousarray(factors[history].T)
    innovation = generator.standard_normal(known)
    about = (seen, kinds[history], series[history], known, innovation)
    everything = (factors, kinds, (shared + shared.T) / 2, series, *about)
    items = generator.permutation(count)[:300]
    together = np.zeros((len(items), len(FOLD_FEATURES)))
    compare(items, *everything, together)
    alone = np.zeros_like(together)
    for number in range(len(items)):
        compare(items[number : number + 1], *everything, alone[number : number + 1])
    assert alone[:, 7:12].any(axis=0).all()
    np.testing.assert_array_equal(together, alone)
