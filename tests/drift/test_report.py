"""The report of a backtest: metrics by policy, segment and window."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foreseen.data.canonical import Tables
from foreseen.drift import html, report
from foreseen.drift.backtest import BacktestConfig, backtest
from foreseen.models.spec import parse_settings

POLICIES = ("frozen", "full", "adaptive")


@pytest.fixture(scope="module")
def document(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    config = BacktestConfig(small, "bias", parse_settings("bias"), POLICIES, 0.5, 0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "_SHUFFLES", 2)
        finished = backtest(config, tmp_path_factory.mktemp("backtest"))
        return report.summarise_backtest(config, *finished)


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


def test_metrics_a_figure_and_a_page_are_written(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[Path] = []

    def write_page(_: dict[str, Any], out: Path) -> None:
        pages.append(out)

    monkeypatch.setattr(html, "write_backtest_page", write_page)
    report.write_backtest(document, tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8")) == document
    assert (tmp_path / "error.png").stat().st_size > 1000
    assert pages == [tmp_path / "report.html"]
