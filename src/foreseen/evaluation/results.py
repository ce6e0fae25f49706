"""The predictions of one model under one setting of a protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.schema import HIGH, LIKED, LOW, PREDICTION
from foreseen.models.base import Model
from foreseen.models.predictions import Predictions

# The settings of the protocols, as `metrics.json` names them.
LIVE: Final = "live"
ONE_DAY_DELAY: Final = "day late"
FROZEN: Final = "frozen"
FOLD_IN: Final = "half revealed"
AT_CUT: Final = "as of the cut"
FIVE_FOLDS: Final = "5 folds"
MOMENT_UNKNOWN: Final = "moment unknown"
MOMENT_KNOWN: Final = "moment known"
LAST: Final = "last"
SUCCESSIVE: Final = "successive"
ALL: Final = "all"
LAST_DAYS: Final = "last 60 days"
POPULARITY: Final = "popularity"
"""The criterion of the reference: see `foreseen.evaluation.popularity`."""
_LABELS: Final[Mapping[str, str]] = {
    ONE_DAY_DELAY: "one-day delay",
    FOLD_IN: "fold-in",
    AT_CUT: "at the cut",
}


@dataclass(frozen=True)
class Result:
    """The predictions of one model under one setting of a protocol.

    Attributes:
        model: Name of the model.
        setting: Name of the setting.
        events: userId, movieId, timestamp, rating, prediction, low, high; `liked`, the
            probability of four stars or more; `cell`, whether user and movie were known when the
            model was fitted; `known`, the number of the user's ratings before the moment of the
            prediction; `activity`, the bucket of that number.
        ranking: Metrics of rankings of the whole catalogue, if the protocol has them; see
            `foreseen.evaluation.ranking_metrics.ranking_metrics`.
        rankings: These rankings; see `foreseen.evaluation.rankings.RANKINGS_SCHEMA`.
        tied: Number of events that share their second with another rating of the user, if the
            protocol depends on the order of a second.
    """

    model: str
    setting: str
    events: pl.DataFrame
    ranking: Mapping[str, Any] | None = None
    rankings: pl.DataFrame | None = None
    tied: int | None = None


def setting_label(setting: str) -> str:
    """Return the name of a setting as tables and figures show it."""
    return _LABELS.get(setting, setting)


def criterion_label(by: str) -> str:
    """Return the name of a criterion to rank by as tables show it."""
    return "popularity of seven days" if by == POPULARITY else by


def tied_note(summary: Mapping[str, Any]) -> str:
    """Return how many events of a summary are tied in time, for a caption; empty if not counted."""
    if "tied" not in summary:
        return ""
    return (
        f"; {summary['tied']:,} of {summary['events']:,} test ratings share their second with "
        "another of the user"
    )


def predict_events(model: Model, events: pl.DataFrame, before: NDArray[np.int64]) -> pl.DataFrame:
    """Return N events with prediction, low, high and liked, each as of its moment.

    Args:
        model: Has observed the ratings that predictions may use.
        events: userId and movieId.
        before: Only ratings strictly older count, of shape N.
    """
    return with_predictions(events, model.predict_queries(model.log.queries(events, before)))


def with_predictions(events: pl.DataFrame, predictions: Predictions) -> pl.DataFrame:
    """Return N events with columns prediction, low, high and liked."""
    return events.with_columns(
        pl.Series(PREDICTION, predictions.mean),
        pl.Series(LOW, predictions.low),
        pl.Series(HIGH, predictions.high),
        pl.Series(LIKED, predictions.liked),
    )
