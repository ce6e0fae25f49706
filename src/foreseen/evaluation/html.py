"""The report of an evaluation as a page: verdict, errors by segment, calibration, rankings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from foreseen.evaluation.evaluator import GLOBAL_MEAN
from foreseen.evaluation.results import (
    LIVE,
    POPULARITY,
    criterion_label,
    setting_label,
    tied_note,
)
from foreseen.reports.page import (
    Page,
    Provenance,
    Section,
    Table,
    Tile,
    Verdict,
    format_estimate,
    write_page,
)

Summaries = Sequence[dict[str, Any]]


def write_evaluation_page(
    protocol: str,
    summaries: Summaries,
    segments: pl.DataFrame | None,
    provenance: Provenance,
    out: Path,
) -> None:
    """Write the report of an evaluation as one HTML file.

    Args:
        protocol: Name of the protocol.
        summaries: See `foreseen.evaluation.report.summarise_all`.
        segments: See `foreseen.evaluation.segment_errors`; None for a report without segments.
        provenance: What the report is of.
        out: The file.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    from foreseen.evaluation import page_charts, segment_charts

    setting = _main_setting(summaries)
    ordered = sorted(
        (s for s in summaries if s["setting"] == setting), key=lambda s: s["rmse"]["value"]
    )
    best = ordered[0]["model"]
    settings = list(dict.fromkeys(summary["setting"] for summary in summaries))
    settings.sort(key=lambda name: name != setting)
    sections = [page_charts.error_section(summaries, segments, settings)]
    choices = ()
    if segments is not None:
        of_best = segments.filter(pl.col("model") == best, pl.col("setting") == setting)
        choices = (segment_charts.segment_choice(of_best),)
        sections += [
            page_charts.bias_section(segments, summaries, setting),
            page_charts.segment_section(of_best, best, setting),
        ]
    sections += page_charts.calibration_sections(summaries, setting)
    rankings = page_charts.ranking_section(summaries, setting)
    sections += [rankings] if rankings else []
    sections.append(Section("All numbers", _method(summaries), tables=_tables(summaries)))
    page = Page(
        "evaluation",
        f"Evaluation of models, protocol {protocol}, on {provenance.data.split(',')[0]}",
        _answer(ordered, setting),
        _tiles(ordered, setting),
        sections,
        provenance,
        choices,
    )
    write_page(out, page)


def _main_setting(summaries: Summaries) -> str:
    """Return the setting with the most ratings, `LIVE` among equals, else the first."""
    return max(summaries, key=lambda s: (s["events"], s["setting"] == LIVE))["setting"]


def _answer(ordered: Summaries, setting: str) -> str:
    """Return which model is best, by how much, compared with no model and with the next."""
    best = ordered[0]
    models = [summary["model"] for summary in ordered if summary["model"] != GLOBAL_MEAN]
    if best["model"] == GLOBAL_MEAN:
        return (
            f"No model has a lower error than the mean of all ratings ({setting_label(setting)})."
        )
    reference = next((s for s in ordered if s["model"] == GLOBAL_MEAN), None)
    text = f"{best['model']} predicts with an RMSE of {best['rmse']['value']:.3f}"
    if reference is not None:
        share = 1 - best["rmse"]["value"] / reference["rmse"]["value"]
        text += f", {share:.0%} below the mean of all ratings"
    if len(models) == 1:
        return f"{text}."
    lead = next(s for s in ordered[1:] if s["model"] != GLOBAL_MEAN)
    difference = lead["less_best"]["rmse"]
    return (
        f"{text}, and {difference['value']:.3f} below {lead['model']}, the next of {len(models)} "
        f"models; the difference is {'' if difference['low'] > 0 else 'not '}significant."
    )


def _tiles(ordered: Summaries, setting: str) -> list[Tile]:
    best, label = ordered[0], setting_label(setting)
    tiles = [
        Tile(
            f"RMSE of {best['model']}, {label}",
            f"{best['rmse']['value']:.3f}",
            f"{best['rmse']['low']:.3f} to {best['rmse']['high']:.3f}",
            _verdict_on_reference(ordered),
        )
    ]
    if len(ordered) > 1:
        second = ordered[1]
        lead = second["less_best"]["rmse"]
        tiles.append(
            Tile(
                f"Lead over {second['model']}",
                f"{lead['value']:.3f}",
                f"{lead['low']:.3f} to {lead['high']:.3f}, paired over users",
                "good" if lead["low"] > 0 else "fair",
            )
        )
    if "interval_coverage" in best:
        inside = best["interval_coverage"]
        tiles.append(
            Tile(
                "Ratings inside the intervals",
                f"{inside:.1%}",
                "80% intended",
                _graded(abs(inside - 0.8), 0.03, 0.08),
            )
        )
    if best.get("reliability"):
        given = [entry["given"] for entry in best["reliability"]]
        share = sum(given) / len(given)
        skill = 1 - best["brier"] / (share * (1 - share)) if 0 < share < 1 else 0.0
        tiles.append(
            Tile(
                "Brier score of liking",
                f"{best['brier']:.3f}",
                f"{skill:.0%} below a constant probability",
                _graded(-skill, -0.05, 0.0),
            )
        )
    tiles += _ranking_tile(ordered)
    tiles.append(
        Tile("Test ratings", f"{best['events']:,}", f"of {best['users']:,} users{tied_note(best)}")
    )
    return tiles


def _verdict_on_reference(ordered: Summaries) -> Verdict:
    """Return whether the best model has a significantly lower error than no model."""
    if ordered[0]["model"] == GLOBAL_MEAN:
        return "poor"
    lead = [s["less_best"]["rmse"]["low"] for s in ordered if s["model"] == GLOBAL_MEAN]
    return "good" if lead and lead[0] > 0 else "fair"


def _ranking_tile(ordered: Summaries) -> list[Tile]:
    """Return the best ranking of any model, compared with ranking by popularity."""
    found = [
        (metrics["ndcg10"], summary["model"], by)
        for summary in ordered
        for by, metrics in summary.get("lists", {}).items()
        if by != POPULARITY and "ndcg10" in metrics
    ]
    if not found:
        return []
    estimate, model, by = max(found, key=lambda entry: entry[0]["value"])
    popular = [
        s["lists"][POPULARITY]["ndcg10"]["value"]
        for s in ordered
        if POPULARITY in s.get("lists", {})
    ]
    note, verdict = f"{model}, by {criterion_label(by)}", ""
    if popular:
        note += f"; by popularity {popular[0]:.3f}"
        verdict = _graded(popular[0], estimate["low"], estimate["value"])
    return [Tile("NDCG@10 of rankings", f"{estimate['value']:.3f}", note, verdict)]


def _graded(value: float, good: float, fair: float) -> Verdict:
    """Return `good` up to a first limit, `fair` up to a second, else `poor`."""
    return "good" if value <= good else "fair" if value <= fair else "poor"


def _method(summaries: Summaries) -> str:
    return (
        f"{summaries[0]['events']:,} test ratings of {summaries[0]['users']:,} users"
        f"{tied_note(summaries[0])}. Intervals are 95%, by bootstrap over users, in segments by "
        "linearisation; deltas are paired, with the p-value of the paired t-test over users, "
        "adjusted for the number of models by the method of Holm."
    )


def _tables(summaries: Summaries) -> list[Table]:
    tables = [
        Table(
            "Model comparison",
            ["setting", "model", "RMSE", "RMSE per user", "NDCG@10", "pairwise accuracy",
             "interval coverage", "Brier score", "RMSE, delta to best", "RMSE per user, p",
             "NDCG@10, delta to best", "NDCG@10, p"],
            [_row(summary) for summary in summaries],
        )
    ]  # fmt: skip
    if any(summary.get("lists") for summary in summaries):
        tables.append(_rankings_table(summaries))
    for key, column, title in (
        ("activity", "activity", "known ratings of the user"),
        ("cells", "cell", "user and movie"),
    ):
        rows = [
            [setting_label(summary["setting"]), summary["model"], part[column],
             f"{part['events']:,}", format_estimate(part["rmse"])]
            for summary in summaries
            for part in summary.get(key, ())
        ]  # fmt: skip
        if rows:
            header = ["setting", "model", title, "events", "RMSE"]
            tables.append(Table(f"RMSE by {title}", header, rows))
    return tables


def _row(summary: dict[str, Any]) -> list[object]:
    coverage = summary.get("interval_coverage")
    to_best: dict[str, dict[str, float]] = summary.get("less_best", {})
    return [
        setting_label(summary["setting"]),
        summary["model"],
        *(
            format_estimate(summary.get(name))
            for name in ("rmse", "rmse_user", "ndcg10", "pairwise")
        ),
        "" if coverage is None else f"{coverage:.1%}",
        f"{summary['brier']:.3f}" if "brier" in summary else "",
        format_estimate(to_best.get("rmse")),
        _p_value(to_best.get("rmse_user")),
        format_estimate(to_best.get("ndcg10")),
        _p_value(to_best.get("ndcg10")),
    ]


def _rankings_table(summaries: Summaries) -> Table:
    header = [
        "setting", "model", "by", "NDCG@10", "debiased NDCG@10", "Recall@20", "HR@10, next movie",
        "coverage", "NDCG@10, delta to best", "NDCG@10, p",
    ]  # fmt: skip
    rows: list[list[object]] = []
    for summary in summaries:
        for by, metrics in summary.get("lists", {}).items():
            to_best = metrics.get("less_best", {}).get("ndcg10")
            names = ("ndcg10", "ndcg10_debiased", "recall20", "next_hit10")
            rows.append(
                [
                    setting_label(summary["setting"]),
                    summary["model"],
                    criterion_label(by),
                    *(format_estimate(metrics.get(name)) for name in names),
                    f"{metrics['coverage']:.1%}",
                    format_estimate(to_best),
                    _p_value(to_best),
                ]
            )
    return Table("Rankings of the whole catalogue", header, rows)


def _p_value(comparison: dict[str, float] | None) -> str:
    return "" if comparison is None else f"{comparison['p_holm']:.2g}"
