import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.conftest import random_ratings, tables_of

from foreseen.evaluation.protocols import GLOBAL_MEAN, PROTOCOLS
from foreseen.evaluation.report import summarise, summarise_all, write_report
from foreseen.evaluation.results import (
    AT_CUT,
    FOLD_IN,
    LIVE,
    MOMENT_KNOWN,
    ONE_DAY_DELAY,
    Result,
    setting_label,
    tied_note,
)
from foreseen.evaluation.segments import ACTIVITY, CELLS, with_activity
from foreseen.models.spec import parse_settings

USERS, COUNT = 8, 80


def result(model: str, error: float, setting: str = FOLD_IN, segments: bool = True) -> Result:
    """Return a result with normal prediction errors of standard deviation `error`."""
    generator = np.random.default_rng(0)
    rating = generator.integers(1, 11, COUNT) / 2
    prediction = rating + error * generator.normal(size=COUNT)
    events = pl.DataFrame(
        {
            "userId": np.arange(COUNT) % USERS,
            "rating": rating,
            "prediction": prediction,
            "low": prediction - 1,
            "high": prediction + 1,
            "liked": np.where(rating >= 4, 0.8, 0.2),
        }
    )
    if segments:
        cells = np.array(CELLS)[np.arange(COUNT) % 3]
        known = np.repeat([0, 3, 30, 300], COUNT // 4)
        events = with_activity(events.with_columns(cell=cells, known=known))
    return Result(model, setting, events, {"rating": {"coverage": 0.5}} if segments else None)


def test_a_summary_has_the_metrics_of_all_segments() -> None:
    summary = summarise(result("bias", 0.5))
    assert (summary["events"], summary["users"]) == (COUNT, USERS)
    assert sum(part["events"] for part in summary["cells"]) == COUNT
    assert [part["activity"] for part in summary["activity"]] == [
        name for name in ACTIVITY if name != "6-20"
    ]
    assert summary["brier"] == pytest.approx(0.04)
    assert 0.8 < summary["interval_coverage"] < 1
    assert summary["lists"] == {"rating": {"coverage": 0.5}}
    deciles: list[dict[str, float]] = summary["calibration"]
    assert len(deciles) == 10
    predicted = [entry["predicted"] for entry in deciles]
    assert predicted == sorted(predicted)
    assert np.mean([entry["given"] for entry in summary["reliability"]]) == pytest.approx(
        (result("bias", 0.5).events["rating"] >= 4).mean()
    )


def test_a_result_without_segments_has_overall_metrics_only() -> None:
    summary = summarise(result("global mean", 1.0, segments=False))
    assert summary["rmse"]["value"] > 0
    assert not {"cells", "activity", "brier", "calibration", "lists"} & set(summary)


def test_results_are_compared_with_the_lowest_rmse_of_their_setting() -> None:
    summaries = summarise_all(
        [result("a", 0.9), result("b", 0.3), result("c", 0.6), result("a", 0.9, LIVE)]
    )
    assert [summary.get("best") for summary in summaries] == ["b", None, "b", None]
    for summary in (summaries[0], summaries[2]):
        difference = summary["less_best"]["rmse"]
        gap = summary["rmse"]["value"] - summaries[1]["rmse"]["value"]
        assert difference["value"] == pytest.approx(gap)
        assert difference["low"] < difference["value"] < difference["high"]


def test_a_report_has_its_four_files(tmp_path: Path) -> None:
    results = [
        result("global mean", 1.2, segments=False),
        result("a", 0.9),
        result("b", 0.3, ONE_DAY_DELAY),
    ]
    summaries = summarise_all(results)
    write_report("stream", "toy", summaries, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "metrics.json", "activity.csv", "activity.png", "report.html",
    }  # fmt: skip
    document: dict[str, Any] = json.loads((tmp_path / "metrics.json").read_text("utf-8"))
    assert document["results"] == summaries
    assert set(document["rmse"]) == {"half revealed", "day late"}
    assert set(document["rmse"]["half revealed"]) == {"global mean", "a"}
    with (tmp_path / "activity.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["activity"] for row in rows] == ["0", "1-5", "21-100", ">100"] * 2
    assert {row["setting"] for row in rows} == {"half revealed", "day late"}


def test_the_page_shows_labels_instead_of_keys(tmp_path: Path) -> None:
    results = [result("a", 0.9), result("b", 0.3, ONE_DAY_DELAY)]
    write_report("stream", "toy", summarise_all(results), tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "RMSE, fold-in" in page
    assert "fold-in" in page
    assert "one-day delay" in page
    assert FOLD_IN not in page
    assert ONE_DAY_DELAY not in page


def test_a_setting_without_a_label_is_shown_as_it_is() -> None:
    assert setting_label(LIVE) == "live"
    assert setting_label(AT_CUT) == "at the cut"
    assert setting_label(MOMENT_KNOWN) == "moment known"


def test_events_tied_in_time_are_counted_in_the_summary() -> None:
    plain = summarise(result("bias", 0.5))
    assert "tied" not in plain
    assert tied_note(plain) == ""
    tied = summarise(replace(result("bias", 0.5), tied=3))
    assert tied["tied"] == 3
    assert tied_note(tied).startswith("; 3 of 80 test ratings share their second")


def test_the_page_has_the_rankings_with_debiased_metrics_and_p_values(tmp_path: Path) -> None:
    tables = tables_of(random_ratings(0, 400, users=25, movies=40))
    evaluate = PROTOCOLS["calendar-ranking"](tables)
    names = ("bias", "baseline")
    results = [evaluate(GLOBAL_MEAN, None, 0), *(evaluate(n, parse_settings(n), 0) for n in names)]
    summaries = summarise_all([result for found in results for result in found])
    write_report("calendar-ranking", "toy", summaries, tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    for text in ("popularity of seven days", "debiased NDCG@10", "method of Holm"):
        assert text in page
    compared = [
        entry["lists"]["likely"].get("less_best", {}).get("ndcg10") for entry in summaries[1:]
    ]
    (difference,) = filter(None, compared)
    assert set(difference) == {"value", "low", "high", "p", "p_holm"}
