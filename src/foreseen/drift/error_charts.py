"""Charts of a backtest's report: realised and expected error over time, by policy and segment."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from foreseen.drift.answers import Document, result_of, shown_result
from foreseen.evaluation.segment_charts import SEGMENT, segment_key
from foreseen.evaluation.segment_errors import ALL
from foreseen.reports import chart_parts, charts, timelines
from foreseen.reports.page import Choice, Figure, Section

POLICY: Final = "policy"
COLOURS: Final = {
    "frozen": chart_parts.SERIES[5],
    "sliding": chart_parts.SERIES[4],
    "full": chart_parts.SERIES[2],
    "incremental": chart_parts.SERIES[1],
    "adaptive": chart_parts.SERIES[0],
}
_ACTIONS: Final = ("observed", "fine-tuned", "retrained")
MILLISECONDS: Final = 1000


def policy_choice(document: Document) -> Choice:
    """Return the list of policies, the one that the report is about first."""
    shown = shown_result(document)["policy"]
    names = [shown, *(name for name in policies_of(document) if name != shown)]
    return Choice(POLICY, "Policy", {"": {name: name for name in names}})


def action(window: Document) -> str:
    """Return what was done with the model before a window."""
    return _ACTIONS[2] if window["trained"] else _ACTIONS[1] if window["finetuned"] else _ACTIONS[0]


def error_section(document: Document, segments: pl.DataFrame) -> Section:
    """Return the error of every policy by window and over all windows."""
    policies = policies_of(document)
    colours = {name: COLOURS[name] for name in policies}
    windows = {
        (result["policy"], window["window"]): window
        for result in document["results"]
        for window in result["windows"]
    }
    rows: list[dict[str, Any]] = []
    for row in segments.drop_nulls("window").iter_rows(named=True):
        window = windows[row["policy"], row["window"]]
        # The interval of all ratings is that of the metrics.
        estimate = window["rmse"] if row["dimension"] == ALL else _estimate(row)
        rows.append(
            {
                "series": row["policy"],
                SEGMENT: segment_key(row),
                "x": window["begins"] * MILLISECONDS,
                **estimate,
                "symbol": action(window),
            }
        )
    overall = [
        {
            "name": row["policy"],
            SEGMENT: segment_key(row),
            **_overall_estimate(document, row),
        }
        for row in segments.filter(pl.col("window").is_null()).iter_rows(named=True)
    ]
    by_segment = chart_parts.Filter(SEGMENT, ALL)
    figures = [
        Figure(
            "RMSE by window",
            timelines.line_plot(
                rows,
                unit="RMSE",
                colours=colours,
                selected=by_segment,
                chosen=chart_parts.Filter(POLICY, shown_result(document)["policy"]),
                symbols=_ACTIONS,
                x_title="start of the window",
                height=320,
            ),
            "Bars: 95% intervals of the chosen policy; symbols: what was done before the window.",
        ),
        *_difference_figure(document, colours),
        Figure(
            "RMSE over all windows",
            charts.dot_plot(
                overall,
                unit="RMSE",
                domain=padded_estimates(row for row in overall if row[SEGMENT] == ALL),
                order=policies,
                colours=colours,
                selected=chart_parts.Filter(SEGMENT, ALL, ALL),
            ),
            "Grey ticks: all ratings.",
            columns=2,
        ),
    ]
    first = document["results"][0]
    return Section(
        "Error over time",
        f"{first['events']:,} ratings of {first['users']:,} users, each predicted before the model "
        "learns from it. Lower is better.",
        figures,
    )


def _difference_figure(document: Document, colours: Mapping[str, str]) -> list[Figure]:
    """Return the difference of the policies to full retraining, which frozen is too far from."""
    rows = [
        {
            "series": result["policy"],
            "x": window["begins"] * MILLISECONDS,
            **window["less_full"]["rmse"],
        }
        for result in document["results"]
        if "less_full" in result and result["policy"] != "frozen"
        for window in result["windows"]
    ]
    if not rows:
        return []
    names = {row["series"]: colours[row["series"]] for row in rows}
    chart = timelines.line_plot(
        rows,
        unit="RMSE less that of full retraining",
        colours=names,
        chosen=chart_parts.Filter(POLICY, shown_result(document)["policy"]),
        x_title="start of the window",
        height=240,
        decimals=4,
    )
    note = "All ratings, paired over users; bars: intervals of the chosen policy."
    return [Figure("Difference to full retraining", chart, note, columns=2)]


def expected_section(document: Document) -> Section:
    """Return the expected and the realised error by window of the chosen policy."""
    chosen = chart_parts.Filter(POLICY, shown_result(document)["policy"])
    lines: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for result in document["results"]:
        for window in result["windows"]:
            expected = {"value": window["expected"]["rmse"], "low": None, "high": None}
            for series, estimate in (("realised", window["rmse"]), ("expected", expected)):
                lines.append(
                    {
                        "series": series,
                        POLICY: result["policy"],
                        "x": window["begins"] * MILLISECONDS,
                        **estimate,
                    }
                )
            points.append(
                {
                    POLICY: result["policy"],
                    "x": window["expected"]["rmse"],
                    "value": window["rmse"]["value"],
                }
            )
    domains = {
        name: chart_parts.padded(
            [row[end] for row in points if row[POLICY] == name for end in ("x", "value")], 0.2
        )
        for name in policies_of(document)
    }
    figures = [
        Figure(
            "Expected before the ratings, and realised",
            timelines.line_plot(
                lines,
                unit="RMSE",
                colours={"realised": chart_parts.ACCENT, "expected": chart_parts.SERIES[5]},
                selected=chosen,
                x_title="start of the window",
                height=240,
            ),
            columns=2,
        ),
        Figure(
            "Calibration: one dot per window",
            charts.calibration_plot(
                points,
                unit="RMSE",
                domain=domains,
                height=240,
                is_line=False,
                selected=chosen,
            ),
            columns=2,
        ),
    ]
    return Section("Was the error expected?", _calibration_text(document), figures)


def _calibration_text(document: Document) -> str:
    result = shown_result(document)
    figures = result["expected_error"]
    if not figures:
        return "Of the policy chosen above."
    return (
        f"Of the policy chosen above. Under {result['policy']}, the mean absolute difference is "
        f"{figures['mae']:.3f} from the second window on; with the error of the window before as "
        f"the estimate it is {figures['last_window']['mae']:.3f}."
    )


def _estimate(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": row["rmse"], "low": row["rmse_low"], "high": row["rmse_high"]}


def _overall_estimate(document: Document, row: Mapping[str, Any]) -> dict[str, Any]:
    if row["dimension"] != ALL:
        return _estimate(row)
    return next(r["rmse"] for r in document["results"] if r["policy"] == row["policy"])


def policies_of(document: Document) -> list[str]:
    """Return the names of the policies that were run, in the order of the charts."""
    return [name for name in COLOURS if result_of(document, name) is not None]


def padded_estimates(rows: Any) -> chart_parts.Domain:  # noqa: ANN401
    """Return a domain that contains values and intervals."""
    ends = [row[end] for row in rows for end in ("value", "low", "high") if row[end] is not None]
    return chart_parts.padded(ends)
