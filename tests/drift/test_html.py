"""The page of a backtest: sections, charts and tables, from a document made by hand."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.reports.pages import charts_of, headings, table_of

from foreseen.drift.html import write_backtest_page
from foreseen.reports.page import Provenance

ESTIMATE = {"value": 0.9, "low": 0.8, "high": 1.0}
DIFFERENCE = {"value": 0.01, "low": -0.01, "high": 0.02}
FINDING = {
    "what": "scale",
    "which": "half stars",
    "since": 0,
    "earliest": 0,
    "latest": 40_000,
    "found": 86_400,
    "named": 86_400,
    "before": 0.0,
    "after": 0.5,
    "sentence": (
        "rating scale: half stars up since 1970-01-01: 0.0% before, 50.0% after (changed "
        "between 1970-01-01 and 1970-01-01, found 1970-01-02 on 9 ratings, 5.0 standard errors)"
    ),
    "explains": ["rating level: all down"],
}


def result(policy: str, **more: object) -> dict[str, Any]:
    compared = {} if policy == "full" else {"less_full": {"rmse": DIFFERENCE}}
    window = {
        "window": 0,
        "begins": 0,
        "trained": policy == "full",
        "finetuned": policy == "adaptive",
        "reasons": [],
        "findings": [FINDING],
        "rmse": ESTIMATE,
        "expected": {"rmse": 0.875},
        **compared,
    }
    last = {**window, "window": 1, "begins": 86_400, "rmse": {**ESTIMATE, "value": 0.85}}
    return {
        "policy": policy,
        "events": 1000,
        "users": 10,
        "rmse": ESTIMATE,
        "rmse_user": ESTIMATE,
        "trainings": 1,
        "seconds_after_start": 4.0 if policy == "full" else 1.0,
        "cells": [{"cell": "new user", "rmse": ESTIMATE}],
        "windows": [window, last],
        "expected_error": {
            "windows": 1,
            "difference": -0.025,
            "mae": 0.025,
            "last_window": {"mae": 0.05},
        },
        **compared,
        **more,
    }


@pytest.fixture
def document() -> dict[str, Any]:
    return new_document()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the document."""
    return written(new_document(), tmp_path_factory.mktemp("page"))


def new_document() -> dict[str, Any]:
    return {
        "model": "bias",
        "data": "test",
        "from": 0.5,
        "delay": 0,
        "seed": 0,
        "results": [result("frozen"), result("full"), result("adaptive", recovered=ESTIMATE)],
        "findings": [FINDING],
        "not_monitored": [],
        "injections": [],
        "placebo": {"alarms": [0, 1], "years": 20.0, "alarms_per_year": 0.025},
        "staleness": [
            {"days": days, "rmse": ESTIMATE, "difference": DIFFERENCE} for days in (0, 30)
        ],
    }


def segments_of(document: dict[str, Any]) -> pl.DataFrame:
    segments = {("all", "all"): 0.9, ("activity", "0"): 1.0, ("genre", "Drama"): 0.8}
    rows = [
        {
            "policy": part["policy"], "window": window, "dimension": dimension,
            "segment": segment, "events": 500, "rmse": error, "rmse_low": error - 0.1,
            "rmse_high": error + 0.1,
        }
        for part in document["results"]
        for window in (None, 0, 1)
        for (dimension, segment), error in segments.items()
    ]  # fmt: skip
    return pl.DataFrame(rows)


def written(document: dict[str, Any], folder: Path) -> str:
    out = folder / "page.html"
    write_backtest_page(document, segments_of(document), Provenance("test, 9 ratings", "run"), out)
    return out.read_text(encoding="utf-8")


def test_the_page_answers_and_then_shows_error_changes_and_adaptation(text: str) -> None:
    assert "bias is still good under the policy adaptive" in text
    assert headings(text) == [
        "Error over time", "What moved, and since when?", "Did it help, and what did it cost?",
        "Was the error expected?", "How fast does the model age?",
        "Where the error lies under adaptive", "All numbers",
    ]  # fmt: skip
    assert "<code>run</code>" in text


def test_the_error_of_each_policy_can_be_filtered_by_segment(text: str) -> None:
    chart, rows = charts_of(text)["RMSE by window"]
    assert [part["name"] for part in chart["params"]] == ["segment", "policy"]
    lines = [row for row in rows if "symbol" in row]
    assert len(lines) == 3 * 2 * 3
    of_drama = [row for row in lines if row["segment"] == "genre: Drama"]
    assert {row["series"] for row in of_drama} == {"frozen", "full", "adaptive"}
    assert {(row["value"], row["low"]) for row in of_drama} == {(0.8, 0.7)}
    assert {row["symbol"] for row in of_drama} == {"observed", "fine-tuned", "retrained"}
    # All ratings have the intervals of the metrics, which are bootstrapped.
    assert {row["value"] for row in lines if row["segment"] == "all"} == {0.9, 0.85}
    assert 'value="genre: Drama"' in text
    # The first policy of the list is the one that the report is about.
    policies = text.partition('<select name="policy">')[2]
    assert policies.index('"adaptive"') < policies.index('"frozen"')


def test_a_finding_is_drawn_with_the_interval_of_its_date(text: str) -> None:
    _, rows = charts_of(text)["Detected changes of the log"]
    (change,) = (row for row in rows if "found" in row)
    assert change["text"] == "rating scale: half stars ↑   0.0% → 50.0%"
    assert (change["earliest"], change["latest"]) == (0, 40_000_000)
    assert (change["since"], change["found"]) == (0, 86_400_000)
    assert change["kind"] == "how people rate"


def test_the_newest_changes_are_drawn(document: dict[str, Any], tmp_path: Path) -> None:
    document["findings"] = [{**FINDING, "since": number} for number in range(40)]
    text = written(document, tmp_path)
    assert "The newest 25 of 40 changes." in text
    rows = charts_of(text)["Detected changes of the log"][1]
    assert [row["since"] for row in rows if "found" in row] == [1000 * n for n in range(15, 40)]
    assert len(table_of(text, "Detected changes")) == 41


def test_tables_have_the_numbers_of_the_charts(text: str) -> None:
    actions = table_of(text, "Detected changes and actions of the policy adaptive by window")
    assert actions[1] == ["1 January 1970", FINDING["sentence"], "fine-tuned", "0.875", "0.900", ""]
    assert actions[2][-1] == "-0.050"
    expected = table_of(text, "Expected error by policy, from the second window on")
    assert expected[1] == ["frozen", "", "-0.0250", "0.0250", "0.0500"]
    windows = table_of(text, "RMSE by window and policy")
    assert windows[2] == ["2 January 1970", *["0.8500 (0.8000 to 1.0000)"] * 3]
    segments = table_of(text, "RMSE by segment")
    assert segments[2] == ["Genre", "Drama", "500", *["0.8000 (0.7000 to 0.9000)"] * 3]
    assert table_of(text, "RMSE by age of the model")[2][0] == "30"
    for title in re.findall(r"<summary>(.*?)</summary>", text):
        header, *rows = table_of(text, title)
        assert rows
        assert all(len(row) == len(header) for row in rows)


def test_what_was_not_measured_is_left_out(document: dict[str, Any], tmp_path: Path) -> None:
    del document["staleness"], document["results"][2]["recovered"]
    document["findings"] = []
    text = written(document, tmp_path)
    assert "How fast does the model age?" not in headings(text)
    assert "Did it help, and what did it cost?" not in headings(text)
    assert "Detected changes of the log" not in charts_of(text)
    assert "No change was detected." in text


def test_one_policy_has_a_page(document: dict[str, Any], tmp_path: Path) -> None:
    document["results"] = [result("frozen")]
    del document["results"][0]["less_full"]
    text = written(document, tmp_path)
    assert "under the policy frozen" in text
    assert "Difference to full retraining" not in charts_of(text)


def test_a_log_too_short_for_staleness_has_a_page_without_it(
    document: dict[str, Any], tmp_path: Path
) -> None:
    assert "age of the" not in written({**document, "staleness": []}, tmp_path)


def test_what_is_not_monitored_is_stated(document: dict[str, Any], tmp_path: Path) -> None:
    document["not_monitored"] = ["rating scale: half stars: the scale 1 to 10 has no steps"]
    text = written(document, tmp_path)
    assert "Not monitored: rating scale: half stars: the scale 1 to 10 has no steps." in text


def test_equal_backtests_have_equal_pages(
    text: str, document: dict[str, Any], tmp_path: Path
) -> None:
    assert written(document, tmp_path) == text
