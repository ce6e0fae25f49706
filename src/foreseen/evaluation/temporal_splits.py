"""Splits by time that publications on sequential recommendation use."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from foreseen.data.schema import MOVIE, TIMESTAMP, USER
from foreseen.errors import InputError
from foreseen.features.examples import DAY

_CORE: Final = 5
_QUANTILE: Final = 0.9
_TEST_DAYS: Final = 60


def core(ratings: pl.DataFrame, least: int = _CORE) -> pl.DataFrame:
    """Return the ratings of users and movies that have at least five of the returned ratings.

    Users and movies with fewer are removed until none is left.

    Raises:
        InputError: If no rating is left.
    """
    while True:
        kept = ratings
        for name in (USER, MOVIE):
            kept = kept.filter(pl.len().over(name) >= least)
        if kept.height == ratings.height:
            break
        ratings = kept
    if ratings.is_empty():
        raise InputError(f"no user and movie have {least} ratings; use another protocol")
    return ratings


@dataclass(frozen=True)
class TimeToSplit:
    """A split at a quantile of time.

    Attributes:
        ratings: All ratings, of the 5-core.
        known: Those that models are fitted to.
        until: The second of the cut; ratings of that second are not later.
    """

    ratings: pl.DataFrame
    known: pl.DataFrame
    until: float


def time_to_split(ratings: pl.DataFrame) -> TimeToSplit:
    """Split the 5-core of a log at the 0.9 quantile of its timestamps.

    The global temporal split of Gusak et al. (2025, "Time to Split"). Models are fitted to the
    ratings up to the quantile (interpolated linearly) of users with at least two of them. A movie
    that a user repeats at once counts once; a canonical log has no such repeats.

    Raises:
        InputError: If the core is empty, or nothing is before or after the cut.
    """
    ratings = core(ratings)
    until = float(np.quantile(ratings[TIMESTAMP].to_numpy(), _QUANTILE))
    known = ratings.filter(pl.col(TIMESTAMP) <= until).filter(pl.len().over(USER) >= 2)
    if known.is_empty() or float(ratings[TIMESTAMP].to_numpy().max()) <= until:
        raise InputError(f"all ratings are on one side of the {_QUANTILE} quantile of time")
    return TimeToSplit(ratings, known, until)


def last_days(ratings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off the last 60 days, without users and movies that have no earlier rating.

    The split of eSASRec (Tikhonovich et al., 2025), by the `TimeRangeSplitter` of RecTools: days
    are those of UTC, the last one is that of the last rating. Pairs of user and movie that were
    rated before are left out as well; a canonical log has none.

    Returns:
        The earlier ratings, and the later ones.

    Raises:
        InputError: If either part is empty.
    """
    start = (int(ratings[TIMESTAMP].to_numpy().max()) // DAY + 1 - _TEST_DAYS) * DAY
    known = ratings.filter(pl.col(TIMESTAMP) < start)
    later = ratings.filter(pl.col(TIMESTAMP) >= start)
    for name in (USER, MOVIE):
        later = later.join(known.select(name).unique(), on=name, how="semi", maintain_order="left")
    if known.is_empty() or later.is_empty():
        raise InputError(
            f"no user has a rating before the last {_TEST_DAYS} days and one within them, of a "
            "movie that was rated before"
        )
    return known, later
