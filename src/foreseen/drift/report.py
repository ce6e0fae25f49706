"""What came of a walk through time: `metrics.json` and a figure."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from foreseen.drift.backtest import Walk, Window
from foreseen.evaluation.metrics import order_quality, plain, rating_errors
from foreseen.files import write_whole

METRICS = "metrics.json"
FIGURE = "error.png"


def summarise_walk(
    walk: Walk, predictions: pl.DataFrame, costs: Sequence[Window]
) -> dict[str, Any]:
    """Return the figures of every policy, over all windows and window by window."""
    results: list[dict[str, Any]] = []
    for name in walk.policies:
        own = predictions.filter(pl.col("policy") == name)
        spent = [cost for cost in costs if cost.policy == name]
        inside = own.select(pl.col("rating").is_between(pl.col("low"), pl.col("high")).mean())
        results.append(
            {
                "policy": name,
                "events": own.height,
                "users": own["userId"].n_unique(),
                **plain(rating_errors(own)),
                **plain(order_quality(own)),
                "interval_coverage": float(inside.item()),
                "trainings": sum(cost.trained for cost in spent),
                "train_seconds": round(sum(cost.train_seconds for cost in spent), 3),
                "windows": [_window(own, cost) for cost in spent],
            }
        )
    return {
        "model": walk.model,
        "data": walk.tables.manifest.source,
        "from": walk.start,
        "delay": walk.delay,
        "seed": walk.seed,
        "results": results,
    }


def _window(own: pl.DataFrame, cost: Window) -> dict[str, Any]:
    events = own.filter(pl.col("window") == cost.window)
    return {
        "window": cost.window,
        "begins": int(events["timestamp"][0]),
        "events": events.height,
        "trained_on": cost.trained_on,
        "train_seconds": round(cost.train_seconds, 3),
        **plain(rating_errors(events)),
    }


def write_walk(document: dict[str, Any], out: Path) -> None:
    """Write the figures as JSON and draw the error window by window."""
    text = json.dumps(document, indent=2) + "\n"
    write_whole(out / METRICS, partial(Path.write_text, data=text, encoding="utf-8"))
    _draw(document, out / FIGURE)


def _draw(document: dict[str, Any], file: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    panel = figure.subplots()
    for result in document["results"]:
        windows = result["windows"]
        places = [window["window"] for window in windows]
        line = panel.plot(
            places, [w["rmse"]["value"] for w in windows], marker="o", label=result["policy"]
        )[0]
        panel.fill_between(
            places,
            [w["rmse"]["low"] for w in windows],
            [w["rmse"]["high"] for w in windows],
            alpha=0.1,
            color=line.get_color(),
        )
    panel.set_title(f"{document['model']} on {document['data']}, predicted before learned")
    panel.set_xlabel("window of the timeline")
    panel.set_ylabel("RMSE (stars), 95 % interval over users")
    panel.grid(alpha=0.3)
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, dpi=130)
