"""Charts of a search for settings: the error of the trials in their order, and by parameter."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from foreseen.reports.chart_parts import (
    ACCENT,
    HALO,
    MUTED,
    SERIES,
    Data,
    Domain,
    Rows,
    Specification,
    alt,
    axis_on_top,
    padding,
    unchecked,
)

DEFAULTS: Final = "defaults"
BEST: Final = "best"
OTHER: Final = "other"
Align = Literal["left", "center"]
_COLOURS: Final = {OTHER: SERIES[5], DEFAULTS: SERIES[1], BEST: ACCENT}


@unchecked
def trial_plot(rows: Rows, *, unit: str, domain: Domain, height: int = 260) -> Specification:
    """Return a chart of the trials in their order, with a line of the lowest value so far.

    Args:
        rows: `x`, the number of the trial; `value`; `lowest`, the lowest value so far; `kind`,
            which is `DEFAULTS`, `BEST` or `OTHER`.
        unit: Title of the vertical axis.
        domain: Ends of the vertical axis; values beyond are drawn at its ends.
        height: Height, in pixels.
    """
    data = Data()
    x = alt.X(
        "x:Q", title="trial", axis=alt.Axis(grid=False, format="d", tickMinStep=1),
        scale=alt.Scale(nice=False, zero=False, padding=8),
    )  # fmt: skip
    base = alt.Chart(data.add(rows)).encode(x=x)
    line = base.mark_line(color=MUTED, strokeWidth=1.5, interpolate="step-after", clip=True)
    layers = [
        line.encode(y=alt.Y("lowest:Q", title=unit, scale=_scale(domain), axis=axis_on_top())),
        *_points(base, unit, domain, "left"),
    ]
    chart = alt.layer(*layers).properties(
        width="container", height=height, padding=padding(len(DEFAULTS), top=24)
    )
    return data.specification(chart)


@unchecked
def parameter_plot(
    rows: Rows, *, unit: str, domain: Domain, ends: Domain, is_log: bool, height: int = 180
) -> Specification:
    """Return a chart of the trials by the value of a parameter.

    Args:
        rows: `x`, the value of the parameter; `value` and `kind` as in `trial_plot`.
        unit: Title of the vertical axis.
        domain: Ends of the vertical axis; values beyond are drawn at its ends.
        ends: Ends of the range that was searched.
        is_log: Whether the horizontal axis is logarithmic.
        height: Height, in pixels.
    """
    data = Data()
    scale = alt.Scale(
        type="log" if is_log else "linear", domain=ends, nice=False, zero=False, padding=8
    )
    numbers = "format(datum.value, datum.value < 1 ? '.3~g' : ',')"
    axis = alt.Axis(grid=False, labelExpr=numbers, tickCount=4)
    x = alt.X("x:Q", title=None, scale=scale, axis=axis)
    base = alt.Chart(data.add(rows)).encode(x=x)
    chart = alt.layer(*_points(base, unit, domain, "center")).properties(
        width="container", height=height, padding=padding(len(BEST), top=24)
    )
    return data.specification(chart)


def _scale(domain: Domain) -> Any:  # noqa: ANN401
    return alt.Scale(domain=domain, nice=False, zero=False, clamp=True)


def _points(base: Any, unit: str, domain: Domain, align: Align) -> list[Any]:  # noqa: ANN401
    """Return the layers of the trials: the others behind the defaults and the best, with names.

    Args:
        base: The chart with data and horizontal axis.
        unit: Title of the vertical axis.
        domain: Ends of the vertical axis.
        align: Alignment of the names.
    """
    y = alt.Y("value:Q", title=unit, scale=_scale(domain), axis=axis_on_top())
    colours: Mapping[str, str] = _COLOURS
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None
    )
    tooltip = [
        alt.Tooltip("trial:Q", title="trial"),
        alt.Tooltip("x:Q", title="value", format="~g"),
        alt.Tooltip("value:Q", title=unit, format=".4f"),
    ]
    shown = base.encode(y=y, color=colour, tooltip=tooltip)
    others = shown.transform_filter(f"datum.kind === '{OTHER}'")
    named = shown.transform_filter(f"datum.kind !== '{OTHER}'")
    return [
        others.mark_point(filled=True, size=45, opacity=0.75),
        named.mark_point(filled=True, size=90, opacity=1),
        *(
            named.mark_text(align=align, baseline="bottom", dy=-8, **halo).encode(text="kind:N")
            for halo in (HALO, {})
        ),
    ]
