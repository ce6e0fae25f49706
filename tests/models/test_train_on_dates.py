"""Training on a log that has dates but no times of day."""

import numpy as np
import polars as pl
from tests.conftest import tables_of

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features.day_resolution import ordered_within_days
from foreseen.features.examples import training_examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.bias import BiasSettings, fit_bias
from foreseen.models.train import train_on

DAY = 86_400


def test_a_model_is_fitted_to_ordered_days_and_keeps_the_log_as_it_is(small: Tables) -> None:
    dates = small.ratings.with_columns(timestamp=pl.col("timestamp") // DAY * DAY)
    log = InteractionLog.of(tables_of(dates).ratings, Catalogue.of(small.movies))
    model = train_on(log, "bias", BiasSettings(), 0, next_item=UNTRAINED)
    assert model.log is log
    assert model.report["until"] == log.end
    ordered = ordered_within_days(log, 0)
    examples = training_examples(ordered, 0)
    expected = fit_bias(BiasSettings(), ordered, examples, None, 0, Queries.none())
    tied = training_examples(log, 0)
    other = fit_bias(BiasSettings(), log, tied, None, 0, Queries.none())
    weights = model.predictor.arrays()["weights"]
    np.testing.assert_array_equal(weights, expected.predictor.arrays()["weights"])
    assert not np.allclose(weights, other.predictor.arrays()["weights"], atol=1e-3)
