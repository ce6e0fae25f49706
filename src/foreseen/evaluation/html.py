"""An evaluation as a page: models side by side, paired, by activity, and how well calibrated."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreseen.html_report import PageTable, Picture, format_estimate, write_html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Summaries = Sequence[dict[str, Any]]


def write_evaluation_page(protocol: str, data: str, summaries: Summaries, out: Path) -> None:
    """Write the report of an evaluation as one HTML file.

    Raises:
        InputError: If the libraries that draw are not installed.
    """
    settings = list(dict.fromkeys(summary["setting"] for summary in summaries))
    pictures: list[Picture] = []
    for setting in settings:
        own = [summary for summary in summaries if summary["setting"] == setting]
        pictures.append((f"Error by model, {setting}, 95 % interval", _errors(own)))
        if any("calibration" in summary for summary in own):
            title = f"Calibration, {setting}: mean rating against prediction, by tenths"
            pictures.append((title, _against(own, "calibration", (1, 5), "stars")))
            title = f"Reliability, {setting}: four stars or more, given against foretold"
            pictures.append((title, _against(own, "reliability", (0, 1), "share")))
    tables: list[PageTable] = [
        (
            "Models side by side",
            ["setting", "model", "RMSE", "RMSE per user", "NDCG@10", "in order", "coverage",
             "Brier", "less the best, RMSE", "less the best, NDCG@10"],
            [_row(summary) for summary in summaries],
        )
    ]  # fmt: skip
    for kind, title in (("activity", "ratings known"), ("cells", "cell")):
        key = "activity" if kind == "activity" else "cell"
        rows = [
            [summary["setting"], summary["model"], part[key], f"{part['events']:,}",
             format_estimate(part["rmse"])]
            for summary in summaries
            for part in summary.get(kind, ())
        ]  # fmt: skip
        if rows:
            header = ["setting", "model", title, "events", "RMSE"]
            tables.append((f"RMSE by {title}", header, rows))
    write_html(
        out,
        f"{protocol} on {data}",
        [
            f"{summaries[0]['events']:,} ratings of {summaries[0]['users']:,} users that no model "
            "was fitted to. Intervals are 95 %, by bootstrap over users; differences are paired."
        ],
        [],
        pictures,
        tables,
    )


def _errors(own: Summaries) -> "Callable[[Axes], None]":
    def draw(axes: "Axes") -> None:
        places = list(range(len(own)))
        values = [summary["rmse"]["value"] for summary in own]
        below = [summary["rmse"]["value"] - summary["rmse"]["low"] for summary in own]
        above = [summary["rmse"]["high"] - summary["rmse"]["value"] for summary in own]
        axes.errorbar(values, places, xerr=[below, above], fmt="o", capsize=4, color="#004488")
        axes.set_yticks(places, [summary["model"] for summary in own])
        axes.set_xlabel("RMSE (stars)")
        axes.grid(alpha=0.3, axis="x")

    return draw


def _against(
    own: Summaries, what: str, ends: tuple[float, float], unit: str
) -> "Callable[[Axes], None]":
    def draw(axes: "Axes") -> None:
        for summary in own:
            parts = summary.get(what, ())
            if parts:
                foretold = [part["predicted"] for part in parts]
                given = [part["given"] for part in parts]
                axes.plot(foretold, given, marker="o", label=summary["model"])
        axes.plot(ends, ends, color="black", linestyle=":")
        axes.set_xlabel(f"predicted ({unit})")
        axes.set_ylabel(f"given ({unit})")
        axes.legend()
        axes.grid(alpha=0.3)

    return draw


def _row(summary: dict[str, Any]) -> list[object]:
    coverage = summary.get("interval_coverage")
    less: dict[str, dict[str, float]] = summary.get("less_best", {})
    return [
        summary["setting"],
        summary["model"],
        *(
            format_estimate(summary.get(name))
            for name in ("rmse", "rmse_user", "ndcg10", "pairwise")
        ),
        "" if coverage is None else f"{coverage:.1%}",
        f"{summary['brier']:.3f}" if "brier" in summary else "",
        *(format_estimate(less.get(name)) for name in ("rmse", "ndcg10")),
    ]
