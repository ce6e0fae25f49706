"""The report of an evaluation as a page: model comparison, calibration, errors by segment."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreseen.evaluation.results import criterion_label, setting_label, tied_note
from foreseen.html_report import PageTable, Picture, format_estimate, write_html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Summaries = Sequence[dict[str, Any]]


def write_evaluation_page(protocol: str, data: str, summaries: Summaries, out: Path) -> None:
    """Write the report of an evaluation as one HTML file.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    settings = list(dict.fromkeys(summary["setting"] for summary in summaries))
    pictures: list[Picture] = []
    for setting in settings:
        part = [summary for summary in summaries if summary["setting"] == setting]
        label = setting_label(setting)
        pictures.append((f"RMSE by model, {label}, 95 % interval", _draw_errors(part)))
        if any("calibration" in summary for summary in part):
            title = f"Calibration, {label}: mean rating by decile of the prediction"
            draw = _draw_calibration(part, "calibration", _range(part), "rating")
            pictures.append((title, draw))
            title = (
                f"Reliability, {label}: observed share of liked movies (four stars or more) "
                "by decile of the predicted probability"
            )
            pictures.append((title, _draw_calibration(part, "reliability", (0, 1), "share")))
    tables: list[PageTable] = [
        (
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
            tables.append((f"RMSE by {title}", header, rows))
    write_html(
        out,
        f"{protocol} on {data}",
        [
            f"{summaries[0]['events']:,} test ratings of {summaries[0]['users']:,} users"
            f"{tied_note(summaries[0])}. Intervals are 95 %, by bootstrap over users; deltas are "
            "paired, with the p-value of the paired t-test over users, adjusted for the number of "
            "models by the method of Holm."
        ],
        [],
        pictures,
        tables,
    )


def _range(summaries: Summaries) -> tuple[float, float]:
    """Return the lowest and the highest mean that calibrations have."""
    bins = [entry for summary in summaries for entry in summary.get("calibration", ())]
    means = [mean for entry in bins for mean in entry.values()]
    return min(means), max(means)


def _draw_errors(summaries: Summaries) -> "Callable[[Axes], None]":
    def draw(axes: "Axes") -> None:
        places = list(range(len(summaries)))
        errors = [summary["rmse"] for summary in summaries]
        values = [error["value"] for error in errors]
        below = [error["value"] - error["low"] for error in errors]
        above = [error["high"] - error["value"] for error in errors]
        axes.errorbar(values, places, xerr=[below, above], fmt="o", capsize=4, color="#004488")
        axes.set_yticks(places, [summary["model"] for summary in summaries])
        axes.set_xlabel("RMSE")
        axes.grid(alpha=0.3, axis="x")

    return draw


def _draw_calibration(
    summaries: Summaries, key: str, ends: tuple[float, float], unit: str
) -> "Callable[[Axes], None]":
    def draw(axes: "Axes") -> None:
        for summary in summaries:
            bins = summary.get(key, ())
            if bins:
                predicted = [entry["predicted"] for entry in bins]
                observed = [entry["given"] for entry in bins]
                axes.plot(predicted, observed, marker="o", label=summary["model"])
        axes.plot(ends, ends, color="black", linestyle=":")
        axes.set_xlabel(f"predicted ({unit})")
        axes.set_ylabel(f"observed ({unit})")
        axes.legend()
        axes.grid(alpha=0.3)

    return draw


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


def _rankings_table(summaries: Summaries) -> PageTable:
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
    return "Rankings of the whole catalogue", header, rows


def _p_value(comparison: dict[str, float] | None) -> str:
    return "" if comparison is None else f"{comparison['p_holm']:.2g}"
