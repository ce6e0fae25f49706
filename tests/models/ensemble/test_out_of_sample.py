"""Out-of-sample predictions use no later rating, and none of the held-out user."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATING, TIMESTAMP
from foreseen.features.encoder import FEATURES
from foreseen.features.examples import Examples, training_examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.ensemble.out_of_sample import (
    predict_held_out_users,
    predict_out_of_sample,
    stacking_inputs,
)
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.factor_ensemble import FACTOR_FEATURES
from foreseen.models.factors.fold_in import FactorPredictions

SETTINGS = (
    FactorSettings(rank=2, directions=2, sweeps=8, burn_in=4, samples=2),
    FactorSettings(rank=3, directions=0, sweeps=8, burn_in=4, samples=2),
)
CUTS = (0.25, 0.5)


def log_of(tables: Tables) -> InteractionLog:
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


def out_of_sample(log: InteractionLog, examples: Examples) -> FactorPredictions:
    return predict_out_of_sample(SETTINGS, CUTS, 3, log, examples.queries, log, 1)


def test_ratings_from_the_moment_on_do_not_change_predictions_after_the_first_cut(
    small: Tables, log: InteractionLog
) -> None:
    count = len(log.timestamp)
    first, moment = (int(log.timestamp[int(share * count)]) for share in (0.25, 0.6))
    changed = small.ratings.with_columns(
        pl.when(pl.col(TIMESTAMP) >= moment).then(5.5 - pl.col(RATING)).otherwise(pl.col(RATING))
    )
    found: list[FactorPredictions] = []
    for which in (log, log_of(tables_of(changed, small.movies))):
        examples = training_examples(which, 0)
        predictions = out_of_sample(which, examples)
        assert len(predictions.rating) == len(examples)
        before = examples.queries.before
        rows = (first <= before) & (before <= moment)
        assert (rows & (before > log.timestamp[count // 2])).sum() > 50
        found.append(FactorPredictions(predictions.rating[rows], predictions.values[rows]))
    np.testing.assert_array_equal(found[0].rating, found[1].rating)
    np.testing.assert_array_equal(found[0].values, found[1].values)


def test_without_an_earlier_rating_users_are_held_out(small: Tables) -> None:
    at_once = small.ratings.head(40).with_columns(pl.lit(1000).alias(TIMESTAMP))
    log = log_of(tables_of(at_once))
    examples = training_examples(log, 0)
    found = out_of_sample(log, examples)
    held_out = predict_held_out_users(SETTINGS, 3, log, examples.queries, log, 1)
    np.testing.assert_array_equal(found.rating, held_out.rating)


def test_held_out_predictions_do_not_depend_on_later_ratings_of_the_user(
    small: Tables, log: InteractionLog
) -> None:
    user = int(np.bincount(log.user).argmax())
    middle = int(np.median(log.timestamp[log.user == user]))
    later = (log.user == user) & (log.timestamp >= middle)
    rating = np.where(later, 5.5 - log.rating, log.rating)
    changed = small.ratings.with_columns(pl.Series(RATING, rating))
    found: list[np.ndarray] = []
    for which in (log, log_of(tables_of(changed, small.movies))):
        queries = training_examples(which, 0).queries
        predictions = predict_held_out_users(SETTINGS, 3, which, queries, which, 1)
        rows = (queries.user == user) & (queries.before <= middle)
        assert rows.any()
        found.append(predictions.rating[rows])
    assert found[0] == pytest.approx(found[1], abs=1e-12)


def test_stacking_inputs_hold_features_and_the_residual_of_the_factors(
    log: InteractionLog,
) -> None:
    examples = training_examples(log, 0).part(slice(0, 50))
    generator = np.random.default_rng(0)
    values = generator.normal(size=(50, len(FACTOR_FEATURES))).astype(np.float32)
    predictions = FactorPredictions(generator.normal(3, 1, 50), values)
    inputs = stacking_inputs(log.catalogue, examples.queries, examples.encoded, predictions)
    attributes = inputs["attributes"].numpy()
    count = len(FEATURES)
    np.testing.assert_array_equal(attributes[:, :count], examples.encoded.values)
    np.testing.assert_array_equal(attributes[:, count:-2], values)
    residual = predictions.rating - examples.encoded.expected
    np.testing.assert_allclose(attributes[:, -2], residual, atol=1e-5)
    np.testing.assert_allclose(attributes[:, -1], predictions.rating, atol=1e-5)
    np.testing.assert_allclose(inputs["factor_rating"].numpy(), predictions.rating, atol=1e-5)
    assert inputs["genres"].shape == (50, len(log.catalogue.genre_names))
