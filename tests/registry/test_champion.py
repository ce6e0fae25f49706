from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import random_ratings, ratings_of, tables_of
from tests.registry.conftest import shifted

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.train import train
from foreseen.registry.champion import compare, holdout_start, train_challenger


@pytest.fixture(scope="module")
def champion(tables: Tables) -> Model:
    """Trained on the first half, with all ratings in its log."""
    half = tables.ratings.height // 2
    fitted = train(tables_of(tables.ratings[:half], tables.movies), "bias")
    return fitted.observe(tables.ratings[half:])


@pytest.fixture(scope="module")
def start(champion: Model) -> int:
    return holdout_start(champion.log, int(champion.report["until"]))


def test_a_model_with_a_smaller_error_is_significantly_better(champion: Model, start: int) -> None:
    comparison = compare(shifted(champion, 1.0), champion, start)
    assert comparison.better
    assert comparison.differences["rmse"].high < 0
    assert comparison.challenger.value < comparison.champion.value


def test_a_model_with_a_larger_error_is_not_better(champion: Model, start: int) -> None:
    comparison = compare(champion, shifted(champion, 1.0), start)
    assert not comparison.better
    assert comparison.differences["rmse"].low > 0


def test_a_model_is_not_better_than_itself(champion: Model, start: int) -> None:
    comparison = compare(champion, champion, start)
    assert not comparison.better
    assert set(vars(comparison.differences["rmse"]).values()) == {0.0}


def test_a_difference_within_the_interval_is_not_better(champion: Model, start: int) -> None:
    """Shifted equally far above and below the ratings, two models have about the same error."""
    holdout = champion.log.ratings[start:]
    error = holdout["rating"].to_numpy() - champion.predict(holdout)["prediction"].to_numpy()
    above, below = (shifted(champion, error.mean() + shift) for shift in (0.3, -0.3))
    one, other = compare(above, below, start), compare(below, above, start)
    difference = one.differences["rmse"]
    assert difference.value == pytest.approx(-other.differences["rmse"].value)
    assert difference.low < 0 < difference.high
    assert not one.better
    assert not other.better


def test_a_comparison_is_stored_with_its_holdout_and_intervals(champion: Model, start: int) -> None:
    comparison = compare(champion, shifted(champion, 1.0), start)
    ratings = champion.log.ratings
    document = comparison.as_json()
    assert document["ratings"] == ratings.height - start
    assert document["users"] == ratings[start:]["userId"].n_unique()
    assert document["begins"] == ratings["timestamp"][start]
    assert document["ends"] == champion.log.end
    assert document["known"] == ratings.height
    assert document["champion_rmse"] == comparison.champion.value
    assert document["challenger_rmse"] == comparison.challenger.value
    assert document["better"] is False
    difference = comparison.differences["rmse"]
    names = ("rmse_value", "rmse_low", "rmse_high")
    assert tuple(document[name] for name in names) == tuple(vars(difference).values())


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 1000),
    count=st.integers(1, 200),
    trained=st.integers(-1000, 51_000),
)
def test_a_holdout_begins_with_a_second_and_has_no_rating_trained_on(
    seed: int, count: int, trained: int
) -> None:
    log = log_of(seed, count)
    until = 1_000_000_000 + trained
    start = holdout_start(log, until)
    times = log.timestamp
    assert 0 <= start <= len(times)
    assert (times[start:] >= until).all()
    assert start in {0, len(times)} or times[start - 1] < times[start]


def test_a_holdout_is_a_tenth_of_the_log_at_most_and_half_of_what_is_untrained() -> None:
    ratings = ratings_of(*((n % 40, n // 40, 3.0, 1_000_000_000 + n) for n in range(1000)))
    log = InteractionLog.of(ratings, Catalogue.of(tables_of(ratings).movies))
    first = 1_000_000_000
    assert holdout_start(log, first + 300) == 900
    assert holdout_start(log, first + 800) == 900
    assert holdout_start(log, first + 900) == 950
    assert holdout_start(log, first + 999) == 1000
    assert holdout_start(log, first + 1000) == 1000


def test_a_challenger_is_trained_on_what_precedes_the_holdout(champion: Model, start: int) -> None:
    challenger = train_challenger(champion, start, seed=0)
    assert challenger.report["trained_on"] == start
    assert challenger.report["until"] <= champion.log.timestamp[start]
    assert challenger.log.ratings.equals(champion.log.ratings)
    scrambled = champion.log.ratings["rating"].to_numpy().copy()
    scrambled[start:] = np.random.default_rng(0).permutation(scrambled[start:])
    ratings = champion.log.ratings.with_columns(rating=scrambled)
    other = replace(champion, log=InteractionLog.of(ratings, champion.log.catalogue))
    again = train_challenger(other, start, seed=0)
    for name, array in challenger.predictor.arrays().items():
        np.testing.assert_array_equal(array, again.predictor.arrays()[name])


def log_of(seed: int, count: int) -> InteractionLog:
    tables = tables_of(random_ratings(seed, count))
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
