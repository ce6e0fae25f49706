"""Predictions on a scale, joined and reshaped."""

import numpy as np

from foreseen.features.encoder import encode
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.predictions import Predictions
from foreseen.models.uncertainty import Uncertainty

UNCERTAINTY = Uncertainty(noise=0.5, user=1.0, movie=0.3, reach=1.28, edge=3.75)
SCALE = (0.5, 5.0)


def predictions_for(log: InteractionLog, mean: list[float]) -> Predictions:
    encoded = encode(log.view, log.rating_queries().part(slice(0, len(mean))))
    return Predictions.of(np.array(mean), None, None, encoded, UNCERTAINTY, SCALE)


def test_means_and_intervals_are_clipped_to_the_scale(log: InteractionLog) -> None:
    found = predictions_for(log, [-1.0, 0.6, 3.0, 4.9, 7.0])
    assert found.mean.tolist() == [0.5, 0.6, 3.0, 4.9, 5.0]
    assert (found.low >= SCALE[0]).all()
    assert (found.high <= SCALE[1]).all()
    assert found.low[2] == 3.0 - UNCERTAINTY.reach * found.deviation[2]
    assert (np.diff(found.liked) > 0).all()


def test_the_deviation_and_probability_of_a_model_take_precedence(log: InteractionLog) -> None:
    encoded = encode(log.view, log.rating_queries().part(slice(0, 2)))
    deviation, liked = np.array([0.1, 0.2]), np.array([0.3, 0.9])
    found = Predictions.of(np.full(2, 3.0), deviation, liked, encoded, UNCERTAINTY, SCALE)
    np.testing.assert_allclose(found.high, 3.0 + 1.28 * deviation)
    assert found.liked is liked


def test_joined_parts_keep_their_order_and_can_be_reshaped(log: InteractionLog) -> None:
    whole = predictions_for(log, [1.0, 2.0, 3.0, 4.0])
    first, second = predictions_for(log, [1.0, 2.0]), predictions_for(log, [3.0])
    joined = Predictions.joined([first, second])
    np.testing.assert_array_equal(joined.mean, whole.mean[:3])
    assert whole.reshaped((2, 2)).mean.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert len(Predictions.joined([]).mean) == 0
