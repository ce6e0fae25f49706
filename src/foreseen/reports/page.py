"""Report pages: an answer, tiles, charts that can be filtered, and tables, in one HTML file.

Charts are Vega-Lite specifications, made with Altair; the library that draws them is part of the
page, which therefore loads nothing. Equal reports are equal to the byte: a page does not contain
the date it was written on, and a browser shows the date of the file instead.
"""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from foreseen.errors import InputError
from foreseen.files import write_text

if TYPE_CHECKING:
    from jinja2 import Template

Kind = Literal["data", "evaluation", "tuning", "drift"]
Verdict = Literal["good", "fair", "poor", ""]
_WEB: Final = Path(__file__).parent / "web"
_LIBRARIES: Final = ("vega", "vega-lite")
"""Stored compressed in `web/`, in the order in which they are loaded."""


@dataclass(frozen=True)
class Tile:
    """One number of a report and what it is compared with.

    Attributes:
        label: What was measured.
        value: The number, as text.
        note: The interval and the comparison.
        verdict: `good`, `fair` or `poor`; empty for a number without a judgement.
    """

    label: str
    value: str
    note: str = ""
    verdict: Verdict = ""


@dataclass(frozen=True)
class Figure:
    """A chart with its title.

    Attributes:
        title: What the chart shows; also its name for screen readers.
        chart: A Vega-Lite specification; see `foreseen.reports.charts`.
        note: How to read it.
        columns: Number of figures beside each other on wide screens: 1, 2 or 3.
    """

    title: str
    chart: Mapping[str, Any]
    note: str = ""
    columns: Literal[1, 2, 3] = 1


@dataclass(frozen=True)
class Table:
    """A table, folded until it is opened."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Section:
    """A heading with text, figures and tables."""

    title: str
    text: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Choice:
    """A list to choose from, which sets the Vega parameter of its name in all charts that have it.

    Attributes:
        name: Name of the parameter.
        label: Label of the list.
        groups: The values and their texts, by group; the group `""` has no heading. The first
            value is selected.
    """

    name: str
    label: str
    groups: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Provenance:
    """What a report was made of.

    Attributes:
        data: Name, size and dates of the data.
        command: The command line; None if the report was written from Python.
    """

    data: str
    command: str | None = None


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
        kind: Its place in a list of reports.
        title: What was measured, on which data.
        answer: One or two sentences: is it good, and compared with what?
        tiles: The numbers that support the answer.
        sections: Charts and tables.
        provenance: What it was made of.
        choices: Lists that filter the charts.
    """

    kind: Kind
    title: str
    answer: str
    tiles: Sequence[Tile]
    sections: Sequence[Section]
    provenance: Provenance
    choices: Sequence[Choice] = field(default_factory=tuple[Choice, ...])


def write_page(out: Path, page: Page) -> None:
    """Write a report.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    charts, datasets = _charts(page)
    text = template("report.html").render(
        page=page,
        version=version("foreseen"),
        summary=_script_json(summary(page)),
        charts=_script_json({"charts": charts, "datasets": datasets}),
        libraries=[_library(name) for name in _LIBRARIES] if charts else [],
    )
    write_text(out, text)


def summary(page: Page) -> dict[str, Any]:
    """Return what a list of reports shows of a page; see `foreseen.reports.index`."""
    return {
        "kind": page.kind,
        "title": page.title,
        "answer": page.answer,
        "tiles": [vars(tile) for tile in page.tiles],
    }


def template(name: str) -> "Template":
    """Return a template of the folder `web`; it escapes what it is given.

    Raises:
        InputError: If Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise missing_library(error) from error
    environment = Environment(
        loader=FileSystemLoader(_WEB),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def missing_library(error: ImportError) -> InputError:
    """Return the error of a library for reports that is not installed."""
    return InputError(
        f"{error.name} is needed for reports; install it: pip install 'foreseen[report]'"
    )


def format_estimate(estimate: Mapping[str, float] | None, decimals: int = 4) -> str:
    """Return an estimate with its interval as text, empty for None.

    Args:
        estimate: `value`, and the interval's ends `low` and `high`.
        decimals: Number of decimals.
    """
    if estimate is None:
        return ""
    value, low, high = (f"{estimate[key]:.{decimals}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _charts(page: Page) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the specifications of a page's charts by their ids, and the data that they share."""
    charts: dict[str, Any] = {}
    datasets: dict[str, Any] = {}
    figures = [figure for section in page.sections for figure in section.figures]
    for number, figure in enumerate(figures, start=1):
        specification = dict(figure.chart)
        datasets |= specification.pop("datasets", {})
        for unused in ("$schema", "config"):
            specification.pop(unused, None)
        charts[f"chart-{number}"] = specification
    return charts, datasets


def _script_json(document: object) -> str:
    """Return JSON for a script element: what could end the element is escaped."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda match: f"\\u{ord(match.group()):04x}", text)


def _library(name: str) -> str:
    return gzip.decompress((_WEB / f"{name}.min.js.gz").read_bytes()).decode()
