"""What came of an evaluation: `metrics.json`, `activity.csv` for plots, a figure and a page."""

import csv
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.data.schema import LIKED
from foreseen.evaluation.html import write_evaluation_page
from foreseen.evaluation.metrics import (
    order_quality,
    paired_differences,
    plain,
    rating_errors,
)
from foreseen.evaluation.protocols import ACTIVITY, Answers
from foreseen.features.movie_statistics import LIKED_FROM

_TENTHS: Final = 10


def summarise(answers: Answers) -> dict[str, Any]:
    """Return the figures of one model under one setting, whole and in parts."""
    events = answers.events
    summary: dict[str, Any] = {
        "model": answers.model,
        "setting": answers.setting,
        "events": events.height,
        "users": events["userId"].n_unique(),
        **plain(rating_errors(events)),
        **plain(order_quality(events)),
    }
    inside = events.select(pl.col("rating").is_between(pl.col("low"), pl.col("high")).mean()).item()
    if "cell" in events.columns:
        summary["interval_coverage"] = float(inside)
        summary["calibration"] = _tenths(events, pl.col("prediction"), pl.col("rating"))
        given = (pl.col("rating") >= LIKED_FROM).cast(pl.Float64)
        summary["reliability"] = _tenths(events, pl.col(LIKED), given)
        summary["brier"] = float(events.select(((pl.col(LIKED) - given) ** 2).mean()).item())
        summary["cells"] = _parts(events, "cell", sorted(events["cell"].unique().to_list()))
        summary["activity"] = _parts(events, "activity", ACTIVITY)
    if answers.lists is not None:
        summary["lists"] = dict(answers.lists)
    return summary


def summarise_all(answers: Sequence[Answers]) -> list[dict[str, Any]]:
    """Return the figures of several models, each paired with the best of its setting.

    `less_best` has how much more each figure is than that of the model with the least RMSE.
    """
    summaries = [summarise(own) for own in answers]
    best: dict[str, int] = {}
    for number, summary in enumerate(summaries):
        leader = best.setdefault(summary["setting"], number)
        if summary["rmse"]["value"] < summaries[leader]["rmse"]["value"]:
            best[summary["setting"]] = number
    for number, summary in enumerate(summaries):
        leader = best[summary["setting"]]
        if number != leader:
            differences = paired_differences(answers[leader].events, answers[number].events)
            summary["less_best"] = plain(differences)
            summary["best"] = summaries[leader]["model"]
    return summaries


def _tenths(events: pl.DataFrame, foretold: pl.Expr, given: pl.Expr) -> list[dict[str, float]]:
    """Return the mean of what was foretold and of what was given, by tenths of the former."""
    pairs = events.select(predicted=foretold, given=given)
    ordered = pairs.sort("predicted", maintain_order=True)
    edges = np.linspace(0, ordered.height, _TENTHS + 1).astype(int)
    return [
        {name: float(mean) for name, mean in ordered[first:stop].mean().row(0, named=True).items()}
        for first, stop in pairwise(edges.tolist())
        if stop > first
    ]


def _parts(events: pl.DataFrame, column: str, names: Sequence[str]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for name in names:
        part = events.filter(pl.col(column) == name)
        if not part.is_empty():
            parts.append({column: name, "events": part.height, **plain(rating_errors(part))})
    return parts


def write_report(protocol: str, data: str, summaries: Sequence[dict[str, Any]], out: Path) -> None:
    """Write the figures of all models as JSON, as a table for plots and as a picture."""
    out.mkdir(parents=True, exist_ok=True)
    # DVC shows numbers that stand in dictionaries, and passes over lists.
    rmse: dict[str, dict[str, float]] = {}
    for summary in summaries:
        rmse.setdefault(summary["setting"], {})[summary["model"]] = summary["rmse"]["value"]
    document = {"protocol": protocol, "data": data, "rmse": rmse, "results": list(summaries)}
    with (out / "activity.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "setting", "activity", "events", "rmse", "low", "high"])
        for summary in summaries:
            for part in summary.get("activity", ()):
                error = part["rmse"]
                writer.writerow(
                    [
                        summary["model"],
                        summary["setting"],
                        part["activity"],
                        part["events"],
                        *(f"{error[key]:.6f}" for key in ("value", "low", "high")),
                    ]
                )
    draw_activity(summaries, out / "activity.png", protocol)
    write_evaluation_page(protocol, data, summaries, out / "report.html")
    (out / "metrics.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def draw_activity(summaries: Sequence[dict[str, Any]], file: Path, protocol: str) -> None:
    """Draw error against the number of the user's ratings known, one panel per setting."""
    from matplotlib.figure import Figure

    settings = list(dict.fromkeys(s["setting"] for s in summaries if "activity" in s))
    figure = Figure(figsize=(5.2 * max(len(settings), 1), 3.8), layout="constrained")
    panels = figure.subplots(1, max(len(settings), 1), sharey=True, squeeze=False)[0]
    drawn: list[float] = []
    for panel, setting in zip(panels, settings, strict=False):
        for summary in summaries:
            if summary["setting"] != setting or "activity" not in summary:
                continue
            parts = summary["activity"]
            places = [ACTIVITY.index(part["activity"]) for part in parts]
            values = [part["rmse"]["value"] for part in parts]
            drawn += values
            line = panel.plot(places, values, marker="o", label=summary["model"])[0]
            panel.fill_between(
                places,
                [part["rmse"]["low"] for part in parts],
                [part["rmse"]["high"] for part in parts],
                alpha=0.12,
                color=line.get_color(),
            )
        panel.set_title(f"{protocol}, {setting}")
        panel.set_xticks(range(len(ACTIVITY)), ACTIVITY)
        panel.set_xlabel("ratings of the user known when asked")
        panel.grid(alpha=0.3)
    if drawn:
        # Where few users fall into a bucket its interval is wide: let the lines set the scale.
        panels[0].set_ylim(min(drawn) - 0.1, max(drawn) + 0.15)
    panels[0].set_ylabel("RMSE (stars), 95 % interval over users")
    panels[0].legend()
    figure.savefig(file, dpi=130)
