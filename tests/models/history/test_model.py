"""The history model: a distribution over rating levels, without a table of users."""

import numpy as np
import pytest

from foreseen.data.canonical import Tables
from foreseen.features.encoder import encode
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.history.model import HistoryPredictor
from foreseen.models.spec import parse_settings
from foreseen.models.train import train


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    settings = {"networks": 1, "loop": {"epochs": 2, "learning_rate": 2e-3, "one_cycle": True}}
    return train(small, "history", parse_settings("history", settings), seed=0)


def test_the_prediction_is_the_mean_of_a_distribution(model: Model) -> None:
    predictor, log = model.predictor, model.log
    assert isinstance(predictor, HistoryPredictor)
    queries = log.rating_queries().part(slice(4000, 4300))
    probability = predictor.predict_proba(log.view, queries, encode(log.view, queries))
    levels = np.unique(log.rating)
    np.testing.assert_allclose(predictor.levels, levels)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    assert (probability >= 0).all()
    predictions = model.predict_queries(queries)
    np.testing.assert_allclose(predictions.mean, np.clip(probability @ levels, *model.scale))


def test_equal_histories_of_different_users_have_equal_predictions(model: Model) -> None:
    movies = model.log.catalogue.movies.ids[:200]
    known = model.history(int(model.log.users.ids[3]))
    other = History(known.movies, known.ratings, known.timestamps, 987_654)
    first, second = (
        model.score([history], movies, model.log.end).predictions.mean for history in (known, other)
    )
    np.testing.assert_array_equal(first, second)


def test_networks_are_averaged_and_restored_from_their_arrays(model: Model) -> None:
    predictor, log = model.predictor, model.log
    assert isinstance(predictor, HistoryPredictor)
    loaded = HistoryPredictor.from_arrays(predictor.settings, predictor.arrays())
    queries = log.rating_queries().part(slice(0, 50))
    encoded = encode(log.view, queries)
    expected = predictor.predict_proba(log.view, queries, encoded)
    twice = HistoryPredictor(predictor.settings, predictor.networks * 2)
    for other in (loaded, twice):
        found = other.predict_proba(log.view, queries, encoded)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
