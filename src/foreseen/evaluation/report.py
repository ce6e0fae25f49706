"""The report of an evaluation: `metrics.json`, `activity.csv` for plots, a figure and a page."""

import json
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.data.output import write_rows
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.schema import HIGH, LIKED, LOW, PREDICTION, RATING, USER
from foreseen.evaluation.comparisons import add_comparisons
from foreseen.evaluation.html import write_evaluation_page
from foreseen.evaluation.metrics import as_dicts, order_metrics, rating_errors
from foreseen.evaluation.results import Result, setting_label
from foreseen.evaluation.segments import ACTIVITY
from foreseen.evaluation.units import in_units
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.files import write_atomically, write_text
from foreseen.reports.page import Provenance

_BINS: Final = 10


def summarise(result: Result) -> dict[str, Any]:
    """Return the metrics of a result, over all events and by segment, as `metrics.json` has them.

    Results without cells (the global mean) have the metrics over all events only.
    """
    events = result.events
    summary: dict[str, Any] = {
        "model": result.model,
        "setting": result.setting,
        "events": events.height,
        "users": events[USER].n_unique(),
        **as_dicts(rating_errors(events)),
        **as_dicts(order_metrics(events)),
    }
    if "cell" in events.columns:
        covered = events.select(pl.col(RATING).is_between(pl.col(LOW), pl.col(HIGH)).mean()).item()
        liked = (pl.col(RATING) >= LIKED_FROM).cast(pl.Float64)
        summary["interval_coverage"] = float(covered)
        summary["calibration"] = _deciles(events, pl.col(PREDICTION), pl.col(RATING))
        summary["reliability"] = _deciles(events, pl.col(LIKED), liked)
        summary["brier"] = float(events.select(((pl.col(LIKED) - liked) ** 2).mean()).item())
        summary["cells"] = _by_segment(events, "cell", sorted(events["cell"].unique().to_list()))
        summary["activity"] = _by_segment(events, "activity", ACTIVITY)
    if result.ranking is not None:
        summary["lists"] = dict(result.ranking)
    if result.tied is not None:
        summary["tied"] = result.tied
    return summary


def summarise_all(results: Sequence[Result], scale: RatingScale = STARS) -> list[dict[str, Any]]:
    """Return the metrics of several results, each compared with the best of its setting.

    Args:
        results: The results, in stars.
        scale: The scale that errors are returned on.
    """
    summaries = [summarise(result) for result in results]
    add_comparisons(results, summaries)
    return in_units(summaries, scale)


def _deciles(events: pl.DataFrame, predicted: pl.Expr, observed: pl.Expr) -> list[dict[str, float]]:
    """Return the mean predicted and observed (`given`) values by decile of the prediction."""
    pairs = events.select(predicted=predicted, given=observed)
    ordered = pairs.sort("predicted", maintain_order=True)
    edges = np.linspace(0, ordered.height, _BINS + 1).astype(int)
    return [
        {name: float(mean) for name, mean in ordered[first:stop].mean().row(0, named=True).items()}
        for first, stop in pairwise(edges.tolist())
        if stop > first
    ]


def _by_segment(events: pl.DataFrame, column: str, names: Sequence[str]) -> list[dict[str, Any]]:
    segments: list[dict[str, Any]] = []
    for name in names:
        part = events.filter(pl.col(column) == name)
        if not part.is_empty():
            errors = as_dicts(rating_errors(part))
            segments.append({column: name, "events": part.height, **errors})
    return segments


def write_report(
    protocol: str,
    data: str,
    summaries: Sequence[dict[str, Any]],
    out: Path,
    segments: pl.DataFrame | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write the metrics of all models as JSON, as CSV for plots, as a figure and as a page.

    Args:
        protocol: Name of the protocol.
        data: Name of the data.
        summaries: See `summarise_all`.
        out: The folder.
        segments: See `foreseen.evaluation.segment_errors`; the page is without segments if None.
        provenance: What the page states about its origin; the name of the data if None.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    out.mkdir(parents=True, exist_ok=True)
    # `dvc metrics show` reads numbers within dictionaries and skips lists.
    rmse: dict[str, dict[str, float]] = {}
    for summary in summaries:
        rmse.setdefault(summary["setting"], {})[summary["model"]] = summary["rmse"]["value"]
    document = {"protocol": protocol, "data": data, "rmse": rmse, "results": list(summaries)}
    _write_activity(summaries, out / "activity.csv")
    draw_activity(summaries, out / "activity.png", protocol)
    write_evaluation_page(
        protocol, summaries, segments, provenance or Provenance(data), out / "report.html"
    )
    text = json.dumps(document, indent=2) + "\n"
    write_text(out / "metrics.json", text)


def _write_activity(summaries: Sequence[dict[str, Any]], file: Path) -> None:
    header = ["model", "setting", "activity", "events", "rmse", "low", "high"]
    rows = [
        [
            summary["model"],
            summary["setting"],
            part["activity"],
            part["events"],
            *(f"{part['rmse'][key]:.6f}" for key in ("value", "low", "high")),
        ]
        for summary in summaries
        for part in summary.get("activity", ())
    ]
    write_rows(header, rows, file)


def draw_activity(summaries: Sequence[dict[str, Any]], file: Path, protocol: str) -> None:
    """Draw RMSE by the number of known ratings of the user, one panel per setting."""
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
        panel.set_title(f"{protocol}, {setting_label(setting)}")
        panel.set_xticks(range(len(ACTIVITY)), ACTIVITY)
        panel.set_xlabel("known ratings of the user")
        panel.grid(alpha=0.3)
    if drawn:
        # Scaled to the lines: buckets with few users have wide intervals.
        panels[0].set_ylim(min(drawn) - 0.1, max(drawn) + 0.15)
    panels[0].set_ylabel("RMSE (stars), 95 % interval over users")
    panels[0].legend()
    write_atomically(file, partial(figure.savefig, dpi=130, format="png"))
