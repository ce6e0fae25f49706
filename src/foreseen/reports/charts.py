"""Charts of several reports: dots with intervals, lines with labels at their ends, spans of time.

All are as wide as the page lets them. Colours are CSS variables of the page, so that charts follow
its light or dark scheme. Rows are dictionaries with the fields that a function names, and may have
further fields for parameters; see `Filter`.
"""

from collections.abc import Mapping, Sequence

from foreseen.reports.chart_parts import (
    ACCENT,
    LABEL_HEIGHT,
    MUTED,
    SERIES,
    Data,
    Domain,
    Filter,
    Rows,
    Specification,
    alt,
    axis_on_top,
    clipped,
    padding,
    spread,
    unchecked,
    vertical_lines,
)


@unchecked
def dot_plot(
    rows: Rows,
    *,
    unit: str,
    domain: Domain,
    order: Sequence[str] | None = None,
    decimals: int = 3,
    colours: Mapping[str, str] | None = None,
    marks: Mapping[float, str] | None = None,
    selected: Filter | None = None,
) -> Specification:
    """Return a chart with one row per name: a dot, its interval as a bar, its value as text.

    Args:
        rows: `name`, `value`, and `low` and `high`, which may be None.
        unit: Title of the axis.
        domain: Ends of the axis; intervals that leave it are cut.
        order: The names from top to bottom; by default as in the rows.
        decimals: Decimals of the text.
        colours: Colours of names; the others are grey.
        marks: Vertical lines: their texts by their positions.
        selected: Which rows to show.
    """
    data = Data()
    names = list(order or dict.fromkeys(row["name"] for row in rows))
    left, right = domain
    drawn = [
        {**row, **clipped(row, left, right), "text": f"{row['value']:.{decimals}f}"} for row in rows
    ]
    chosen = colours or {}
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=[chosen.get(name, SERIES[5]) for name in names]),
        legend=None,
    )
    scale = alt.Scale(domain=domain, nice=False, zero=False)
    x = alt.X("value:Q", scale=scale, title=unit)
    rows_axis = alt.Y("name:N", sort=names, title=None, scale=alt.Scale(domain=names))
    base = alt.Chart(data.add(drawn)).encode(y=rows_axis)
    shown = base.transform_filter(selected.condition) if selected else base
    tooltip = [
        alt.Tooltip("name:N", title=" "),
        alt.Tooltip("value:Q", title=unit, format=f".{decimals}f"),
        alt.Tooltip("low:Q", title="from", format=f".{decimals}f"),
        alt.Tooltip("high:Q", title="to", format=f".{decimals}f"),
    ]
    layers = [
        shown.mark_rule(size=3, opacity=0.45).encode(
            x=alt.X("start:Q", scale=scale), x2="end:Q", color=colour, tooltip=tooltip
        ),
        shown.mark_point(filled=True, size=75, opacity=1, clip=True).encode(
            x=x, color=colour, tooltip=tooltip
        ),
        shown.mark_text(align="left", baseline="middle", dx=9).encode(
            x=alt.X("end:Q", scale=scale), text="text:N"
        ),
    ]
    if selected and selected.everything is not None:
        behind = base.transform_filter(selected.background)
        layers.insert(0, behind.mark_tick(color=MUTED, thickness=2, size=16).encode(x=x))
    if marks:
        layers.insert(0, vertical_lines(marks, x, data))
    chart = alt.layer(*layers).properties(
        width="container", height=alt.Step(30), padding=padding(decimals + 3, bool(marks))
    )
    return data.specification(selected.of(chart) if selected else chart)


@unchecked
def line_plot(
    rows: Rows,
    *,
    x: str,
    unit: str,
    domain: Domain,
    colours: Mapping[str, str],
    x_title: str = "",
    height: int = 260,
    decimals: int = 3,
    marks: Mapping[float, str] | None = None,
) -> Specification:
    """Return a chart with one line per series, its name at its end, and intervals as bars.

    Args:
        rows: `series`, `x`, `value`, and `low` and `high`, which may be None.
        x: `number`, or `time` for milliseconds since 1970.
        unit: Title of the vertical axis.
        domain: Ends of the vertical axis; intervals that leave it are cut.
        colours: The colours of the series, in the order of drawing.
        x_title: Title of the horizontal axis.
        height: Height, in pixels.
        decimals: Decimals of the values.
        marks: Vertical lines: their texts by their positions.
    """
    data = Data()
    bottom, top = domain
    drawn = [{**row, **clipped(row, bottom, top)} for row in rows]
    last = {row["series"]: row for row in sorted(drawn, key=lambda row: row["x"])}
    per_pixel = (top - bottom) / height
    places = spread([row["value"] for row in last.values()], LABEL_HEIGHT * per_pixel)
    labels = [
        {"series": series, "x": row["x"], "value": place}
        for (series, row), place in zip(last.items(), places, strict=True)
    ]
    is_time = x == "time"
    across = alt.X(
        "x:T" if is_time else "x:Q",
        title=x_title or None,
        axis=alt.Axis(grid=False),
        scale=alt.Scale(type="utc") if is_time else alt.Scale(nice=False, zero=False, padding=6),
    )
    up_scale = alt.Scale(domain=domain, nice=False, zero=False)
    up = alt.Y(
        "value:Q",
        title=unit,
        scale=up_scale,
        axis=axis_on_top(),
    )
    colour = alt.Color(
        "series:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None
    )
    tooltip = [
        alt.Tooltip("series:N", title=" "),
        alt.Tooltip("x:T", title="from", format="%-d %B %Y")
        if is_time
        else alt.Tooltip("x:Q", title=x_title or "x"),
        alt.Tooltip("value:Q", title=unit, format=f".{decimals}f"),
        alt.Tooltip("low:Q", title="interval from", format=f".{decimals}f"),
        alt.Tooltip("high:Q", title="to", format=f".{decimals}f"),
    ]
    base = alt.Chart(data.add(drawn)).encode(x=across, y=up, color=colour)
    layers = [
        base.mark_rule(size=3, opacity=0.3).encode(
            y=alt.Y("start:Q", scale=up_scale), y2="end:Q", tooltip=tooltip
        ),
        base.mark_line(strokeWidth=2, clip=True),
        base.mark_point(filled=True, size=45, opacity=1, clip=True).encode(tooltip=tooltip),
        alt.Chart(data.add(labels))
        .mark_text(align="left", baseline="middle", dx=9)
        .encode(x=across, y=up, color=colour, text="series:N"),
    ]
    if marks:
        at = alt.X("value:T" if is_time else "value:Q", title=None)
        layers.insert(0, vertical_lines(marks, at, data))
    space = padding(max(len(str(series)) for series in last))
    return data.specification(
        alt.layer(*layers).properties(
            width="container", height=height, padding={**space, "top": 24}
        )
    )


@unchecked
def calibration_plot(rows: Rows, *, unit: str, domain: Domain, height: int = 220) -> Specification:
    """Return a chart of observed by predicted values, with the diagonal where they are equal.

    Args:
        rows: `x`, the predicted value, and `value`, the observed one.
        unit: Unit of both.
        domain: Ends of both axes.
        height: Height, in pixels.
    """
    data = Data()
    scale = alt.Scale(domain=domain, nice=False, zero=False)
    x = alt.X("x:Q", title=f"predicted {unit}", scale=scale, axis=alt.Axis(grid=False))
    y = alt.Y("value:Q", title=f"observed {unit}", scale=scale, axis=axis_on_top())
    ends = data.add([{"x": end, "value": end} for end in domain])
    base = alt.Chart(data.add(list(rows))).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("x:Q", title="predicted", format=".3f"),
            alt.Tooltip("value:Q", title="observed", format=".3f"),
        ],
    )
    chart = alt.layer(
        alt.Chart(ends).mark_line(color=MUTED, strokeWidth=1, strokeDash=[3, 3]).encode(x=x, y=y),
        base.mark_line(color=ACCENT, strokeWidth=2),
        base.mark_point(color=ACCENT, filled=True, size=45, opacity=1),
    ).properties(width="container", height=height, padding={**padding(0), "top": 24})
    return data.specification(chart)


@unchecked
def spans(rows: Rows, *, order: Sequence[str], colours: Mapping[str, str]) -> Specification:
    """Return a chart of spans of time, in one row per name, with a dot at their ends.

    Args:
        rows: `name`, `start` and `end` in milliseconds since 1970, `label`, and `kind`.
        order: The names from top to bottom.
        colours: The colours by kind.
    """
    data = Data()
    x = alt.X("start:T", title=None, scale=alt.Scale(type="utc"))
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(colours), range=list(colours.values())),
        legend=alt.Legend(title=None, orient="top", symbolType="circle"),
    )
    tooltip = [
        alt.Tooltip("label:N", title=" "),
        alt.Tooltip("start:T", title="since", format="%-d %B %Y"),
        alt.Tooltip("end:T", title="detected", format="%-d %B %Y"),
    ]
    base = alt.Chart(data.add(list(rows))).encode(
        y=alt.Y("name:N", sort=list(order), title=None), color=colour, tooltip=tooltip
    )
    chart = alt.layer(
        base.mark_rule(size=4, opacity=0.5).encode(x=x, x2="end:T"),
        base.mark_point(filled=True, size=60, opacity=1).encode(x="end:T"),
    ).properties(width="container", height=alt.Step(26))
    return data.specification(chart)
