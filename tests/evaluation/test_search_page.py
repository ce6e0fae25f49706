"""The report of a search: its answer, its tiles, and the error by each setting."""

from pathlib import Path
from typing import Any

import pytest
from tests.reports.pages import charts_of, table_of, tiles_of

from foreseen.evaluation.search_page import write_search_page
from foreseen.models.spec import SearchRange
from foreseen.reports.page import Provenance

RANGES = (
    SearchRange(("ridge",), 1.0, 10_000.0, log=True),
    SearchRange(("hidden.0", "hidden.1"), 10, 110),
)


def trial(number: int, rmse: float, ridge: float, width: int, gain: float = 0.01) -> dict[str, Any]:
    change = rmse - 0.9
    return {
        "number": number,
        "settings": {"ridge": ridge, "hidden": [width, width]} if number else {},
        "figures": {"rmse": rmse, "rmse_user": rmse},
        "seconds": 2.0,
        "rmse": {"value": rmse, "low": rmse - 0.05, "high": rmse + 0.05},
        "less_default": {"rmse": {"value": change, "low": change - gain, "high": change + gain}},
    }


def document(*trials: dict[str, Any]) -> dict[str, Any]:
    found = [trial(0, 0.9, 100.0, 60), *trials]
    return {
        "data": "test",
        "model": "bias",
        "seed": 0,
        "measured": "fold-in protocol",
        "defaults": {"ridge": 100.0, "hidden": [60, 60], "other": 1},
        "best": min(found, key=lambda trial: trial["figures"]["rmse"])["number"],
        "trials": found,
    }


def written(given: dict[str, Any], folder: Path) -> str:
    out = folder / "report.html"
    write_search_page(given, RANGES, Provenance("test", "run"), out)
    return out.read_text(encoding="utf-8")


@pytest.mark.parametrize(("gain", "verdict"), [(0.01, "good"), (0.05, "fair")])
def test_the_best_trial_is_compared_with_the_default_settings(
    tmp_path: Path, gain: float, verdict: str
) -> None:
    best = trial(1, 0.88, 50.0, 70, gain)
    text = written(document(best, trial(2, 0.89, 20.0, 50), trial(3, 0.95, 2000.0, 80)), tmp_path)
    assert "The best of 4 trials has an RMSE of 0.880, 0.0200 below the default" in text
    assert ("is significant." in text) == (verdict == "good")
    tiles = tiles_of(text)
    assert tiles["Gain over the defaults"]["verdict"] == verdict
    assert tiles["Gain over the defaults"]["note"].startswith(f"{0.02 - gain:.4f} to ")
    assert tiles["Trials"]["verdict"] == "good"
    assert tiles["Values at the edge of their range"]["value"] == "0 of 2"


def test_a_late_best_trial_and_values_at_an_edge_are_to_check(tmp_path: Path) -> None:
    text = written(document(trial(1, 0.89, 20.0, 60), trial(2, 0.88, 1.2, 109)), tmp_path)
    tiles = tiles_of(text)
    assert tiles["Trials"]["note"].endswith("trial 2: a longer search may help")
    assert tiles["Values at the edge of their range"]["value"] == "2 of 2"
    assert "ridge, hidden.0: a wider range may help" in text


def test_settings_without_effect_are_stated(tmp_path: Path) -> None:
    text = written(document(trial(1, 0.9, 20.0, 60)), tmp_path)
    assert "All 2 trials have the same error: no setting that was varied changes it." in text


def test_defaults_may_be_best(tmp_path: Path) -> None:
    text = written(document(trial(1, 0.93, 20.0, 60)), tmp_path)
    assert "None of 2 trials has a lower error than the default settings." in text
    assert set(tiles_of(text)) == {"Lowest RMSE", "Trials"}


def test_every_setting_has_a_chart_and_a_column(tmp_path: Path) -> None:
    text = written(document(trial(1, 0.88, 50.0, 70), trial(2, 9.0, 2.0, 20)), tmp_path)
    charts = charts_of(text)
    points = [row for row in charts["hidden.0, hidden.1"][1] if row["kind"] != "best"]
    assert {(row["trial"], row["x"]) for row in points} >= {(0, 60), (2, 20)}
    assert "Errors above the axis are drawn at its end." in text
    assert table_of(text, "Settings of the best trial")[1:] == [
        ["ridge", "100", "50", "1 to 10000, logarithmic"],
        ["hidden.0, hidden.1", "60", "70", "10 to 110"],
    ]
    rows = table_of(text, "Trials, the best first")
    assert [row[0] for row in rows[1:]] == ["1", "0", "2"]
    assert rows[1][1:3] == ["0.8800 (0.8300 to 0.9300)", "-0.0200 (-0.0300 to -0.0100)"]


def test_trials_of_a_former_version_have_no_intervals(tmp_path: Path) -> None:
    given = document(trial(1, 0.88, 50.0, 70))
    for entry in given["trials"]:
        entry["rmse"] = entry["less_default"] = None
    text = written(given, tmp_path)
    assert "0.0200 below the default settings." in text
    assert "Is the best certain?" not in text
    assert "Gain over the defaults" not in tiles_of(text)
