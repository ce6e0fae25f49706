"""Logs that have dates but no times of day, and how models are trained on them.

All ratings of a user's day are then tied, and a rating is predicted from the days before alone. A
user's next movie is often asked for with ratings of the same day known, which training on such a
log would never show. So a model is trained with the ratings of each user's day in a random order,
a second apart. Predictions use the log as it is.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.schema import TIMESTAMP
from foreseen.features.interaction_log import InteractionLog

_DAY: Final = 86_400


def has_only_dates(timestamp: NDArray[np.int64]) -> bool:
    """Return whether timestamps, ascending, of several days all have the same time of day."""
    if not len(timestamp) or timestamp[0] == timestamp[-1]:
        return False
    return bool((timestamp % _DAY == timestamp[0] % _DAY).all())


def ordered_within_days(log: InteractionLog, seed: int) -> InteractionLog:
    """Return a log with the ratings of each user's day a second apart, in a random order.

    A log with times of day is returned as it is.
    """
    if not has_only_dates(log.timestamp):
        return log
    order = np.random.default_rng(seed).permutation(len(log.timestamp))
    ranks = pl.DataFrame({"user": log.user, "day": log.timestamp, "order": order}).select(
        pl.col("order").rank("ordinal").over("user", "day").cast(pl.Int64) - 1
    )
    ratings = log.ratings.with_columns(pl.col(TIMESTAMP) + ranks["order"])
    return InteractionLog.of(ratings, log.catalogue)


def in_order_within_days(log: InteractionLog, moment: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the moments before which `ordered_within_days` has the ratings that a log has."""
    if not has_only_dates(log.timestamp):
        return moment
    return moment + (log.timestamp[0] - moment) % _DAY
