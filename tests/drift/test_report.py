"""The report of a backtest: metrics by policy, segment and window."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.drift import report
from foreseen.drift.backtest import BacktestConfig, backtest
from foreseen.drift.segments import backtest_segments
from foreseen.drift.windows import Window
from foreseen.models.spec import parse_settings

POLICIES = ("frozen", "full", "adaptive")


@pytest.fixture(scope="module")
def finished(
    small: Tables, tmp_path_factory: pytest.TempPathFactory
) -> tuple[BacktestConfig, pl.DataFrame, list[Window]]:
    config = BacktestConfig(small, "bias", parse_settings("bias"), POLICIES, 0.5, 0, 0)
    return config, *backtest(config, tmp_path_factory.mktemp("backtest"))


@pytest.fixture(scope="module")
def document(finished: tuple[BacktestConfig, pl.DataFrame, list[Window]]) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "_SHUFFLES", 2)
        return report.summarise_backtest(*finished)


@pytest.fixture(scope="module")
def segments(finished: tuple[BacktestConfig, pl.DataFrame, list[Window]]) -> pl.DataFrame:
    config, predictions, _ = finished
    return backtest_segments(config, predictions)


def test_a_policy_that_uses_new_ratings_has_less_error(document: dict[str, Any]) -> None:
    assert [result["policy"] for result in document["results"]] == list(POLICIES)
    error = {result["policy"]: result["rmse"]["value"] for result in document["results"]}
    assert error["frozen"] > error["full"]


def test_segments_and_windows_partition_the_events(document: dict[str, Any]) -> None:
    for result in document["results"]:
        for key in ("cells", "activity", "windows"):
            assert sum(part["events"] for part in result[key]) == result["events"]
        assert [window["window"] for window in result["windows"]] == list(range(10))
        begins = [window["begins"] for window in result["windows"]]
        assert begins == sorted(begins)


def test_policies_are_compared_with_full_retraining(document: dict[str, Any]) -> None:
    frozen, full, adaptive = document["results"]
    assert "less_full" not in full
    difference = adaptive["rmse"]["value"] - full["rmse"]["value"]
    assert adaptive["less_full"]["rmse"]["value"] == pytest.approx(difference)
    assert frozen["less_full"]["rmse"]["low"] > 0
    assert adaptive["recovered"]["value"] > 0.5
    assert "recovered" not in frozen


def test_costs_count_from_the_second_window(document: dict[str, Any]) -> None:
    for result in document["results"]:
        total = result["train_seconds"] + result["keep_seconds"]
        assert result["seconds_after_start"] <= total + 0.01
    assert document["results"][0]["seconds_after_start"] < 0.1


def test_every_window_has_an_error_estimated_before_its_ratings(document: dict[str, Any]) -> None:
    for result in document["results"]:
        counts = [window["events"] for window in result["windows"]]
        squares = [window["expected"]["rmse"] ** 2 for window in result["windows"]]
        mean = np.sqrt(np.average(squares, weights=counts))
        assert mean == pytest.approx(result["rmse"]["value"], rel=0.1)
        assert result["expected_error"]["windows"] == 9
        assert -1 <= result["expected_error"]["correlation"] <= 1


def test_the_document_has_findings_and_placebo_alarms(document: dict[str, Any]) -> None:
    assert isinstance(document["findings"], list)
    assert document["not_monitored"] == []
    placebo = document["placebo"]
    assert len(placebo["alarms"]) == 2
    mean = sum(placebo["alarms"]) / 2
    assert placebo["alarms_per_year"] == pytest.approx(mean / placebo["years"])


def test_windows_are_compared_with_full_retraining(document: dict[str, Any]) -> None:
    frozen, full, _ = document["results"]
    for window, other in zip(frozen["windows"], full["windows"], strict=True):
        difference = window["rmse"]["value"] - other["rmse"]["value"]
        assert window["less_full"]["rmse"]["value"] == pytest.approx(difference)
        assert "less_full" not in other


def test_errors_by_segment_add_up_to_the_metrics(
    document: dict[str, Any], segments: pl.DataFrame
) -> None:
    for result in document["results"]:
        part = segments.filter(pl.col("policy") == result["policy"])
        for window, entry in [(None, result), *enumerate(result["windows"])]:
            rows = part.filter(pl.col("window").eq_missing(window))
            overall = rows.filter(dimension="all")
            assert overall["rmse"].item() == pytest.approx(entry["rmse"]["value"])
            assert overall["events"].item() == entry["events"]
        activity = part.filter(pl.col("window").is_null(), pl.col("dimension") == "activity")
        expected = {e["activity"]: e["rmse"]["value"] for e in result["activity"]}
        for row in activity.iter_rows(named=True):
            assert row["rmse"] == pytest.approx(expected[row["segment"]])


def test_metrics_a_figure_and_a_page_are_written(
    document: dict[str, Any], segments: pl.DataFrame, tmp_path: Path
) -> None:
    report.write_backtest(document, tmp_path, segments)
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8")) == document
    assert (tmp_path / "error.png").stat().st_size > 1000
    assert document["data"] in (tmp_path / "report.html").read_text(encoding="utf-8")
