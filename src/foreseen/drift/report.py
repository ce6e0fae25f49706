"""Report of a backtest: `metrics.json`, a figure, and the page of `foreseen.drift.html`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP, USER
from foreseen.drift.backtest import BacktestConfig
from foreseen.drift.default_streams import left_out
from foreseen.drift.detectors import detect
from foreseen.drift.expected_error import calibration, error_window, estimates
from foreseen.drift.html import write_backtest_page
from foreseen.drift.placebo import shuffle_sessions
from foreseen.drift.profile_injection import find_injections
from foreseen.drift.segments import segments_of
from foreseen.drift.windows import Window
from foreseen.evaluation.metrics import (
    as_dicts,
    order_metrics,
    paired_differences,
    rating_errors,
    recovered_fraction,
    rmse_difference,
    sums_per_user,
)
from foreseen.evaluation.segments import ACTIVITY, CELLS
from foreseen.evaluation.units import in_units
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically, write_text
from foreseen.reports.page import Provenance

METRICS: Final = "metrics.json"
FIGURE: Final = "error.png"
PAGE: Final = "report.html"
_COLOURS: Final = {
    "frozen": "#bb5566",
    "sliding": "#999933",
    "full": "#004488",
    "incremental": "#44aa99",
    "adaptive": "#ee7733",
}
_YEAR: Final = 365.25 * 86_400
_SHUFFLES: Final = 10


def summarise_backtest(
    config: BacktestConfig, predictions: pl.DataFrame, windows: Sequence[Window]
) -> dict[str, Any]:
    """Return the metrics of every policy, overall, by segment and by window.

    Args:
        config: The configuration.
        predictions: The predictions of all policies; see `foreseen.drift.backtest.backtest`.
        windows: The records of all windows.
    """
    by_policy = {name: predictions.filter(pl.col("policy") == name) for name in config.policies}
    segments = segments_of(config, next(iter(by_policy.values())))
    results: list[dict[str, Any]] = []
    for name, events in by_policy.items():
        records = [window for window in windows if window.policy == name]
        inside = events.select(pl.col("rating").is_between(pl.col("low"), pl.col("high")).mean())
        train = sum(window.train_seconds for window in records)
        result: dict[str, Any] = {
            "policy": name,
            "events": events.height,
            "users": events[USER].n_unique(),
            **as_dicts(rating_errors(events)),
            **as_dicts(order_metrics(events)),
            "interval_coverage": float(inside.item()),
            "trainings": sum(window.trained for window in records),
            "train_seconds": round(train, 3),
            "keep_seconds": round(sum(window.keep_seconds for window in records), 3),
            # Without the first window: every policy includes the first training.
            "seconds_after_start": round(
                sum(w.train_seconds + w.keep_seconds for w in records if w.window), 3
            ),
            "cells": _by_segment(events.with_columns(segments["cell"]), "cell", CELLS),
            "activity": _by_segment(
                events.with_columns(segments["activity"]), "activity", ACTIVITY
            ),
            "windows": [_window(events, window) for window in records],
        }
        errors = [
            error_window(events.filter(pl.col("window") == window.window)) for window in records
        ]
        for entry, estimated in zip(result["windows"], estimates(errors), strict=True):
            entry["expected"] = {"rmse": estimated}
        result["expected_error"] = calibration(errors)
        if "full" in by_policy and name != "full":
            result["less_full"] = as_dicts(paired_differences(by_policy["full"], events))
            for entry in result["windows"]:
                full, own = (
                    sums_per_user(e.filter(window=entry["window"]))
                    for e in (by_policy["full"], events)
                )
                difference = rmse_difference(full[0], own[0], own[2])
                entry["less_full"] = as_dicts({"rmse": difference})
            if "frozen" in by_policy and name != "frozen":
                fraction = recovered_fraction(by_policy["frozen"], by_policy["full"], events)
                result |= as_dicts({"recovered": fraction} if fraction is not None else {})
        results.append(result)
    catalogue = Catalogue.of(config.tables.movies)
    log = InteractionLog.of(config.tables.ratings, catalogue)
    encoding = config.tables.encoding
    return {
        "model": config.model,
        "data": config.tables.manifest.source,
        "from": config.start,
        "delay": config.delay,
        "seed": config.seed,
        "results": in_units(results, encoding.scale),
        "findings": [
            finding.on_scale(encoding.scale).as_json()
            for finding in detect(log, scale=encoding.scale)
        ],
        "not_monitored": [reason for reason in [left_out(encoding.scale)] if reason],
        "injections": [entry.decoded(encoding).as_json() for entry in find_injections(log)],
        "placebo": _placebo(config, catalogue),
    }


def _placebo(config: BacktestConfig, catalogue: Catalogue) -> dict[str, Any]:
    """Return the false alarms in logs with shuffled sessions."""
    ratings = config.tables.ratings
    times = ratings[TIMESTAMP].to_numpy()
    years = max(float(times[-1] - times[0]) / _YEAR, 1e-9)
    alarms = [
        len(
            detect(
                InteractionLog.of(shuffle_sessions(ratings, config.seed + n), catalogue),
                scale=config.tables.encoding.scale,
            )
        )
        for n in range(_SHUFFLES)
    ]
    return {"alarms": alarms, "years": years, "alarms_per_year": float(np.mean(alarms)) / years}


def _by_segment(events: pl.DataFrame, column: str, order: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            column: key,
            "events": part.height,
            "users": part[USER].n_unique(),
            **as_dicts(rating_errors(part)),
        }
        for key in order
        if not (part := events.filter(pl.col(column) == key)).is_empty()
    ]


def _window(events: pl.DataFrame, window: Window) -> dict[str, Any]:
    part = events.filter(pl.col("window") == window.window)
    return {
        "window": window.window,
        "begins": int(part[TIMESTAMP][0]),
        "events": part.height,
        "trained_on": window.trained_on,
        "trained": window.trained,
        "finetuned": window.finetuned,
        "reasons": window.reasons,
        "findings": window.findings,
        "train_seconds": round(window.train_seconds, 3),
        "keep_seconds": round(window.keep_seconds, 3),
        **as_dicts({**rating_errors(part), **order_metrics(part)}),
    }


def write_backtest(
    document: dict[str, Any],
    out: Path,
    segments: pl.DataFrame,
    provenance: Provenance | None = None,
) -> None:
    """Write the metrics as JSON, the error by window as a figure, and the report as a page.

    Args:
        document: See `summarise_backtest`.
        out: The folder.
        segments: See `foreseen.drift.segments.backtest_segments`.
        provenance: What the report is of; None if it was not made by a command.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    text = json.dumps(document, indent=2) + "\n"
    write_text(out / METRICS, text)
    draw_error(document, out / FIGURE)
    write_backtest_page(document, segments, provenance or Provenance(document["data"]), out / PAGE)


def draw_error(document: dict[str, Any], file: Path) -> None:
    """Draw the error of every policy by window, with its interval."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for result in document["results"]:
        windows = result["windows"]
        when = [datetime.fromtimestamp(window["begins"], UTC) for window in windows]
        colour = _COLOURS[result["policy"]]
        values, lows, highs = (
            [window["rmse"][end] for window in windows] for end in ("value", "low", "high")
        )
        axes.plot(when, values, marker="o", label=result["policy"], color=colour)  # pyright: ignore[reportArgumentType]
        axes.fill_between(when, lows, highs, alpha=0.1, color=colour)  # pyright: ignore[reportArgumentType]
    axes.set_title(f"{document['model']} on {document['data']}, prequential backtest")
    axes.set_xlabel("start of the window")
    axes.set_ylabel("RMSE")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    write_atomically(file, partial(figure.savefig, dpi=130, format="png"))
