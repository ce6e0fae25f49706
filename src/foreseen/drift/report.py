"""What came of a walk through time: `metrics.json`, a figure, and the drift report as a page."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, TIMESTAMP, USER
from foreseen.drift.backtest import Walk, Window
from foreseen.drift.detectors import detect
from foreseen.drift.placebo import shuffle_sessions
from foreseen.evaluation.metrics import (
    order_quality,
    paired_differences,
    plain,
    rating_errors,
    recovered_fraction,
)
from foreseen.evaluation.protocols import ACTIVITY, CELLS, with_activity
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically

METRICS: Final = "metrics.json"
FIGURE: Final = "error.png"
_YEAR: Final = 365.25 * 86_400
_SHUFFLES: Final = 10


def summarise_walk(
    walk: Walk, predictions: pl.DataFrame, costs: Sequence[Window]
) -> dict[str, Any]:
    """Return the figures of every policy, over all windows and window by window."""
    of = {name: predictions.filter(pl.col("policy") == name) for name in walk.policies}
    cells = _cells(walk, next(iter(of.values())))
    results: list[dict[str, Any]] = []
    for name, own in of.items():
        spent = [cost for cost in costs if cost.policy == name]
        inside = own.select(pl.col("rating").is_between(pl.col("low"), pl.col("high")).mean())
        train = sum(cost.train_seconds for cost in spent)
        result: dict[str, Any] = {
            "policy": name,
            "events": own.height,
            "users": own[USER].n_unique(),
            **plain(rating_errors(own)),
            **plain(order_quality(own)),
            "interval_coverage": float(inside.item()),
            "trainings": sum(cost.trained for cost in spent),
            "train_seconds": round(train, 3),
            "keep_seconds": round(sum(cost.keep_seconds for cost in spent), 3),
            # The first training is everybody's; what it costs to keep up comes after.
            "seconds_after_start": round(
                sum(cost.train_seconds + cost.keep_seconds for cost in spent if cost.window), 3
            ),
            "cells": _parts(own.with_columns(cells["cell"]), "cell", CELLS),
            "activity": _parts(own.with_columns(cells["activity"]), "activity", ACTIVITY),
            "windows": [_window(own, cost) for cost in spent],
        }
        if "full" in of and name != "full":
            result["less_full"] = plain(paired_differences(of["full"], own))
            if "frozen" in of and name != "frozen":
                fraction = recovered_fraction(of["frozen"], of["full"], own)
                result |= plain({"recovered": fraction} if fraction is not None else {})
        results.append(result)
    return {
        "model": walk.model,
        "data": walk.tables.manifest.source,
        "from": walk.start,
        "delay": walk.delay,
        "seed": walk.seed,
        "results": results,
        "findings": [found.as_json() for found in detect(_log(walk))],
        "placebo": _placebo(walk),
    }


def _log(walk: Walk) -> InteractionLog:
    return InteractionLog.of(walk.tables.ratings, Catalogue.of(walk.tables.movies))


def _placebo(walk: Walk) -> dict[str, Any]:
    """Return how often detectors give an alarm where sessions have only changed places."""
    ratings, catalogue = walk.tables.ratings, Catalogue.of(walk.tables.movies)
    times = ratings[TIMESTAMP].to_numpy()
    years = max(float(times[-1] - times[0]) / _YEAR, 1e-9)
    alarms = [
        len(detect(InteractionLog.of(shuffle_sessions(ratings, walk.seed + n), catalogue)))
        for n in range(_SHUFFLES)
    ]
    return {"alarms": alarms, "years": years, "alarms_per_year": float(np.mean(alarms)) / years}


def _cells(walk: Walk, events: pl.DataFrame) -> pl.DataFrame:
    """Return the cell and the activity of each event, as of its second."""
    log = walk.tables.ratings
    known = log[: log.height - events.height]
    new_user = ~events[USER].is_in(known[USER].unique().implode())
    new_movie = ~events[MOVIE].is_in(known[MOVIE].unique().implode())
    cell = np.select(
        [new_user.to_numpy(), new_movie.to_numpy()],
        CELLS[:2],
        CELLS[2],
    )
    counted = log.with_columns(
        (pl.col(TIMESTAMP).rank("min").over(USER) - 1).cast(pl.Int64).alias("known")
    )[log.height - events.height :]
    activity = with_activity(counted.select("known"))["activity"]
    return pl.DataFrame({"cell": cell, "activity": activity})


def _parts(events: pl.DataFrame, column: str, order: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            column: key,
            "events": part.height,
            "users": part[USER].n_unique(),
            **plain(rating_errors(part)),
        }
        for key in order
        if not (part := events.filter(pl.col(column) == key)).is_empty()
    ]


def _window(own: pl.DataFrame, cost: Window) -> dict[str, Any]:
    events = own.filter(pl.col("window") == cost.window)
    return {
        "window": cost.window,
        "begins": int(events[TIMESTAMP][0]),
        "events": events.height,
        "trained_on": cost.trained_on,
        "trained": cost.trained,
        "reasons": cost.reasons,
        "findings": cost.findings,
        "train_seconds": round(cost.train_seconds, 3),
        "keep_seconds": round(cost.keep_seconds, 3),
        **plain({**rating_errors(events), **order_quality(events)}),
    }


def write_walk(document: dict[str, Any], out: Path) -> None:
    """Write the figures as JSON, the error window by window as a figure, and the report."""
    from matplotlib.figure import Figure

    from foreseen.drift.html import draw_error, write_drift_page

    text = json.dumps(document, indent=2) + "\n"
    write_atomically(out / METRICS, partial(Path.write_text, data=text, encoding="utf-8"))
    figure = Figure(figsize=(8, 4), layout="constrained")
    draw_error(document, figure.subplots())
    figure.savefig(out / FIGURE, dpi=130)
    write_drift_page(document, out / "report.html")
