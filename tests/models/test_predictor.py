"""The fallback for unknown users and movies, and the estimates of a predictor."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded, encode
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import Queries
from foreseen.models.bias import BiasPredictor, BiasSettings
from foreseen.models.predictor import Settings, estimate, fall_back


class TwoLevels:
    """A predictor that gives one star or five with equal probability."""

    settings = Settings()
    levels = np.array([1.0, 5.0])

    def observed(self, log: InteractionLog) -> "TwoLevels":
        del log
        return self

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        raise NotImplementedError

    def predict_proba(
        self, view: LogView, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        del view, encoded
        return np.full((len(queries), 2), 0.5)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        return {}


def test_the_estimates_of_a_distribution_are_its_moments(log: InteractionLog) -> None:
    queries = log.rating_queries().part(slice(0, 3))
    found = estimate(TwoLevels(), log.view, queries, encode(log.view, queries))
    assert found.mean.tolist() == [3.0] * 3
    assert found.deviation is not None
    assert found.deviation.tolist() == [2.0] * 3
    assert found.liked is not None
    assert found.liked.tolist() == [0.5] * 3


def test_other_predictors_have_no_deviation(log: InteractionLog) -> None:
    queries = log.rating_queries().part(slice(0, 3))
    encoded = encode(log.view, queries)
    found = estimate(BiasPredictor(BiasSettings(), np.zeros(7)), log.view, queries, encoded)
    np.testing.assert_array_equal(found.mean, encoded.expected)
    assert found.deviation is None
    assert found.liked is None


def test_unknown_and_not_finite_estimates_fall_back_to_the_expected_rating() -> None:
    encoded = Encoded(np.array([3.0, 3.1, 3.2, 3.3]), np.empty((4, 0), dtype=np.float32))
    estimates = np.array([1.0, 2.0, np.nan, np.inf])
    known = np.array([True, False, True, True])
    assert fall_back(estimates, known, encoded).tolist() == [1.0, 3.1, 3.2, 3.3]
