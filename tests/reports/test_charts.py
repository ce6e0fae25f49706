"""Charts: labels apart, intervals within the scale, valid specifications."""

from itertools import pairwise
from typing import Any

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.reports import chart_parts, charts, distributions

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
    span = {"name": "level", "start": 0, "end": 10, "label": "up", "kind": "one"}
    drawn = [
        charts.dot_plot([{**ROWS[0], "segment": "all"}], unit="RMSE", domain=(0, 2),
                        marks={1.0: "all"}, selected=chosen),
        charts.line_plot(rows, x="time", unit="RMSE", domain=(0, 2), colours=colours,
                         marks={2.0: "change"}),
        charts.line_plot(rows, x="number", unit="RMSE", domain=(0, 2), colours=colours),
        charts.calibration_plot(rows, unit="rating", domain=(0, 5)),
        charts.spans([span], order=["level"], colours=colours),
        distributions.columns(rows, unit="n", x_title="year", selected=chosen),
        distributions.followed_line(rows, unit="n", x_title="x", domain=(0, 2), selected=chosen),
        distributions.rank_plot(rows, colours),
    ]  # fmt: skip
    for chart in drawn:
        alt.LayerChart.from_dict(chart)  # Raises if the schema is violated.
        assert chart["datasets"]
