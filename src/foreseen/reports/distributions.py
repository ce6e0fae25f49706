"""Charts of distributions: columns, a line that follows a selection, numbers by rank."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from foreseen.reports.chart_parts import (
    ACCENT,
    LABEL_HEIGHT,
    LEGEND_OFFSET,
    MUTED,
    Data,
    Domain,
    Filter,
    Rows,
    Specification,
    alt,
    axis_on_top,
    padding,
    spread,
    unchecked,
    vertical_lines,
)

_LEGEND_HEIGHT: Final = 23
"""Height of a legend beside what is left free above every chart, in pixels."""


@unchecked
def columns(
    rows: Rows,
    *,
    unit: str,
    x_title: str,
    colours: Mapping[str, str] | None = None,
    marks: Mapping[float, str] | None = None,
    step: float = 1,
    height: int = 220,
    decimals: int = 0,
    selected: Filter | None = None,
) -> Specification:
    """Return a chart of columns, with a tick of all rows behind a selection.

    Args:
        rows: `x`, `value`; and `part`, if columns are stacked.
        unit: Title of the vertical axis.
        x_title: Title of the horizontal axis.
        colours: The colours of the parts, in the order of stacking.
        marks: Vertical lines: their texts by their positions.
        step: Distance of two columns.
        height: Height, in pixels, with the legend.
        decimals: Decimals of the values.
        selected: Which rows to show.
    """
    data = Data()
    x = alt.X(
        "start:Q", title=x_title, axis=alt.Axis(grid=False, format="~r"),
        scale=alt.Scale(nice=False, zero=False),
    )  # fmt: skip
    y = alt.Y("top:Q", title=unit, axis=axis_on_top())
    drawn = _stacked(rows, 0.42 * step, list(colours or ()), selected)
    base = alt.Chart(data.add(drawn))
    shown = base.transform_filter(selected.condition) if selected else base
    bars = shown.mark_rect(color=ACCENT).encode(
        x=x,
        x2="end:Q",
        y=y,
        y2="bottom:Q",
        tooltip=[
            alt.Tooltip("x:Q", title=x_title, format="~r"),
            *([alt.Tooltip("part:N", title=" ")] if colours else []),
            alt.Tooltip("value:Q", title=unit, format=f",.{decimals}f"),
        ],
    )
    if colours:
        scale = alt.Scale(domain=list(colours), range=list(colours.values()))
        legend = alt.Legend(title=None, orient="top", offset=LEGEND_OFFSET, symbolType="square")
        bars = bars.encode(color=alt.Color("part:N", scale=scale, legend=legend))
    layers = [bars]
    if selected and selected.everything is not None:
        behind = base.transform_filter(selected.background)
        layers.append(
            behind.mark_rule(color=MUTED, size=2).encode(x=x, x2="end:Q", y=alt.Y("top:Q"))
        )
    if marks:
        layers.append(vertical_lines(marks, alt.X("value:Q", title=x_title), data))
    chart = alt.layer(*layers).properties(
        width="container",
        height=height - (_LEGEND_HEIGHT if colours else 0),
        padding=padding(0, top=26),
    )
    return data.specification(selected.of(chart) if selected else chart)


def _stacked(
    rows: Rows, half_width: float, parts: Sequence[str], selected: Filter | None
) -> list[dict[str, Any]]:
    """Return rows with the edges of their columns, the parts of one column on each other."""
    heights: dict[tuple[Any, Any], float] = {}
    drawn: list[dict[str, Any]] = []
    order = {part: place for place, part in enumerate(parts)}
    for row in sorted(rows, key=lambda row: order.get(row.get("part", ""), 0)):
        column = (row["x"], row[selected.name] if selected else None)
        bottom = heights.get(column, 0)
        heights[column] = bottom + row["value"]
        edges = {"start": row["x"] - half_width, "end": row["x"] + half_width}
        drawn.append({**row, **edges, "bottom": bottom, "top": heights[column]})
    return drawn


@unchecked
def followed_line(
    rows: Rows, *, unit: str, x_title: str, domain: Domain, selected: Filter, height: int = 220
) -> Specification:
    """Return a chart of one line, that of a selection, before that of all rows in grey.

    Args:
        rows: `x` and `value`.
        unit: Title of the vertical axis.
        x_title: Title of the horizontal axis.
        domain: Ends of the vertical axis; values beyond are cut.
        selected: Which rows to show.
        height: Height, in pixels.
    """
    data = Data()
    base = alt.Chart(data.add(rows)).encode(
        x=alt.X(
            "x:Q", title=x_title, axis=alt.Axis(grid=False, format="~r"),
            scale=alt.Scale(nice=False, zero=False, padding=8),
        ),
        y=alt.Y(
            "value:Q", title=unit, axis=axis_on_top(),
            scale=alt.Scale(domain=domain, nice=False, zero=False),
        ),
        tooltip=[
            alt.Tooltip("x:Q", title=x_title, format="~r"),
            alt.Tooltip("value:Q", title=unit, format=".2f"),
        ],
    )  # fmt: skip
    everything = selected.background
    shown = base.transform_filter(selected.condition)
    chart = alt.layer(
        base.transform_filter(everything).mark_line(color=MUTED, strokeWidth=2),
        shown.mark_line(color=ACCENT, strokeWidth=2, clip=True),
        shown.mark_point(color=ACCENT, filled=True, size=45, opacity=1, clip=True),
    ).properties(width="container", height=height, padding=padding(0, top=26))
    return data.specification(selected.of(chart))


@unchecked
def rank_plot(rows: Rows, colours: Mapping[str, str], height: int = 220) -> Specification:
    """Return a chart of numbers by rank, one line per series, both axes logarithmic.

    Args:
        rows: `series`, `x` and `value`, all positive.
        colours: The colours of the series.
        height: Height, in pixels.
    """
    data = Data()
    powers = [10**power for power in range(9)]
    base = alt.Chart(data.add(rows)).encode(
        x=alt.X(
            "x:Q", title="rank", scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(grid=False, format="~s", values=powers),
        ),
        y=alt.Y(
            "value:Q", title=None, scale=alt.Scale(type="log", nice=False),
            axis=axis_on_top(format="~s", values=powers),
        ),
        color=alt.Color(
            "series:N",
            scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None,
        ),
        tooltip=[
            alt.Tooltip("series:N", title=" "),
            alt.Tooltip("x:Q", title="rank", format=","),
            alt.Tooltip("value:Q", title="ratings", format=","),
        ],
    )  # fmt: skip
    first = {row["series"]: row for row in reversed(rows)}
    heights = [math.log(row["value"]) for row in first.values()]
    whole = max(heights) - min(math.log(row["value"]) for row in rows) or 1.0
    places = spread(heights, LABEL_HEIGHT * whole / height)
    labels = [
        {"series": name, "x": row["x"], "value": math.exp(min(place, max(heights)))}
        for (name, row), place in zip(first.items(), places, strict=True)
    ]
    text = alt.Chart(data.add(labels)).mark_text(align="left", baseline="bottom", dx=8, dy=-4)
    chart = alt.layer(
        base.mark_line(strokeWidth=2),
        text.encode(x="x:Q", y="value:Q", text="series:N", color="series:N"),
    ).properties(width="container", height=height, padding=padding(0, top=34))
    return data.specification(chart)
