"""Training with a sequence model beside the predictor."""

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import ratings_of

from foreseen.candidates.built_in import CANDIDATE_FEATURES, SEQUENCE_FEATURES
from foreseen.data.canonical import Tables
from foreseen.features.queries import History
from foreseen.models import train as training
from foreseen.models.base import Model
from foreseen.models.ensemble.model import EnsembleSettings
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.sequence.settings import SequenceSettings, settings_for
from foreseen.ranking.two_stage import TwoStageScorer
from foreseen.registry.versions import load_model, save_model

SMALL = EnsembleSettings(factors=(FactorSettings(rank=3, directions=0),), cuts=(0.5,), folds=2)
FAST = SequenceSettings(width=16, epochs=2)


def fast(*_sizes: int) -> SequenceSettings:
    return FAST


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "settings_for", fast)
        return training.train(small, "ensemble", SMALL)


def test_the_ensemble_has_a_sequence_model_with_weights_in_both_logits(model: Model) -> None:
    assert model.sequence is not None
    assert model.sequence.settings == FAST
    assert model.sequence.until == model.log.end
    places = [CANDIDATE_FEATURES.index(name) for name in SEQUENCE_FEATURES]
    for logit in (model.next_item.next, model.next_item.liked):
        assert (np.array(logit.weights)[places] != 0).all()


def test_a_saved_model_ranks_as_before(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    history = [model.history(1), History.empty()]
    movies = model.log.catalogue.movies.ids
    first, second = (each.score(history, movies) for each in (model, loaded))
    np.testing.assert_array_equal(first.likely, second.likely)
    np.testing.assert_array_equal(first.p_next_liked, second.p_next_liked)


def test_the_moment_of_the_next_rating_changes_likely_and_no_predicted_rating(
    model: Model,
) -> None:
    histories, movies = [model.history(1), model.history(2)], model.log.catalogue.movies.ids
    moments = [int(history.timestamps[-1]) + 60 for history in histories]
    unknown, known = (model.score(histories, movies, None, each) for each in (None, moments))
    assert (unknown.likely != known.likely).any()
    np.testing.assert_array_equal(unknown.predictions.mean, known.predictions.mean)


def test_one_user_in_two_stages_has_the_probabilities_of_the_batch(model: Model) -> None:
    histories, movies = [model.history(1), model.history(2)], model.log.catalogue.movies.ids
    batch = model.score(histories, movies, model.log.end - 1)
    for row, history in enumerate(histories):
        single = TwoStageScorer(model, history, model.log.end)
        np.testing.assert_allclose(single.scores.likely[0], batch.likely[row], rtol=1e-3)


def test_an_observed_rating_counts_at_once_in_the_next_movies(model: Model) -> None:
    movie = int(model.log.catalogue.movies.ids[7])
    observed = model.with_ratings(ratings_of((1, movie, 5.0, model.log.end + 60)))
    assert observed.sequence is model.sequence
    view = observed.log.view
    row = observed.log.users.rows([1])
    first, second = (
        observed.sequence.log_probabilities(view, row, np.array([before]))
        for before in (model.log.end, observed.log.end)
        if observed.sequence is not None
    )
    assert np.abs(first - second).max() > 1e-3


def test_fine_tuning_trains_the_sequence_model_on_the_new_ratings(model: Model) -> None:
    movies = model.log.catalogue.movies.ids[:40].tolist()
    new = [(900, movie, 4.0, model.log.end + 60 * n) for n, movie in enumerate(movies)]
    observed = model.with_ratings(ratings_of(*new))
    finetuned = observed.finetuned(observed.log.end)
    assert finetuned.sequence is not None
    assert finetuned.sequence.until == observed.log.end
    assert finetuned.finetuned(observed.log.end) is finetuned
    history = [observed.history(900)]
    before, after = (m.score(history, np.array(movies)).likely for m in (observed, finetuned))
    assert np.abs(before - after).max() > 1e-6


def test_models_without_the_capability_and_small_logs_have_no_sequence_model(
    small: Tables,
) -> None:
    assert training.train(small, "bias").sequence is None
    assert settings_for(small.ratings.height, 1000) is None
