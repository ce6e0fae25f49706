"""Charts of a backtest's report: changes of the log, and what adaptation gained and cost."""

import re
from typing import Any, Final

from foreseen.drift.answers import Document, subject
from foreseen.drift.error_charts import COLOURS, MILLISECONDS, padded_estimates, policies_of
from foreseen.reports import chart_parts, charts, timelines
from foreseen.reports.page import Figure, Section

_RATED, _WATCHED = "how people rate", "what they watch"
_OF_WATCHING: Final = frozenset({"share", "catalogue"})
_MOST_CHANGES: Final = 25


def change_section(document: Document) -> Section:
    """Return the detected changes on the axis of time."""
    findings = sorted(document["findings"], key=lambda finding: finding["since"])
    shown = findings[-_MOST_CHANGES:]
    alarms = document["placebo"]["alarms"]
    text = (
        f"Shuffled logs, which have no drift, had {min(alarms)} to {max(alarms)} findings, "
        f"{document['placebo']['alarms_per_year']:.2f} per year."
    )
    for reason in document["not_monitored"]:
        text += f" Not monitored: {reason}."
    if not findings:
        return Section("What moved, and since when?", f"No change was detected. {text}")
    if len(shown) < len(findings):
        text = f"The newest {len(shown)} of {len(findings)} changes. {text}"
    start = document["results"][0]["windows"][0]["begins"] * MILLISECONDS
    chart = timelines.change_plot(
        [_change(finding) for finding in shown],
        kinds={_RATED: chart_parts.ACCENT, _WATCHED: chart_parts.SERIES[2]},
        marks={start: "backtest"},
    )
    note = (
        "Wide bar: interval in which the change lies, with a line at its most likely date; "
        "dot: detection."
    )
    return Section(
        "What moved, and since when?", text, [Figure("Detected changes of the log", chart, note)]
    )


def _change(finding: Document) -> dict[str, Any]:
    moments = ("earliest", "since", "latest", "found")
    levels = re.search(r" since \S+: (.+?) before, (.+?) after \(", finding["sentence"])
    ends = levels.groups() if levels else [f"{finding[end]:.3g}" for end in ("before", "after")]
    before, after = map(chart_parts.minus, ends)
    text = subject(finding)
    return {
        "text": f"{text}   {before} → {after}",
        "short": text,
        "before": before,
        "after": after,
        "kind": _WATCHED if finding["what"] in _OF_WATCHING else _RATED,
        **{moment: finding[moment] * MILLISECONDS for moment in moments},
    }


def adaptation_section(document: Document) -> Section | None:
    """Return the recovered share and the cost of every policy; None if nothing can be recovered."""
    results = document["results"]
    if not any("recovered" in result for result in results):
        return None
    ends = {"frozen": 0.0, "full": 1.0}
    recovered: list[dict[str, Any]] = [
        {"name": result["policy"], "low": None, "high": None}
        | result.get("recovered", {"value": ends.get(result["policy"])})
        for result in results
    ]
    cost: list[dict[str, Any]] = [
        {"name": result["policy"], "value": result["seconds_after_start"], "low": 0, "high": None}
        for result in results
    ]
    most = max(row["value"] for row in cost) or 1.0
    common: dict[str, Any] = {"order": policies_of(document), "colours": COLOURS}
    figures = [
        Figure(
            "Recovered share of the gain of full retraining",
            charts.dot_plot(
                recovered,
                unit="0: frozen, 1: full",
                domain=chart_parts.padded([0, 1, *(row["value"] for row in recovered)]),
                marks={0.95: "0.95"},
                **common,
            ),
            columns=2,
        ),
        Figure(
            "Cost after the start",
            charts.dot_plot(
                cost,
                unit="processor seconds",
                domain=(-0.02 * most, 1.05 * most),
                decimals=1,
                **common,
            ),
            columns=2,
        ),
    ]
    return Section("Did it help, and what did it cost?", "", figures)


def staleness_section(document: Document) -> Section | None:
    """Return the error by age of the model; None if it was not measured."""
    entries = document.get("staleness")
    if not entries:
        return None
    limit = 0.01 * entries[0]["rmse"]["value"]
    rows = [{"name": f"{entry['days']} days", **entry["difference"]} for entry in entries[1:]]
    if not rows:
        return None
    chart = charts.dot_plot(
        rows,
        unit="RMSE less that of the youngest model",
        domain=padded_estimates([*rows, {"value": limit, "low": 0.0, "high": None}]),
        decimals=4,
        colours={row["name"]: chart_parts.ACCENT for row in rows},
        marks={0: "no difference", limit: "1%"},
    )
    text = "All models have observed every rating since; only their training is old."
    return Section(
        "How fast does the model age?",
        text,
        [Figure("Difference on the last tenth of the log, by the age of the training", chart)],
    )
