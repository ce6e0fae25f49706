"""Networks that learn what is new from their last weights, and do not forget what is old."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.data.canonical import Tables
from foreseen.drift.backtest import Walk, backtest
from foreseen.models.base import Model
from foreseen.models.predictor import IncrementallyTrainable, Settings
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.registry import versions as registry


@pytest.fixture(scope="module")
def quick() -> Settings:
    return parse_settings(
        "ensemble",
        {
            "networks": 1,
            "folds": 2,
            "factors": [{"sweeps": 8, "burn_in": 4, "samples": 2, "rank": 4}],
            "loop": {"epochs": 1},
        },
    )


@pytest.fixture(scope="module")
def model(small: Tables, quick: Settings) -> Model:
    """Trained on the first 60 %, knowing all."""
    place = int(0.6 * small.ratings.height)
    fitted = train(tables_of(small.ratings[:place], small.movies), "ensemble", quick)
    return fitted.observe(small.ratings[place:])


def moment_at(small: Tables, share: float) -> int:
    return int(small.ratings["timestamp"][int(share * small.ratings.height)])


def test_a_lesson_changes_the_networks_and_says_what_has_been_learned(
    model: Model, small: Tables
) -> None:
    until = moment_at(small, 0.8)
    learned = model.finetuned(until)
    assert isinstance(learned.predictor, IncrementallyTrainable)
    assert learned.predictor.trained_until == until
    known = small.ratings.filter(pl.col("timestamp") < until).height
    assert learned.report["ratings"] == known
    assert learned.report["trained_on"] == model.report["trained_on"]
    pairs = small.ratings.tail(100).drop("rating")
    assert not learned.predict(pairs).equals(model.predict(pairs))
    assert learned.finetuned(until) is learned
    name = "networks.hidden1"
    assert not np.array_equal(learned.predictor.arrays()[name], model.predictor.arrays()[name])


def test_a_model_without_such_networks_stays_as_it_is(small: Tables) -> None:
    bias = train(small, "bias")
    assert bias.finetuned(small.manifest.last + 1) is bias


def test_a_lesson_knows_nothing_of_what_comes_after_it(model: Model, small: Tables) -> None:
    until = moment_at(small, 0.8)
    later = small.ratings["timestamp"].to_numpy() >= until
    rating = small.ratings["rating"].to_numpy().copy()
    rating[later] = np.random.default_rng(0).permutation(rating[later])
    place = int(0.6 * small.ratings.height)
    scrambled = small.ratings.with_columns(pl.Series("rating", rating))[place:]
    one, two = model.finetuned(until), model.observe(scrambled).finetuned(until)
    for name, array in one.predictor.arrays().items():
        np.testing.assert_array_equal(array, two.predictor.arrays()[name])


def test_a_lesson_after_loading_is_the_lesson_before_saving(
    model: Model, small: Tables, tmp_path: Path
) -> None:
    registry.save_model(model, tmp_path / "m")
    until = moment_at(small, 0.9)
    first, second = model.finetuned(until), registry.load_model(tmp_path / "m").finetuned(until)
    for name, array in first.predictor.arrays().items():
        np.testing.assert_array_equal(array, second.predictor.arrays()[name])


def test_an_adaptive_walk_goes_on_after_a_kill_with_all_its_lessons(
    small: Tables, quick: Settings, tmp_path: Path
) -> None:
    walk = Walk(small, "ensemble", quick, ("adaptive",), 0.6, 0, 0)
    whole, costs = backtest(walk, tmp_path)
    assert [cost.trained for cost in costs] == [True] + [False] * 9
    for number in (4, 5, 9):
        (tmp_path / "windows" / f"adaptive-{number:02d}.json").unlink()
    again, _ = backtest(walk, tmp_path)
    assert again.equals(whole)
    plain, _ = backtest(replace(walk, policies=("incremental",)), tmp_path)
    first = pl.col("window") == 0
    assert plain.filter(first)["prediction"].equals(whole.filter(first)["prediction"])
    assert not plain["prediction"].equals(whole["prediction"])
