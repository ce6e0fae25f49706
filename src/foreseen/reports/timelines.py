"""Charts over time: lines that can be filtered, with labels at their ends, and dated changes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from foreseen.reports.chart_parts import (
    HALO,
    LABEL_HEIGHT,
    LEGEND_OFFSET,
    SOFT,
    Data,
    Domain,
    Filter,
    Rows,
    Specification,
    alt,
    axis_on_top,
    clipped,
    estimate_domain,
    padding,
    scale_ends,
    spread,
    unchecked,
    vertical_lines,
)

_ROW_HEIGHT: Final = 42
_NARROW: Final = 480
"""Width in pixels below which labels are short."""
_DATE: Final = "%-d %B %Y"
_SHAPES: Final = ("circle", "diamond", "triangle-up", "square")


@unchecked
def line_plot(
    rows: Rows,
    *,
    unit: str,
    colours: Mapping[str, str],
    selected: Filter | None = None,
    chosen: Filter | None = None,
    symbols: Sequence[str] = (),
    x_title: str = "",
    height: int = 280,
    decimals: int = 3,
) -> Specification:
    """Return a chart over time with one line per series, and its name at its end.

    The vertical axis contains the lines of the selected rows; intervals that leave it are cut.

    Args:
        rows: `series`; `x`, in milliseconds since 1970; `value`, and `low` and `high`, which may be
            None; `symbol`, if there are symbols.
        unit: Title of the vertical axis.
        colours: The colours of the series, in the order of drawing.
        selected: Which rows to show.
        chosen: The series with intervals and symbols; None for all series.
        symbols: The values of `symbol`, in the order of the legend.
        x_title: Title of the horizontal axis.
        height: Height, in pixels.
        decimals: Decimals of the values.
    """
    data = Data()
    domains = _domains(rows, selected)
    drawn = [{**row, **clipped(row, *domains[_group(row, selected)])} for row in rows]
    up_scale = alt.Scale(zero=False, nice=False, **scale_ends(domains, selected))
    across = alt.X(
        "x:T", title=x_title or None, axis=alt.Axis(grid=False),
        scale=alt.Scale(type="utc", padding=6),
    )  # fmt: skip
    up = alt.Y("value:Q", title=unit, scale=up_scale, axis=axis_on_top())
    colour = alt.Color(
        "series:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None
    )
    tooltip = [
        alt.Tooltip("series:N", title=" "),
        alt.Tooltip("x:T", title="from", format=_DATE),
        alt.Tooltip("value:Q", title=unit, format=f".{decimals}f"),
        alt.Tooltip("low:Q", title="interval from", format=f".{decimals}f"),
        alt.Tooltip("high:Q", title="to", format=f".{decimals}f"),
        *([alt.Tooltip("symbol:N", title="before it")] if symbols else []),
    ]
    base = alt.Chart(data.add(drawn)).encode(x=across, y=up, color=colour, tooltip=tooltip)
    names = alt.Chart(data.add(_end_labels(drawn, domains, selected, height)))
    if selected:
        base = base.transform_filter(selected.condition)
        names = names.transform_filter(selected.condition)
    front = base.transform_filter(f"datum.series === {chosen.name}") if chosen else base
    point: dict[str, Any] = {"filled": True, "opacity": 1, "clip": True}
    marked = front.mark_point(**point, size=80 if symbols else 45)
    if symbols:
        shape = alt.Shape(
            "symbol:N",
            scale=alt.Scale(domain=list(symbols), range=list(_SHAPES[: len(symbols)])),
            legend=alt.Legend(
                title=None,
                orient="top",
                symbolFillColor=SOFT,
                symbolStrokeWidth=0,
                offset=LEGEND_OFFSET,
            ),
        )
        marked = marked.encode(shape=shape)
    layers = [
        front.mark_rule(size=3, opacity=0.3).encode(y=alt.Y("start:Q", scale=up_scale), y2="end:Q"),
        base.mark_line(strokeWidth=1.5, clip=True),
        *([base.mark_point(**point, size=18), front.mark_line(strokeWidth=3)] if chosen else []),
        marked,
        names.mark_text(align="left", baseline="middle", dx=10).encode(
            x=across, y=up, color=colour, text="series:N"
        ),
    ]
    space = padding(max(len(name) for name in colours), top=24)
    chart = alt.layer(*layers).properties(width="container", height=height, padding=space)
    for parameter in (selected, chosen):
        chart = parameter.of(chart) if parameter else chart
    return data.specification(chart)


def _group(row: Mapping[str, Any], selected: Filter | None) -> str:
    return row[selected.name] if selected else ""


def _domains(rows: Rows, selected: Filter | None) -> dict[str, Domain]:
    """Return the ends of the vertical axis by selection."""
    values: dict[str, list[float]] = {}
    bounds: dict[str, list[float]] = {}
    for row in rows:
        group = _group(row, selected)
        values.setdefault(group, []).append(row["value"])
        ends = [row[end] for end in ("low", "high") if row.get(end) is not None]
        bounds.setdefault(group, []).extend(ends)
    return {group: estimate_domain(values[group], bounds[group]) for group in values}


def _end_labels(
    rows: Rows, domains: Mapping[str, Domain], selected: Filter | None, height: int
) -> list[dict[str, Any]]:
    """Return the names of the series at the ends of their lines, moved apart in each selection."""
    last: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["x"]):
        last.setdefault(_group(row, selected), {})[row["series"]] = row
    labels: list[dict[str, Any]] = []
    for group, ends in last.items():
        bottom, top = domains[group]
        gap = LABEL_HEIGHT * (top - bottom) / height
        places = spread([row["value"] for row in ends.values()], gap)
        right = max(row["x"] for row in ends.values())
        labels += [
            {"series": name, "x": right, "value": place}
            | ({selected.name: group} if selected else {})
            for name, place in zip(ends, places, strict=True)
        ]
    return labels


@unchecked
def change_plot(
    rows: Rows, *, kinds: Mapping[str, str], marks: Mapping[float, str] | None = None
) -> Specification:
    """Return a chart of dated changes, one below the other, with their texts above them.

    A wide bar is the interval in which the change lies, with a line at its date, and a thin one
    leads to a dot where it was detected.

    Args:
        rows: `text`, and `short` for narrow screens; `earliest`, `since`, `latest` and `found`, in
            milliseconds since 1970; `before` and `after` as text; `kind`.
        kinds: The colours by kind.
        marks: Vertical lines: their texts by their positions.
    """
    data = Data()
    x = alt.X("since:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(orient="bottom"))
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=list(kinds.values())),
        legend=alt.Legend(
            title=None, orient="top", symbolType="circle", symbolOpacity=1, offset=LEGEND_OFFSET
        ),
    )
    numbered = [{**row, "row": number} for number, row in enumerate(rows)]
    base = alt.Chart(data.add(numbered)).encode(
        y=alt.Y("row:O", axis=None),
        tooltip=[
            alt.Tooltip("text:N", title=" "),
            alt.Tooltip("since:T", title="changed", format=_DATE),
            alt.Tooltip("earliest:T", title="between", format=_DATE),
            alt.Tooltip("latest:T", title="and", format=_DATE),
            alt.Tooltip("found:T", title="detected", format=_DATE),
            alt.Tooltip("before:N", title="before"),
            alt.Tooltip("after:N", title="after"),
        ],
    )
    below: dict[str, Any] = {"yOffset": 9}
    texts = base.transform_calculate(label=f"width < {_NARROW} ? datum.short : datum.text")
    text: dict[str, Any] = {
        "align": "left", "baseline": "middle", "yOffset": -8, "limit": alt.ExprRef("width"),
    }  # fmt: skip
    texts = texts.encode(x=alt.value(0), text="label:N")
    layers = [
        texts.mark_text(**text, **HALO),
        texts.mark_text(**text),
        base.mark_rule(**below, size=9, opacity=0.35).encode(
            x=alt.X("earliest:T"), x2="latest:T", color=colour
        ),
        base.mark_rule(**below, size=2).encode(x=x, x2="found:T", color=colour),
        base.mark_tick(**below, size=15, thickness=2).encode(x=x, color=colour),
        base.mark_point(**below, filled=True, size=60, opacity=1).encode(
            x="found:T", color=colour
        ),
    ]  # fmt: skip
    if marks:
        layers.insert(0, vertical_lines(marks, alt.X("value:T", title=None), data))
    chart = alt.layer(*layers).properties(
        width="container", height=alt.Step(_ROW_HEIGHT), padding=padding(0, top=24)
    )
    return data.specification(chart)
