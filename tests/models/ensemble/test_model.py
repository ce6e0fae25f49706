"""The ensemble: a stacking network over factors, and its use of out-of-sample predictions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foreseen.candidates.built_in import CANDIDATE_FEATURES
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features.encoder import encode
from foreseen.features.examples import training_examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.ensemble.model import (
    ATTRIBUTES,
    EnsemblePredictor,
    EnsembleSettings,
    StackingNetwork,
    fit_ensemble,
    shrinkage_for,
)
from foreseen.models.ensemble.out_of_sample import predict_out_of_sample
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.train import train
from foreseen.models.training import LoopSettings

SETTINGS = EnsembleSettings(
    factors=(
        FactorSettings(rank=2, directions=2, sweeps=8, burn_in=4, samples=2),
        FactorSettings(rank=3, directions=0, sweeps=8, burn_in=4, samples=2),
    ),
    cuts=(0.25, 0.5),
    folds=2,
    loop=LoopSettings(epochs=1, batch=512, one_cycle=True),
)
PREDICTED_RATING = CANDIDATE_FEATURES.index("predicted_rating")


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    return train(small, "ensemble", SETTINGS)


def test_predictions_are_shrunk_where_most_ratings_are_of_short_histories() -> None:
    shares = [shrinkage_for(np.array([0, count, count])) for count in (2, 50, 100, 300)]
    assert shares == [pytest.approx(0.49), pytest.approx(0.25), 0.0, 0.0]


def test_many_users_with_one_rating_beside_long_histories_change_nothing() -> None:
    assert shrinkage_for(np.array([1] * 1_000 + [200] * 10)) == 0


def test_a_model_of_long_histories_is_not_shrunk_and_one_without_the_number_loads(
    model: Model,
) -> None:
    predictor = model.predictor
    assert isinstance(predictor, EnsemblePredictor)
    assert predictor.shrinkage == 0
    arrays = dict(predictor.arrays())
    del arrays["shrinkage"]
    assert EnsemblePredictor.from_arrays(SETTINGS, arrays).shrinkage == 0


def test_shrunk_predictions_lie_between_the_network_and_the_expected_rating(model: Model) -> None:
    predictor = model.predictor
    assert isinstance(predictor, EnsemblePredictor)
    queries = model.log.rating_queries().part(slice(-50, None))
    encoded = encode(model.log.view, queries)
    shrunk = replace(predictor, shrinkage=0.25)
    restored = EnsemblePredictor.from_arrays(SETTINGS, shrunk.arrays())
    network = predictor.estimate(model.log.view, queries, encoded)
    found = restored.observed(model.log).estimate(model.log.view, queries, encoded)
    np.testing.assert_allclose(found, 0.75 * network + 0.25 * encoded.expected, rtol=1e-6)


def test_extra_queries_are_predicted_out_of_sample_and_leave_the_fit_unchanged(
    small: Tables,
) -> None:
    log = InteractionLog.of(small.ratings.head(3000), Catalogue.of(small.movies))
    examples = training_examples(log, 0)
    extra = examples.queries.part(slice(-50, None))
    none = examples.queries.part(slice(0, 0))
    alone = fit_ensemble(SETTINGS, log, examples, None, 1, none)
    fit = fit_ensemble(SETTINGS, log, examples, None, 1, extra)
    arrays = fit.predictor.arrays()
    for name, values in alone.predictor.arrays().items():
        np.testing.assert_array_equal(values, arrays[name], err_msg=name)
    expected = predict_out_of_sample(
        SETTINGS.factors, SETTINGS.cuts, SETTINGS.folds, log, examples.queries, log, 1
    )
    assert alone.out_of_sample is not None
    assert fit.out_of_sample is not None
    assert len(alone.out_of_sample) == 0
    np.testing.assert_allclose(fit.out_of_sample, expected.rating[-50:], rtol=1e-9)


def test_the_network_predicts_the_factors_rating_before_training() -> None:
    network = StackingNetwork(SETTINGS, genres=4)
    attributes, genres, factor_rating = torch.rand(5, ATTRIBUTES), torch.rand(5, 4), torch.rand(5)
    for mode in (True, False):
        network.train(mode)
        assert torch.equal(network(attributes, genres, factor_rating), factor_rating)


def test_the_factors_rating_is_corrected_by_an_amount_that_does_not_depend_on_it() -> None:
    network = StackingNetwork(SETTINGS, genres=4).eval()
    torch.nn.init.normal_(network.output.weight)
    attributes, genres, factor_rating = torch.rand(5, ATTRIBUTES), torch.rand(5, 4), torch.rand(5)
    correction = network(attributes, genres, torch.zeros(5))
    assert (correction != 0).all()
    found = network(attributes, genres, factor_rating)
    torch.testing.assert_close(found, correction + factor_rating)


def test_out_of_sample_predictions_are_a_feature_of_the_ranking(model: Model) -> None:
    assert model.next_item.liked.weights[PREDICTED_RATING] != 0
    log = model.log
    ratings = model.candidate_ratings(log.view, log.end)
    assert ratings is not None
    with_ratings, without = (
        model.next_item.probabilities(model.candidates, log.view, 5, log.end, rating)
        for rating in (ratings, None)
    )
    assert not np.allclose(with_ratings[1], without[1])
    scores = model.score([model.history(int(log.users.ids[4]))], log.catalogue.movies.ids)
    np.testing.assert_allclose(scores.p_next_liked[0], with_ratings[1][4, :-1], rtol=1e-9)


def test_the_replay_buffer_ends_with_the_training_data(model: Model) -> None:
    assert model.predictor.arrays()["replay.numbers"].tolist() == [
        model.log.end,
        len(model.log.rating),
    ]
    assert model.finetuned(model.log.end) is model
