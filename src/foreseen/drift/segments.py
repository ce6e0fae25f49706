"""Segments of the ratings of a backtest, and the errors in them, by window and over all windows."""

import numpy as np
import polars as pl

from foreseen.data.schema import MOVIE, TIMESTAMP, USER
from foreseen.drift.backtest import BacktestConfig
from foreseen.evaluation.results import Result
from foreseen.evaluation.segment_errors import segment_errors
from foreseen.evaluation.segments import CELLS, with_activity


def segments_of(config: BacktestConfig, events: pl.DataFrame) -> pl.DataFrame:
    """Return the cell of each event, as of the start, and its activity, as of its second.

    Args:
        config: The configuration.
        events: The predictions of one policy.
    """
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


def backtest_segments(config: BacktestConfig, predictions: pl.DataFrame) -> pl.DataFrame:
    """Return errors by policy, window and segment.

    Args:
        config: The configuration.
        predictions: The predictions of all policies; see `foreseen.drift.backtest.backtest`.

    Returns:
        The columns of `foreseen.evaluation.segment_errors.segment_errors`, with `policy` and
        `window`, null for all windows, instead of model and setting.
    """
    activity: pl.Series | None = None
    results: list[Result] = []
    for policy in config.policies:
        events = predictions.filter(pl.col("policy") == policy)
        activity = segments_of(config, events)["activity"] if activity is None else activity
        events = events.with_columns(activity)
        results.append(Result(policy, "", events))
        windows = events.partition_by("window", maintain_order=True)
        results += [Result(policy, str(part["window"][0]), part) for part in windows]
    errors = segment_errors(results, config.tables)
    return errors.rename({"model": "policy"}).select(
        "policy",
        pl.col("setting").cast(pl.Int64, strict=False).alias("window"),
        pl.exclude("policy", "setting"),
    )
