"""Expected error: what the RMSE will be, estimated before the ratings are known.

A prediction has a standard deviation, which depends on what is known of its user and its movie. The
root of the mean variance over some queries is the error to expect for them (direct loss
estimation). It follows drift of the inputs, such as more new users or more unknown movies. It
cannot show concept drift: how users rate is known from ratings only. What the deviations have been
off by in earlier windows is corrected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.evaluation.results import with_predictions
from foreseen.models.base import Model

DEVIATION: Final = "deviation"
"""Column of the standard deviations of predictions."""
GOOD: Final = 1.02
"""Ratio of realised to expected error up to which a model is good."""
_DAMPING: Final = 500.0
"""Ratings of earlier windows from which their correction counts more than none."""
_FEWEST_WINDOWS: Final = 3
"""Windows from which a correlation is stated."""


@dataclass(frozen=True)
class ErrorWindow:
    """The error of a model on some successive ratings.

    Attributes:
        ratings: Number of ratings.
        rmse: Root of their mean squared error.
        expected: Root of the mean variance of their predictions.
    """

    ratings: int
    rmse: float
    expected: float


def predict_with_deviation(
    model: Model, events: pl.DataFrame, before: NDArray[np.int64]
) -> pl.DataFrame:
    """Return N events with prediction, low, high, liked and deviation, each as of its moment.

    Args:
        model: Has observed the ratings that predictions may use.
        events: userId and movieId.
        before: Only ratings strictly older count, of shape N.
    """
    predictions = model.predict_queries(model.log.queries(events, before))
    deviation = pl.Series(DEVIATION, predictions.deviation)
    return with_predictions(events, predictions).with_columns(deviation)


def error_window(events: pl.DataFrame) -> ErrorWindow:
    """Return the error of at least one predicted rating.

    Args:
        events: rating, prediction and deviation.
    """
    error = (events["rating"] - events["prediction"]).to_numpy()
    deviation = events[DEVIATION].to_numpy()
    return ErrorWindow(
        events.height, float(np.sqrt(np.mean(error**2))), float(np.sqrt(np.mean(deviation**2)))
    )


def correction(earlier: Sequence[ErrorWindow]) -> float:
    """Return the ratio of realised to expected errors of earlier windows, damped towards one."""
    counts = np.array([window.ratings for window in earlier])
    expected = np.array([window.expected for window in earlier]) ** 2
    realised = np.array([window.rmse for window in earlier]) ** 2
    usual = float(np.mean(expected)) if len(earlier) else 1.0
    prior = _DAMPING * usual
    return float(np.sqrt((counts @ realised + prior) / (counts @ expected + prior)))


def estimates(windows: Sequence[ErrorWindow]) -> list[float]:
    """Return the expected error of each window, corrected by the windows before it."""
    return [window.expected * correction(windows[:number]) for number, window in enumerate(windows)]


def calibration(windows: Sequence[ErrorWindow]) -> Mapping[str, object]:
    """Compare estimated with realised errors from the second window on.

    Returns:
        `windows`, their number; `difference`, realised less estimated RMSE on average; `mae`, the
        mean absolute difference; `last_window`, whose `mae` is that of the error of the window
        before as the estimate; `correlation` of both, if there are three windows. Empty if there
        are fewer than two windows.
    """
    if len(windows) < 2:
        return {}
    realised = np.array([window.rmse for window in windows])
    estimated = np.array(estimates(windows))[1:]
    differences = realised[1:] - estimated
    figures: dict[str, object] = {
        "windows": len(differences),
        "difference": float(np.mean(differences)),
        "mae": float(np.mean(np.abs(differences))),
        "last_window": {"mae": float(np.mean(np.abs(np.diff(realised))))},
    }
    varies = min(float(np.std(realised[1:])), float(np.std(estimated))) > 0
    if len(differences) >= _FEWEST_WINDOWS and varies:
        figures["correlation"] = float(np.corrcoef(realised[1:], estimated)[0, 1])
    return figures
