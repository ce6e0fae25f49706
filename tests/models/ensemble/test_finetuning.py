"""Incremental training: the networks continue from their weights on new and rehearsed examples."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.data.canonical import Tables
from foreseen.drift.backtest import BacktestConfig, backtest
from foreseen.models.base import Model
from foreseen.models.predictor import IncrementallyTrainable, Settings
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.registry import versions


@pytest.fixture(scope="module")
def quick() -> Settings:
    return parse_settings(
        "ensemble",
        {
            "folds": 2,
            "factors": [{"sweeps": 8, "burn_in": 4, "samples": 2, "rank": 4}],
            "loop": {"epochs": 1},
        },
    )


@pytest.fixture(scope="module")
def model(small: Tables, quick: Settings) -> Model:
    """Trained on the first 60 % of the ratings, with all in its log."""
    count = int(0.6 * small.ratings.height)
    fitted = train(tables_of(small.ratings[:count], small.movies), "ensemble", quick)
    return fitted.observe(small.ratings[count:])


def moment_at(small: Tables, share: float) -> int:
    return int(small.ratings["timestamp"][int(share * small.ratings.height)])


def test_incremental_training_changes_the_networks_and_the_report(
    model: Model, small: Tables
) -> None:
    until = moment_at(small, 0.8)
    finetuned = model.finetuned(until)
    assert isinstance(finetuned.predictor, IncrementallyTrainable)
    assert finetuned.predictor.trained_until == until
    assert finetuned.report["until"] == until
    earlier = small.ratings.filter(pl.col("timestamp") < until)
    assert finetuned.report["ratings"] == earlier.height
    assert finetuned.report["trained_on"] == model.report["trained_on"]
    pairs = small.ratings.tail(100).drop("rating")
    assert not finetuned.predict(pairs).equals(model.predict(pairs))
    name = "network.hidden1.weight"
    assert not np.array_equal(finetuned.predictor.arrays()[name], model.predictor.arrays()[name])
    assert finetuned.finetuned(until) is finetuned


def test_a_model_without_incremental_training_is_returned_as_it_is(small: Tables) -> None:
    bias = train(small, "bias")
    assert bias.finetuned(small.manifest.last + 1) is bias


def test_incremental_training_uses_nothing_later(model: Model, small: Tables) -> None:
    until = moment_at(small, 0.8)
    later = small.ratings["timestamp"].to_numpy() >= until
    rating = small.ratings["rating"].to_numpy().copy()
    rating[later] = np.random.default_rng(0).permutation(rating[later])
    count = int(0.6 * small.ratings.height)
    scrambled = small.ratings.with_columns(pl.Series("rating", rating))[count:]
    expected = model.finetuned(until).predictor.arrays()
    actual = model.observe(scrambled).finetuned(until).predictor.arrays()
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array)


def test_a_loaded_model_is_trained_as_the_saved_one(
    model: Model, small: Tables, tmp_path: Path
) -> None:
    versions.save_model(model, tmp_path / "m")
    until = moment_at(small, 0.9)
    expected = model.finetuned(until).predictor.arrays()
    actual = versions.load_model(tmp_path / "m").finetuned(until).predictor.arrays()
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array)


def test_an_interrupted_adaptive_backtest_resumes_with_its_finetuned_networks(
    small: Tables, quick: Settings, tmp_path: Path
) -> None:
    config = BacktestConfig(small, "ensemble", quick, ("adaptive",), 0.6, 0, 0)
    adaptive, windows = backtest(config, tmp_path)
    assert [window.trained for window in windows] == [True] + [False] * 9
    for number in (4, 5, 9):
        (tmp_path / "windows" / f"adaptive-{number:02d}.json").unlink()
    resumed, _ = backtest(config, tmp_path)
    assert resumed.equals(adaptive)
    incremental, _ = backtest(replace(config, policies=("incremental",)), tmp_path)
    first = pl.col("window") == 0
    assert incremental.filter(first)["prediction"].equals(adaptive.filter(first)["prediction"])
    assert not incremental["prediction"].equals(adaptive["prediction"])
