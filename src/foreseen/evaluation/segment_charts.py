"""Charts of the errors by segment, and the list of segments that filters the charts of a page."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from foreseen.evaluation.segment_errors import ALL, DIMENSIONS
from foreseen.reports import chart_parts, charts
from foreseen.reports.page import Choice, Figure

SEGMENT: Final = "segment"
SEGMENTS_NOTE: Final = (
    "The dotted line is the error over all ratings. Segments of fewer than 20 ratings are left "
    "out; ratings of a movie are counted in the whole data, and a movie counts in each of its "
    "genres. Intervals that leave the axis are cut."
)


def segment_choice(segments: pl.DataFrame) -> Choice:
    """Return the list of segments that filters the charts, with their numbers of ratings.

    Args:
        segments: The errors of one model under one setting.
    """
    groups: dict[str, dict[str, str]] = {}
    for row in segments.iter_rows(named=True):
        label = DIMENSIONS.get(row["dimension"], "")
        text = "all test ratings" if row["dimension"] == ALL else row["segment"]
        groups.setdefault(label, {})[segment_key(row)] = f"{text} ({row['events']:,})"
    return Choice(SEGMENT, "Ratings", groups)


def segment_figures(segments: pl.DataFrame) -> list[Figure]:
    """Return the errors of one model in all segments, one chart per dimension, on one scale."""
    rows = segments.filter(pl.col("dimension") != ALL)
    overall = segments.filter(pl.col("dimension") == ALL)["rmse"].item()
    ends = [*rows["rmse_low"].drop_nulls(), *rows["rmse_high"].drop_nulls()]
    domain = chart_parts.estimate_domain([overall, *rows["rmse"]], ends)
    figures: list[Figure] = []
    for dimension, label in DIMENSIONS.items():
        found = [
            {
                "name": row["segment"],
                "value": row["rmse"],
                "low": row["rmse_low"],
                "high": row["rmse_high"],
                "ratings": row["events"],
            }
            for row in rows.filter(pl.col("dimension") == dimension).iter_rows(named=True)
        ]
        if dimension == "genre":
            found.sort(key=lambda row: row["value"])
        if found:
            chart = charts.dot_plot(
                found,
                unit="RMSE",
                domain=domain,
                marks={overall: "all"},
                colours={row["name"]: chart_parts.ACCENT for row in found},
            )
            figures.append(Figure(label, chart, columns=2))
    return figures


def segment_key(row: Mapping[str, Any]) -> str:
    """Return a segment as the value of the list of segments."""
    dimension = row["dimension"]
    return ALL if dimension == ALL else f"{dimension}: {row['segment']}"
