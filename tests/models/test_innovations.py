import numpy as np
import pytest

from foreseen.models.innovations import FOLD_FEATURES, compare


def test_what_came_of_a_series_before_counts_for_the_next_film_of_it() -> None:
    values, nothing = np.zeros(len(FOLD_FEATURES)), np.zeros(1)
    of_series = np.array([7, 3, 7], dtype=np.int32)
    innovation = np.array([1.0, -2.0, 0.5])
    kinds = np.zeros(3, dtype=np.int32)
    compare(nothing, nothing, 7, np.zeros((1, 3)), kinds, of_series, 3, innovation, values)
    told = dict(zip(FOLD_FEATURES, values, strict=True))
    assert told["innovation_series"] == (1.0 + 0.5) / (2 + 0.5)
    assert told["series_known"] == pytest.approx(np.log1p(2))
    assert told["innovation_similar"] == 0
