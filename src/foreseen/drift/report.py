"""Report of a backtest: `metrics.json`, a figure, and the page of `foreseen.drift.html`."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, TIMESTAMP, USER
from foreseen.drift.backtest import BacktestConfig
from foreseen.drift.default_streams import left_out
from foreseen.drift.detectors import detect
from foreseen.drift.expected_error import calibration, error_window, estimates
from foreseen.drift.placebo import shuffle_sessions
from foreseen.drift.profile_injection import find_injections
from foreseen.drift.windows import Window
from foreseen.evaluation.metrics import (
    as_dicts,
    order_metrics,
    paired_differences,
    rating_errors,
    recovered_fraction,
)
from foreseen.evaluation.segments import ACTIVITY, CELLS, with_activity
from foreseen.evaluation.units import in_units
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically, write_text

METRICS: Final = "metrics.json"
FIGURE: Final = "error.png"
PAGE: Final = "report.html"
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
    segments = _segments(config, next(iter(by_policy.values())))
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


def _segments(config: BacktestConfig, events: pl.DataFrame) -> pl.DataFrame:
    """Return the cell of each event, as of the start, and its activity, as of its second."""
    log = config.tables.ratings
    known = log[: log.height - events.height]
    new_user = ~events[USER].is_in(known[USER].unique().implode())
    new_movie = ~events[MOVIE].is_in(known[MOVIE].unique().implode())
    cell = np.select([new_user.to_numpy(), new_movie.to_numpy()], CELLS[:2], CELLS[2])
    counted = log.with_columns(
        (pl.col(TIMESTAMP).rank("min").over(USER) - 1).cast(pl.Int64).alias("known")
    )[log.height - events.height :]
    activity = with_activity(counted.select("known"))["activity"]
    return pl.DataFrame({"cell": cell, "activity": activity})


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


def write_backtest(document: dict[str, Any], out: Path) -> None:
    """Write the metrics as JSON, the error by window as a figure, and the report as a page.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    from matplotlib.figure import Figure

    from foreseen.drift.html import draw_error, write_backtest_page

    text = json.dumps(document, indent=2) + "\n"
    write_text(out / METRICS, text)
    figure = Figure(figsize=(8, 4), layout="constrained")
    draw_error(document, figure.subplots())
    write_atomically(out / FIGURE, partial(figure.savefig, dpi=130, format="png"))
    write_backtest_page(document, out / PAGE)
