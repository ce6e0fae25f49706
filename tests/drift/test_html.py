"""The page of a backtest: headings, tables and drawings, from a document made by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foreseen.drift import html

ESTIMATE = {"value": 0.9, "low": 0.8, "high": 1.0}
FINDING = {
    "what": "scale",
    "which": "half stars",
    "since": 0,
    "found": 86_400,
    "before": 0.0,
    "after": 0.5,
    "sentence": "rating scale: half stars up",
    "explains": ["rating level: all down"],
}


def result(policy: str, **more: object) -> dict[str, Any]:
    window = {
        "window": 0,
        "begins": 0,
        "trained": policy == "full",
        "finetuned": policy == "adaptive",
        "reasons": [],
        "findings": [FINDING],
        "rmse": ESTIMATE,
        "expected": {"rmse": 0.875},
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
        "activity": [{"activity": "0", "rmse": ESTIMATE}],
        "windows": [window, last],
        "expected_error": {
            "windows": 1,
            "difference": -0.025,
            "mae": 0.025,
            "last_window": {"mae": 0.05},
        },
        **more,
    }


@pytest.fixture
def document() -> dict[str, Any]:
    return {
        "model": "bias",
        "data": "test",
        "from": 0.5,
        "delay": 0,
        "seed": 0,
        "results": [
            result("frozen"),
            result("full"),
            result("adaptive", recovered=ESTIMATE, less_full={"rmse": ESTIMATE}),
        ],
        "findings": [FINDING],
        "not_monitored": [],
        "injections": [],
        "placebo": {"alarms": [0, 1], "years": 20.0, "alarms_per_year": 0.025},
        "staleness": [{"days": 0, "rmse": ESTIMATE}, {"days": 30, "rmse": ESTIMATE}],
    }


def passed_to_write_html(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    passed: list[Any] = []

    def write_html(*arguments: object) -> None:
        passed.extend(arguments)

    monkeypatch.setattr(html, "write_html", write_html)
    html.write_backtest_page(document, Path("report.html"))
    return passed


@pytest.fixture
def page(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is passed to `write_html`."""
    return passed_to_write_html(document, monkeypatch)


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


def test_the_page_begins_with_the_answers(page: list[Any]) -> None:
    _, title, paragraphs, facts, _, _ = page
    assert title == "Robustness to drift: bias on test"
    assert paragraphs[0].startswith("Is the model still good? Yes under adaptive: RMSE 0.850")
    assert "1,000 ratings of 10 users" in paragraphs[-1]
    assert ("known at the start", "50% of the ratings") in facts


def test_every_picture_can_be_drawn(page: list[Any]) -> None:
    pictures = page[4]
    assert [title.split(":")[0] for title, _ in pictures] == [
        "Prequential backtest", "Expected error", "Detected changes of the log", "Adaptation",
        "Staleness", "Placebo",
    ]  # fmt: skip
    for _, draw in pictures:
        axes = Figure().subplots()
        draw(axes)
        assert axes.has_data()


def test_tables_have_a_cell_per_column(page: list[Any]) -> None:
    tables = page[5]
    for _, header, rows in tables:
        assert rows
        assert all(len(row) == len(header) for row in rows)
    by_title = {title: rows for title, _, rows in tables}
    assert [row[0] for row in by_title["Policies"]] == ["frozen", "full", "adaptive"]
    actions = by_title["Adaptation layers: detected changes and actions by window"]
    assert actions[0] == ["1970-01-01", FINDING["sentence"], "fine-tuned", "0.875", "0.900", ""]
    assert actions[1][-1] == "-0.050"
    expected = by_title["Expected error by policy, from the second window on"]
    assert expected[0] == ["frozen", "", "-0.0250", "0.0250", "0.0500"]


def test_pictures_without_data_are_left_out(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    del document["staleness"], document["results"][2]["recovered"]
    assert len(passed_to_write_html(document, monkeypatch)[4]) == 4


def test_a_finding_is_drawn_on_the_row_of_its_kind(document: dict[str, Any], axes: Axes) -> None:
    html.draw_findings(document, axes)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == "rating scale"
    assert "agreement with item means" in labels
    for line in axes.get_lines():
        assert (np.asarray(line.get_ydata()) == 0).all()


def test_a_log_too_short_for_staleness_has_a_page_without_it(
    document: dict[str, Any], tmp_path: Path
) -> None:
    html.write_backtest_page({**document, "staleness": []}, tmp_path / "page.html")
    assert "Staleness" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_is_not_monitored_is_stated(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    document["not_monitored"] = ["rating scale: half stars: the scale 1 to 10 has no steps"]
    lead = passed_to_write_html(document, monkeypatch)
    assert "Not monitored: rating scale: half stars: the scale 1 to 10 has no steps." in str(lead)
