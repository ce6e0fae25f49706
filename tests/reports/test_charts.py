"""Charts: labels apart, intervals within the scale, valid specifications."""

import json
from itertools import pairwise
from typing import Any

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.reports import chart_parts, charts, distributions, searches, timelines

ROWS = [{"name": "a", "value": 0.9, "low": 0.5, "high": 2.0}]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8), st.floats(0.1, 20))
def test_labels_are_moved_apart_and_keep_their_order(positions: list[float], gap: float) -> None:
    moved = chart_parts.spread(positions, gap)
    order = sorted(range(len(positions)), key=positions.__getitem__)
    assert all(moved[b] - moved[a] >= gap - 1e-6 for a, b in pairwise(order))
    assert sum(moved) == pytest.approx(sum(positions), abs=1e-6)


def test_labels_that_are_apart_stay_where_they_are() -> None:
    assert chart_parts.spread([3.0, 1.0, 2.0], 0.5) == [3.0, 1.0, 2.0]


def test_an_interval_beyond_the_scale_is_cut() -> None:
    chart = charts.dot_plot(ROWS, unit="RMSE", domain=(0.8, 1.0))
    (row,) = next(table for table in chart["datasets"].values() if "text" in table[0])
    assert (row["start"], row["end"], row["text"]) == (0.8, 1.0, "0.900")


@pytest.mark.parametrize(
    ("ends", "expected"), [([0.9, 2.1], (0.9, 2.1)), ([-9.0, 9.0], (0.5, 2.5)), ([], (1.0, 2.0))]
)
def test_intervals_extend_a_domain_by_half_of_the_range_at_most(
    ends: list[float], expected: tuple[float, float]
) -> None:
    low, high = chart_parts.estimate_domain([1.0, 2.0], ends)
    inside = 1.12 * (expected[1] - expected[0])
    assert high - low == pytest.approx(inside)
    assert (low + high) / 2 == pytest.approx(sum(expected) / 2)


def test_the_axis_of_lines_follows_the_selection() -> None:
    rows = [
        {"series": "one", "x": x, "value": value, "low": None, "high": None, "segment": segment}
        for segment, values in (("all", (1.0, 2.0)), ('it\'s "b"', (5.0, 7.0)))
        for x, value in enumerate(values)
    ]
    chart = timelines.line_plot(
        rows, unit="n", colours={"one": "red"}, selected=chart_parts.Filter("segment", "all")
    )
    scale = chart["layer"][1]["encoding"]["y"]["scale"]
    ends, _, name = scale["domainMin"]["expr"].rpartition("[")
    assert name == "segment]"
    assert json.loads(ends) == {"all": pytest.approx(0.94), 'it\'s "b"': pytest.approx(4.88)}
    labels = [r for table in chart["datasets"].values() for r in table if "end" not in r]
    assert {(row["segment"], row["value"]) for row in labels} == {("all", 2), ('it\'s "b"', 7)}


def test_columns_of_one_place_are_stacked_for_each_segment() -> None:
    rows = [
        {"x": 1, "part": part, "value": value, "segment": segment}
        for segment, values in (("all", (5, 3)), ("b", (2, 1)))
        for part, value in zip(("whole", "half"), values, strict=True)
    ]
    chart = distributions.columns(
        rows, unit="ratings", x_title="year", colours={"whole": "red", "half": "blue"},
        selected=chart_parts.Filter("segment", "all"),
    )  # fmt: skip
    (table,) = chart["datasets"].values()
    edges = {(row["segment"], row["part"]): (row["bottom"], row["top"]) for row in table}
    assert edges["all", "half"] == (5, 8)
    assert edges["b", "half"] == (2, 3)


def line_rows() -> list[dict[str, Any]]:
    return [
        {"series": name, "x": x, "value": 1.0 + x / 10, "low": None, "high": None, "segment": "all"}
        for name in ("one", "two")
        for x in (1, 2, 3)
    ]


def test_every_chart_is_a_valid_specification() -> None:
    rows, colours = line_rows(), {"one": chart_parts.SERIES[0], "two": chart_parts.SERIES[1]}
    chosen = chart_parts.Filter("segment", "all", "all")
    change = {
        "text": "level, 1 → 2", "short": "level ↑", "earliest": 0, "since": 5, "latest": 10,
        "found": 20, "before": "1", "after": "2", "kind": "one",
    }  # fmt: skip
    trials = [{"trial": 0, "x": 1, "value": 1.0, "lowest": 1.0, "kind": searches.BEST}]
    drawn = [
        charts.dot_plot([{**ROWS[0], "segment": "all"}], unit="RMSE", domain=(0, 2),
                        marks={1.0: "all"}, selected=chosen),
        timelines.line_plot(rows, unit="RMSE", colours=colours),
        timelines.line_plot(
            [{**row, "symbol": "trained"} for row in rows], unit="RMSE", colours=colours,
            selected=chosen, chosen=chart_parts.Filter("policy", "one"), symbols=["trained"],
        ),
        charts.calibration_plot(rows, unit="rating", domain=(0, 5)),
        charts.calibration_plot(rows, unit="RMSE", domain=(0, 5), is_line=False, selected=chosen),
        timelines.change_plot([change], kinds=colours, marks={7: "start"}),
        searches.trial_plot(trials, unit="RMSE", domain=(0, 2)),
        searches.parameter_plot(trials, unit="RMSE", domain=(0, 2), ends=(1, 9), is_log=True),
        distributions.columns(rows, unit="n", x_title="year", selected=chosen),
        distributions.followed_line(rows, unit="n", x_title="x", domain=(0, 2), selected=chosen),
        distributions.rank_plot(rows, colours),
    ]  # fmt: skip
    for chart in drawn:
        alt.LayerChart.from_dict(chart)  # Raises if the schema is violated.
        assert chart["datasets"]
