"""Parts of charts: data, filters, colours, domains, and labels that do not collide."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec

from foreseen.reports.page import missing_library

try:
    import altair as alt
    from altair.utils.schemapi import debug_mode
except ImportError as error:
    raise missing_library(error) from error

__all__ = [
    "ACCENT", "HALO", "LABEL_HEIGHT", "LEGEND_OFFSET", "MUTED", "SERIES", "SOFT", "Data",
    "Domain", "Filter", "Rows", "Specification", "alt", "axis_on_top", "clipped",
    "estimate_domain", "minus", "padded", "padding", "scale_ends", "spread", "unchecked",
    "vertical_lines",
]  # fmt: skip

P = ParamSpec("P")
Rows = Sequence[Mapping[str, Any]]
Domain = tuple[float, float]
Specification = dict[str, Any]
"""A Vega-Lite specification with its data."""

ACCENT: Final = "var(--accent)"
MUTED: Final = "var(--muted)"
SOFT: Final = "var(--soft)"
HALO: Final[dict[str, Any]] = {"stroke": "var(--ground)", "strokeWidth": 4}
"""Properties of a copy of a text, drawn before it, that interrupts the lines behind it."""
SERIES: Final = tuple(f"var(--s{number})" for number in range(1, 7))
"""Colours that differ clearly in both schemes, in the order of use."""
_CHARACTER: Final = 6.6
"""Mean width of a character of a label, in pixels."""
LABEL_HEIGHT: Final = 15
"""Least distance of two labels, in pixels."""
LEGEND_OFFSET: Final = 34
"""Distance of a legend from the chart, in pixels; the title of the vertical axis is between."""


@dataclass(frozen=True)
class Filter:
    """Shows the rows that have the value of a parameter; see `foreseen.reports.page.Choice`.

    Attributes:
        name: Name of the parameter and of the field of the rows.
        value: The value at first.
        everything: A value of the field whose rows are drawn behind, in grey; None for none.
    """

    name: str
    value: str
    everything: str | None = None

    def of(self, chart: Any) -> Any:  # noqa: ANN401
        """Return a chart with the parameter; it may be used by its name in expressions."""
        return chart.add_params(alt.param(name=self.name, value=self.value))

    @property
    def condition(self) -> str:
        """The expression that selects the rows."""
        return f"datum['{self.name}'] === {self.name}"

    @property
    def background(self) -> Any:  # noqa: ANN401
        """The predicate of the rows that are drawn behind."""
        return alt.FieldEqualPredicate(field=self.name, equal=self.everything or self.value)


class Data:
    """The data of a chart, kept out of Altair's objects, which check every row each time."""

    def __init__(self) -> None:
        self._tables: dict[str, list[dict[str, Any]]] = {}

    def add(self, rows: Rows) -> Any:  # noqa: ANN401
        """Return a reference to rows; floats are rounded to six digits."""
        table = [{name: _rounded(value) for name, value in row.items()} for row in rows]
        name = hashlib.sha256(json.dumps(table).encode()).hexdigest()[:16]
        self._tables[name] = table
        return alt.NamedData(name=name)

    def specification(self, chart: Any) -> Specification:  # noqa: ANN401
        """Return the specification of a chart with its data."""
        return {**chart.to_dict(validate=False), "datasets": self._tables}


def unchecked(function: Callable[P, Specification]) -> Callable[P, Specification]:
    """Return a function in which Altair does not check each object against its schema.

    Checks take seconds; the tests make them.
    """

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Specification:
        with debug_mode(False):
            return function(*args, **kwargs)

    return wrapped


def _rounded(value: object) -> object:
    return float(f"{value:.6g}") if isinstance(value, float) and abs(value) < 1e6 else value


def padded(values: Sequence[float], share: float = 0.06) -> Domain:
    """Return a domain that contains values, with space at both ends, also if they are equal."""
    low, high = min(values), max(values)
    space = share * (high - low) or share * abs(high) or 0.5
    return low - space, high + space


def estimate_domain(values: Sequence[float], ends: Sequence[float]) -> Domain:
    """Return a domain that contains values, and intervals up to half of their range beyond them.

    Args:
        values: The values.
        ends: The ends of their intervals.
    """
    low, high = min(values), max(values)
    space = (high - low) / 2 or abs(high) / 5
    return padded([*values, *(min(max(end, low - space), high + space) for end in ends)])


def scale_ends(domains: Mapping[str, Domain], selected: Filter | None) -> dict[str, Any]:
    """Return the ends of a scale, which follow the parameter of a filter.

    Args:
        domains: The ends by value of the parameter; one without a filter.
        selected: The filter.
    """
    if selected is None:
        (domain,) = domains.values()
        return {"domainMin": domain[0], "domainMax": domain[1]}
    return {
        name: alt.ExprRef(
            f"{json.dumps({group: domain[end] for group, domain in domains.items()})}"
            f"[{selected.name}]"
        )
        for end, name in enumerate(("domainMin", "domainMax"))
    }


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Return positions moved apart, in the same order, so that any two differ by a gap or more.

    Of all such positions these have the least sum of squared moves (isotonic regression by pooling
    adjacent violators: Barlow et al., 1972).
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    blocks: list[tuple[float, int]] = []  # Mean of the positions less their offsets, and size.
    for place, index in enumerate(order):
        mean, size = positions[index] - gap * place, 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    means = [mean for mean, size in blocks for _ in range(size)]
    moved = [0.0] * len(positions)
    for place, index in enumerate(order):
        moved[index] = means[place] + gap * place
    return moved


def clipped(row: Mapping[str, Any], left: float, right: float) -> dict[str, float]:
    """Return the ends of a row's bar within the domain."""
    low, high = (row["value"] if row.get(end) is None else row[end] for end in ("low", "high"))
    return {
        "start": min(max(low, left), right),
        "end": max(min(max(high, row["value"]), right), left),
    }


def minus(number: str) -> str:
    """Return a number with the sign that axes have: a minus, which is wider than a hyphen."""
    return number.replace("-", "\N{MINUS SIGN}")


def vertical_lines(marks: Mapping[float, str], x: Any, data: Data) -> Any:  # noqa: ANN401
    """Return dotted vertical lines with texts above them, by their positions."""
    rows = [{"value": position, "text": text} for position, text in marks.items()]
    base = alt.Chart(data.add(rows)).encode(x=x)
    line = base.mark_rule(color=MUTED, strokeDash=[3, 3])
    text = base.mark_text(color=SOFT, align="left", baseline="bottom", dx=3, y=-2)
    return alt.layer(line, text.encode(text="text:N"))


def padding(characters: float, top: int = 4) -> dict[str, int]:
    """Return the padding of a chart with labels at its right side."""
    return {"left": 0, "right": 12 + round(_CHARACTER * characters), "top": top, "bottom": 4}


def axis_on_top(**options: Any) -> Any:  # noqa: ANN401
    """Return a vertical axis whose title stands above it, to be read without turning."""
    return alt.Axis(
        **options, grid=True, tickCount=5, titleAngle=0, titleAlign="left", titleAnchor="end",
        titleX=0, titleY=-10, titleBaseline="bottom",
    )  # fmt: skip
