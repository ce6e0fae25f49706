"""Training on a sample of the users of a large log."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.data.schema import RATING, TIMESTAMP, USER
from foreseen.features import user_sample
from foreseen.features.user_sample import in_sample
from foreseen.models import train as training
from foreseen.models.base import Model
from foreseen.models.ensemble.model import EnsembleSettings
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.factor_ensemble import FactorEnsemble
from foreseen.models.sequence.settings import SequenceSettings
from foreseen.registry.versions import load_model, save_model

SMALL = EnsembleSettings(factors=(FactorSettings(rank=3, directions=0),), cuts=(0.5,), folds=2)
SHARE = 0.5


def sequence_settings(*_sizes: int) -> SequenceSettings:
    return SequenceSettings(width=16, epochs=1)


def trained(tables: Tables, share: float = SHARE) -> Model:
    """Return a model fitted to a share of the users."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_sample, "MOST_RATINGS", share * tables.ratings.height)
        patch.setattr(training, "settings_for", sequence_settings)
        return training.train(tables, "ensemble", SMALL)


@pytest.fixture(scope="module")
def model(tiny: Tables) -> Model:
    return trained(tiny)


def factors_of(model: Model) -> FactorEnsemble:
    factors = getattr(model.predictor, "factors", None)
    assert isinstance(factors, FactorEnsemble)
    return factors


def test_ratings_of_users_outside_the_sample_change_no_factor(tiny: Tables, model: Model) -> None:
    outside = pl.Series(~in_sample(tiny.ratings[USER].to_numpy(), SHARE))
    rating = pl.when(outside).then(5.5 - pl.col(RATING)).otherwise(pl.col(RATING))
    changed = replace(tiny, ratings=tiny.ratings.with_columns(rating))
    other = trained(changed)
    before, after = factors_of(model).arrays(), factors_of(other).arrays()
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name], err_msg=name)


def test_the_report_counts_the_sample_and_the_log_everything(tiny: Tables, model: Model) -> None:
    kept = in_sample(tiny.ratings[USER].to_numpy(), SHARE)
    assert model.report["trained_on"] == kept.sum() == factors_of(model).size
    assert model.report["ratings"] == len(kept) == model.log.ratings.height
    assert model.sequence is not None
    users = model.sequence.users.ids
    assert in_sample(users, SHARE).all()
    assert 0 < len(users) < len(model.log.users)


def test_users_outside_the_sample_are_predicted_from_their_histories(model: Model) -> None:
    users = model.log.users.ids[~in_sample(model.log.users.ids, SHARE)]
    movies = model.log.catalogue.movies.ids
    both = [model.history(int(user)) for user in users[:2]]
    scores = model.score(both, movies)
    assert np.isfinite(scores.predictions.mean).all()
    assert np.abs(scores.predictions.mean[0] - scores.predictions.mean[1]).max() > 0.1
    assert (scores.likely[0] != scores.likely[1]).any()


def test_later_ratings_refresh_the_factors_with_the_sample_alone(
    tiny: Tables, model: Model
) -> None:
    old = factors_of(model)
    later = tiny.ratings.with_columns(pl.col(TIMESTAMP) + model.log.end, 5.5 - pl.col(RATING))
    new = factors_of(model.with_ratings(later))
    assert new.share == old.share == SHARE
    outside = pl.Series(~in_sample(later[USER].to_numpy(), SHARE))
    without = model.with_ratings(later.filter(~outside))
    for one, other in zip(new.snapshots, factors_of(without).snapshots, strict=True):
        np.testing.assert_array_equal(one.members[0].movies, other.members[0].movies)
    assert new.snapshots


def test_a_saved_model_keeps_its_sample(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert factors_of(loaded).share == SHARE
    assert loaded.sequence is not None
    assert loaded.sequence.share == SHARE
