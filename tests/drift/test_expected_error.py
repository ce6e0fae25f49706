"""Expected error: known before the ratings, and close to the error that they show later."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.data.canonical import Tables
from foreseen.drift.expected_error import (
    ErrorWindow,
    calibration,
    correction,
    error_window,
    estimates,
    predict_with_deviation,
)
from foreseen.models.base import Model
from foreseen.models.train import train


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    known = small.ratings[: small.ratings.height // 2]
    return train(tables_of(known, small.movies), "bias").with_ratings(small.ratings)


def later(tables: Tables) -> tuple[pl.DataFrame, np.ndarray]:
    events = tables.ratings[tables.ratings.height // 2 :]
    return events, events["timestamp"].to_numpy().astype(np.int64)


def test_the_error_to_expect_is_close_to_the_realised_error(model: Model, small: Tables) -> None:
    window = error_window(predict_with_deviation(model, *later(small)))
    assert window.ratings == small.ratings.height - small.ratings.height // 2
    assert window.expected == pytest.approx(window.rmse, rel=0.1)


def test_the_ratings_to_predict_do_not_change_the_error_to_expect(
    model: Model, small: Tables
) -> None:
    events, before = later(small)
    other = events.with_columns((5.5 - pl.col("rating")).alias("rating"))
    first, second = (
        error_window(predict_with_deviation(model, given, before)) for given in (events, other)
    )
    assert first.expected == second.expected
    assert first.rmse != second.rmse


def test_new_users_raise_the_error_to_expect(model: Model, small: Tables) -> None:
    events, before = later(small)
    model = replace(model, uncertainty=replace(model.uncertainty, user=0.5))
    unknown = events.with_columns(pl.lit(10**6).cast(events.schema["userId"]).alias("userId"))
    known, new = (
        error_window(predict_with_deviation(model, given, before)) for given in (events, unknown)
    )
    assert new.expected > known.expected


def test_an_estimate_is_corrected_by_earlier_windows_only() -> None:
    windows = [ErrorWindow(10_000, 1.1, 1.0)] * 3
    assert estimates(windows)[0] == 1.0
    assert estimates(windows)[1:] == pytest.approx([1.095, 1.098], abs=0.001)
    changed = [*windows[:2], replace(windows[2], rmse=2.0)]
    assert estimates(changed) == estimates(windows)


def test_few_earlier_ratings_correct_little() -> None:
    assert correction([]) == 1.0
    assert 1.0 < correction([ErrorWindow(10, 2.0, 1.0)]) < 1.05


def test_calibration_compares_estimated_with_realised_errors() -> None:
    windows = [ErrorWindow(1_000, rmse, rmse) for rmse in (0.9, 0.8, 1.0, 0.85)]
    figures = calibration(windows)
    assert figures["windows"] == 3
    assert figures["correlation"] == pytest.approx(1.0)
    assert figures["difference"] == pytest.approx(0.0)
    assert figures["last_window"] == {"mae": pytest.approx(0.15)}
    biased = [replace(window, rmse=1.0, expected=0.9) for window in windows]
    assert calibration(biased)["difference"] == pytest.approx(0.0, abs=0.04)
    assert "correlation" not in calibration(biased)


def test_one_window_has_no_calibration() -> None:
    assert calibration([ErrorWindow(1_000, 1.0, 1.0)]) == {}
