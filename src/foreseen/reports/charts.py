"""Charts of several reports: dots with intervals, and observed by predicted values.

All are as wide as the page lets them. Colours are CSS variables of the page, so that charts follow
its light or dark scheme. Rows are dictionaries with the fields that a function names, and may have
further fields for parameters; see `Filter`.
"""

from collections.abc import Mapping, Sequence

from foreseen.reports.chart_parts import (
    ACCENT,
    HALO,
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
    minus,
    padding,
    scale_ends,
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
        {**row, **clipped(row, left, right), "text": minus(f"{row['value']:.{decimals}f}")}
        for row in rows
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
        *(
            shown.mark_text(align="left", baseline="middle", dx=9, **halo).encode(
                x=alt.X("end:Q", scale=scale), text="text:N"
            )
            for halo in (HALO, {})
        ),
    ]
    if selected and selected.everything is not None:
        behind = base.transform_filter(selected.background)
        layers.insert(0, behind.mark_tick(color=MUTED, thickness=2, size=16).encode(x=x))
    if marks:
        layers.insert(0, vertical_lines(marks, x, data))
    # Charts beside each other have their rows at the same height; texts of lines need 14 pixels.
    space = padding(decimals + 3, top=20 if marks else 34)
    chart = alt.layer(*layers).properties(width="container", height=alt.Step(30), padding=space)
    return data.specification(selected.of(chart) if selected else chart)


@unchecked
def calibration_plot(
    rows: Rows,
    *,
    unit: str,
    domain: Domain | Mapping[str, Domain],
    height: int = 220,
    is_line: bool = True,
    selected: Filter | None = None,
) -> Specification:
    """Return a chart of observed by predicted values, with the diagonal where they are equal.

    Args:
        rows: `x`, the predicted value, and `value`, the observed one.
        unit: Unit of both.
        domain: Ends of both axes; by value of the parameter if rows are selected.
        height: Height, in pixels.
        is_line: Whether a line connects the points.
        selected: Which rows to show.
    """
    data = Data()
    domains = domain if isinstance(domain, Mapping) else {"": domain}
    scale = alt.Scale(nice=False, zero=False, **scale_ends(domains, selected))
    x = alt.X("x:Q", title=f"predicted {unit}", scale=scale, axis=alt.Axis(grid=False))
    y = alt.Y("value:Q", title=f"observed {unit}", scale=scale, axis=axis_on_top())
    diagonal = alt.Chart(
        data.add(
            [
                {"x": end, "value": end} | ({selected.name: group} if selected else {})
                for group, ends in domains.items()
                for end in ends
            ]
        )
    )
    base = alt.Chart(data.add(list(rows))).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("x:Q", title="predicted", format=".3f"),
            alt.Tooltip("value:Q", title="observed", format=".3f"),
        ],
    )
    if selected:
        base = base.transform_filter(selected.condition)
        diagonal = diagonal.transform_filter(selected.condition)
    chart = alt.layer(
        diagonal.mark_line(color=MUTED, strokeWidth=1, strokeDash=[3, 3]).encode(x=x, y=y),
        *([base.mark_line(color=ACCENT, strokeWidth=2)] if is_line else []),
        base.mark_point(color=ACCENT, filled=True, size=45, opacity=1),
    ).properties(width="container", height=height, padding=padding(0, top=24))
    return data.specification(selected.of(chart) if selected else chart)
