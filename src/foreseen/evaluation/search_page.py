"""The report of a search for settings: what was tried, what was best, and is it certain."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from foreseen.evaluation.settings_paths import value_at
from foreseen.models.spec import SearchRange
from foreseen.reports.page import (
    Figure,
    Page,
    Provenance,
    Section,
    Table,
    Tile,
    format_estimate,
    write_page,
)

Document = Mapping[str, Any]
_METRICS: Final = ("rmse", "rmse_user", "ndcg10", "pairwise")
_SHOWN: Final = 10
"""Number of the best trials that are compared with the default settings."""
_LEAST_RANGE: Final = 0.005
"""Range of the axis of errors, as a share of the lowest: smaller differences look small."""
_EDGE: Final = 0.05
"""Share of a range from its ends within which a value lies at its edge."""
_UNFINISHED: Final = 0.75
"""Share of the trials from which the best of them suggests that a longer search may help."""


def write_search_page(
    document: Document, ranges: Sequence[SearchRange], provenance: Provenance, out: Path
) -> None:
    """Write the report of a search as one HTML file.

    Args:
        document: See `foreseen.evaluation.tuning.tune`.
        ranges: The search space.
        provenance: What the report is of.
        out: The file.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    page = Page(
        "tuning",
        f"Search for settings: {document['model']} on {document['data']}",
        _answer(document),
        _tiles(document, ranges),
        [
            _trial_section(document),
            *_comparison_sections(document),
            _parameter_section(document, ranges),
            Section("All numbers", _method(document), tables=_tables(document, ranges)),
        ],
        provenance,
    )
    write_page(out, page)


def _best(document: Document) -> Document:
    return document["trials"][document["best"]]


def _answer(document: Document) -> str:
    best, count = _best(document), len(document["trials"])
    if len({trial["figures"]["rmse"] for trial in document["trials"]}) == 1 < count:
        return f"All {count} trials have the same error: no setting that was varied changes it."
    if best["number"] == 0:
        return f"None of {count} trials has a lower error than the default settings."
    difference = document["trials"][0]["figures"]["rmse"] - best["figures"]["rmse"]
    text = (
        f"The best of {count} trials has an RMSE of {best['figures']['rmse']:.3f}, "
        f"{difference:.4f} below the default settings"
    )
    if best["less_default"] is None:
        return f"{text}."
    significant = "" if best["less_default"]["rmse"]["high"] < 0 else "not "
    return f"{text}; the difference is {significant}significant."


def _tiles(document: Document, ranges: Sequence[SearchRange]) -> list[Tile]:
    trials, best = document["trials"], _best(document)
    is_default = best["number"] == 0
    name = "the default settings" if is_default else f"trial {best['number']}"
    interval = f"; {best['rmse']['low']:.3f} to {best['rmse']['high']:.3f}" if best["rmse"] else ""
    tiles = [Tile("Lowest RMSE", f"{best['figures']['rmse']:.3f}", f"{name}{interval}")]
    if best["less_default"] is not None and not is_default:
        gain = best["less_default"]["rmse"]
        tiles.append(
            Tile(
                "Gain over the defaults",
                f"{-gain['value']:.4f}",
                f"{-gain['high']:.4f} to {-gain['low']:.4f}, paired over users",
                "good" if gain["high"] < 0 else "fair",
            )
        )
    seconds = float(np.median([trial["seconds"] for trial in trials]))
    note = f"{seconds:,.1f} s each, median"
    if is_default:
        return [*tiles, Tile("Trials", f"{len(trials)}", note)]
    note += f"; the last improvement was trial {best['number']}"
    is_late = best["number"] >= _UNFINISHED * (len(trials) - 1)
    edges = [part.paths[0] for part in ranges if _is_at_edge(part, _value(document, best, part))]
    return [
        *tiles,
        Tile(
            "Trials",
            f"{len(trials)}",
            f"{note}: a longer search may help" if is_late else note,
            "fair" if is_late else "good",
        ),
        Tile(
            "Values at the edge of their range",
            f"{len(edges)} of {len(ranges)}",
            f"{', '.join(edges)}: a wider range may help" if edges else "of the best trial",
            "fair" if edges else "good",
        ),
    ]


def _is_at_edge(part: SearchRange, value: float) -> bool:
    ends = [part.low, part.high, value]
    low, high, at = np.log(ends) if part.log else ends
    return not _EDGE <= (at - low) / (high - low) <= 1 - _EDGE


def _value(document: Document, trial: Document, part: SearchRange) -> float:
    """Return the value of a parameter in a trial."""
    settings = {**document["defaults"], **trial["settings"]}
    return cast("float", value_at(settings, part.paths[0]))


def _kind(document: Document, trial: Document) -> str:
    from foreseen.reports.searches import BEST, DEFAULTS, OTHER

    number = trial["number"]
    return BEST if number == document["best"] else OTHER if number else DEFAULTS


def _rows(document: Document) -> list[dict[str, Any]]:
    errors = [trial["figures"]["rmse"] for trial in document["trials"]]
    lowest = np.minimum.accumulate(errors)
    return [
        {
            "trial": trial["number"],
            "x": trial["number"],
            "value": error,
            "lowest": float(low),
            "kind": _kind(document, trial),
        }
        for trial, error, low in zip(document["trials"], errors, lowest, strict=True)
    ]


def _domain(document: Document) -> tuple[float, float]:
    """Return the ends of the axis of errors, which the largest ones may exceed."""
    from foreseen.reports.chart_parts import padded

    errors = np.array([trial["figures"]["rmse"] for trial in document["trials"]])
    low, middle = float(errors.min()), float(np.median(errors))
    far = max(low + 4 * (middle - low), float(errors[0]), low * (1 + _LEAST_RANGE))
    return padded([low, far], 0.12)


def _trial_section(document: Document) -> Section:
    from foreseen.reports.searches import trial_plot

    domain = _domain(document)
    rows = _rows(document)
    note = "Line: the lowest error so far."
    if any(row["value"] > domain[1] for row in rows):
        note += " Errors above the axis are drawn at its end."
    figure = Figure("RMSE by trial", trial_plot(rows, unit="RMSE", domain=domain), note)
    return Section("What was tried", "Lower is better.", [figure])


def _comparison_sections(document: Document) -> list[Section]:
    """Return the best trials compared with the default settings; none if they were not recorded."""
    from foreseen.reports import chart_parts, charts

    compared = [
        trial
        for trial in sorted(document["trials"], key=lambda trial: trial["figures"]["rmse"])
        if trial["number"] and trial["less_default"] is not None
    ][:_SHOWN]
    if not compared:
        return []
    rows: list[dict[str, Any]] = [
        {"name": f"trial {trial['number']}", **trial["less_default"]["rmse"]} for trial in compared
    ]
    ends = [0.0, *(row[end] for row in rows for end in ("value", "low", "high"))]
    chart = charts.dot_plot(
        rows,
        unit="RMSE less that of the default settings",
        domain=chart_parts.padded(ends),
        decimals=4,
        colours={row["name"]: chart_parts.ACCENT for row in rows[:1]},
        marks={0: "defaults"},
    )
    return [
        Section(
            "Is the best certain?",
            "Bars are 95% intervals, paired over users. The lowest of many errors on the same "
            "users is too low by chance: measure the settings on other ratings, with foreseen "
            "evaluate --settings best.yaml.",
            [Figure("The best trials and the default settings", chart)],
        )
    ]


def _parameter_section(document: Document, ranges: Sequence[SearchRange]) -> Section:
    from foreseen.reports.searches import parameter_plot

    domain = _domain(document)
    figures = [
        Figure(
            ", ".join(part.paths),
            parameter_plot(
                [
                    {**row, "x": _value(document, trial, part)}
                    for row, trial in zip(_rows(document), document["trials"], strict=True)
                ],
                unit="RMSE",
                domain=domain,
                ends=(part.low, part.high),
                is_log=part.log,
            ),
            columns=3 if len(ranges) > 2 else 2 if len(ranges) == 2 else 1,
        )
        for part in ranges
    ]
    return Section(
        "Which settings matter?", "The error of every trial by each setting that varies.", figures
    )


def _method(document: Document) -> str:
    return (
        f"Errors are those of the {document['measured']}; the first trial has the default "
        "settings, the others are drawn by the TPE sampler (Akiba et al., 2019), seed "
        f"{document['seed']}."
    )


def _tables(document: Document, ranges: Sequence[SearchRange]) -> list[Table]:
    best = _best(document)
    ordered = sorted(document["trials"], key=lambda trial: trial["figures"]["rmse"])
    return [
        Table(
            "Settings of the best trial",
            ["setting", "default", "best", "range"],
            [
                [
                    ", ".join(part.paths),
                    f"{_value(document, document['trials'][0], part):.4g}",
                    f"{_value(document, best, part):.4g}",
                    f"{part.low:g} to {part.high:g}{', logarithmic' if part.log else ''}",
                ]
                for part in ranges
            ],
        ),
        Table(
            "Trials, the best first",
            ["trial", "RMSE", "RMSE, delta to the defaults", "RMSE per user", "NDCG@10",
             "pairwise accuracy", "seconds", *(part.paths[0] for part in ranges)],
            [
                [
                    trial["number"],
                    format_estimate(trial["rmse"]) or f"{trial['figures']['rmse']:.4f}",
                    format_estimate(trial["less_default"] and trial["less_default"]["rmse"]),
                    *(
                        f"{trial['figures'][name]:.4f}" if name in trial["figures"] else ""
                        for name in _METRICS[1:]
                    ),
                    f"{trial['seconds']:.1f}",
                    *(f"{_value(document, trial, part):.4g}" for part in ranges),
                ]
                for trial in ordered
            ],
        ),
    ]  # fmt: skip
