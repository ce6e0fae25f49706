"""The charts of an evaluation's report: errors by model and segment, calibration, rankings."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from foreseen.evaluation.evaluator import GLOBAL_MEAN
from foreseen.evaluation.results import POPULARITY, criterion_label, setting_label
from foreseen.evaluation.segment_charts import (
    SEGMENT,
    SEGMENTS_NOTE,
    segment_figures,
    segment_key,
)
from foreseen.evaluation.segment_errors import ALL
from foreseen.reports import chart_parts, charts
from foreseen.reports.page import Figure, Section

Summaries = Sequence[dict[str, Any]]
_NOMINAL: Final = 0.8
"""The share of ratings that prediction intervals are made for."""
_BIN: Final = ("predicted", "given")


def error_section(
    summaries: Summaries, segments: pl.DataFrame | None, settings: Sequence[str]
) -> Section:
    """Return the error of every model, one chart per setting, on one scale."""
    rows = _error_rows(summaries, segments)
    values = [row["value"] for row in rows if row["events"] >= 50 or row[SEGMENT] == ALL]
    ends = [row[end] for row in rows if row[SEGMENT] == ALL for end in ("low", "high")]
    domain = chart_parts.padded([*values, *ends], 0.03)
    figures: list[Figure] = []
    for setting in settings:
        part = [
            {name: value for name, value in row.items() if name != "setting"}
            for row in rows
            if row["setting"] == setting
        ]
        chart = charts.dot_plot(
            part,
            unit="RMSE",
            domain=domain,
            order=_models(summaries, setting),
            colours={_models(summaries, setting)[0]: chart_parts.ACCENT},
            selected=_filter(segments),
        )
        figures.append(Figure(f"RMSE, {setting_label(setting)}", chart, columns=_columns(settings)))
    text = "Lower is better. Bars are 95% intervals over users."
    if segments is not None:
        text += " Grey ticks are all ratings, for comparison with the chosen segment."
    return Section("Error by model", text, figures)


def bias_section(segments: pl.DataFrame, summaries: Summaries, setting: str) -> Section:
    """Return mean error and interval coverage of every model under one setting."""
    order = [name for name in _models(summaries, setting) if name != GLOBAL_MEAN]
    part = segments.filter((pl.col("setting") == setting) & pl.col("model").is_in(order))
    bias: list[dict[str, Any]] = [
        {
            "name": row["model"],
            SEGMENT: segment_key(row),
            "value": row["bias"],
            "low": row["bias_low"],
            "high": row["bias_high"],
        }
        for row in part.iter_rows(named=True)
    ]
    covered: list[dict[str, Any]] = [
        {
            "name": row["model"],
            SEGMENT: segment_key(row),
            "value": row["covered"],
            "low": None,
            "high": None,
        }
        for row in part.iter_rows(named=True)
    ]
    wide = 1.15 * max(abs(float(row["value"])) for row in bias) or 0.5
    colours = {order[0]: chart_parts.ACCENT}
    return Section(
        f"Too high or too low? ({setting_label(setting)})",
        "",
        [
            Figure(
                "Mean of prediction less rating",
                charts.dot_plot(
                    bias,
                    unit="too low ← → too high",
                    domain=(-wide, wide),
                    order=order,
                    colours=colours,
                    marks={0: "unbiased"},
                    selected=_filter(segments),
                ),
                columns=2,
            ),
            Figure(
                "Share of ratings inside the 80% prediction intervals",
                charts.dot_plot(
                    covered,
                    unit="share",
                    domain=chart_parts.padded([r["value"] for r in covered] + [_NOMINAL]),
                    order=order,
                    colours=colours,
                    marks={_NOMINAL: "intended"},
                    selected=_filter(segments),
                ),
                columns=2,
            ),
        ],
    )


def segment_section(segments: pl.DataFrame, model: str, setting: str) -> Section:
    """Return the error of one model under one setting in all segments.

    Args:
        segments: The errors of that model under that setting.
        model: Name of the model.
        setting: Name of the setting.
    """
    return Section(
        f"Where the error of {model} lies ({setting_label(setting)})",
        SEGMENTS_NOTE,
        segment_figures(segments),
    )


def calibration_sections(summaries: Summaries, setting: str) -> list[Section]:
    """Return calibration and reliability, one chart per model, on one scale."""
    part = [
        summary
        for name in _models(summaries, setting)
        for summary in summaries
        if summary["setting"] == setting and summary["model"] == name
    ]
    sections: list[Section] = []
    for key, title, text, unit in (
        (
            "calibration",
            "Are predictions right on average?",
            "Mean rating by decile of the prediction. On the diagonal they are equal.",
            "rating",
        ),
        (
            "reliability",
            "Are probabilities of liking right?",
            "Share of movies rated four stars or more, by decile of the predicted probability.",
            "share",
        ),
    ):
        shown = [summary for summary in part if summary.get(key)]
        if not shown:
            continue
        ends = [entry[end] for summary in shown for entry in summary[key] for end in _BIN]
        domain = (0.0, 1.0) if key == "reliability" else chart_parts.padded(ends)
        figures = [
            Figure(
                summary["model"],
                charts.calibration_plot(
                    [{"x": entry["predicted"], "value": entry["given"]} for entry in summary[key]],
                    unit=unit,
                    domain=domain,
                ),
                columns=2 if len(shown) in {2, 4} else 3,
            )
            for summary in shown
        ]
        sections.append(Section(title, text, figures))
    return sections


def ranking_section(summaries: Summaries, setting: str) -> Section | None:
    """Return the NDCG@10 of rankings by model, one chart per criterion; None without rankings."""
    by_criterion: dict[str, list[dict[str, Any]]] = {}
    for summary in summaries:
        if summary["setting"] == setting:
            for criterion, metrics in summary.get("lists", {}).items():
                if "ndcg10" in metrics:
                    row = {"name": summary["model"], **metrics["ndcg10"]}
                    by_criterion.setdefault(criterion, []).append(row)
    reference = by_criterion.pop(POPULARITY, [])
    if not by_criterion:
        return None
    rows = [row for part in [*by_criterion.values(), reference] for row in part]
    domain = (0.0, 1.05 * max(row["high"] for row in rows))
    marks = {row["value"]: "popularity" for row in reference}
    figures = [
        Figure(
            f"Ranked by {criterion_label(criterion)}",
            charts.dot_plot(
                sorted(part, key=lambda row: -row["value"]),
                unit="NDCG@10",
                domain=domain,
                marks=marks,
                colours={max(part, key=lambda row: row["value"])["name"]: chart_parts.ACCENT},
            ),
            columns=_columns(list(by_criterion)),
        )
        for criterion, part in by_criterion.items()
    ]
    return Section(
        f"Rankings of the whole catalogue ({setting_label(setting)})",
        "Higher is better. The dotted line ranks by the popularity of seven days, without a model.",
        figures,
    )


def _error_rows(summaries: Summaries, segments: pl.DataFrame | None) -> list[dict[str, Any]]:
    rows = [
        {
            "name": summary["model"],
            "setting": summary["setting"],
            SEGMENT: ALL,
            "events": summary["events"],
            **summary["rmse"],
        }
        for summary in summaries
    ]
    if segments is not None:
        rows += [
            {
                "name": row["model"],
                "setting": row["setting"],
                SEGMENT: segment_key(row),
                "events": row["events"],
                "value": row["rmse"],
                "low": row["rmse_low"],
                "high": row["rmse_high"],
            }
            for row in segments.filter(pl.col("dimension") != ALL).iter_rows(named=True)
        ]
    return rows


def _filter(segments: pl.DataFrame | None) -> chart_parts.Filter | None:
    return None if segments is None else chart_parts.Filter(SEGMENT, ALL, ALL)


def _models(summaries: Summaries, setting: str) -> list[str]:
    """Return the models of a setting by their error, lowest first."""
    part = [summary for summary in summaries if summary["setting"] == setting]
    return [s["model"] for s in sorted(part, key=lambda s: s["rmse"]["value"])]


def _columns(parts: Sequence[str]) -> Any:  # noqa: ANN401
    return min(len(parts), 3)
