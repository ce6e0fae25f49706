"""Popularity of all movies as of a moment."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features import movie_statistics as movies_at
from foreseen.features.interaction_log import InteractionLog

POPULARITY_FEATURES: Final = (
    "popular_year",
    "popular_season",
    "popular_days",
    "liked_year",
    "liked_share",
)
POPULAR_YEAR, POPULAR_SEASON, POPULAR_DAYS, LIKED_YEAR, LIKED_SHARE = range(5)
_LIKED_DAMPING: Final = 5.0


@dataclass(frozen=True)
class Popularity:
    """Popularity of all movies as of a moment.

    Attributes:
        views: Number of ratings, of shape C.
        columns: Of shape C x 5, in the order of `POPULARITY_FEATURES`: counts that decay over a
            year, a season and days; liked ratings that decay over a year; share of liked ratings.
    """

    views: NDArray[np.float64]
    columns: NDArray[np.float64]

    @classmethod
    def of(cls, log: InteractionLog, before: int) -> "Popularity":
        """Return the popularity of all movies of a log just before a moment."""
        states = log.movie_states(before)
        count, liked = states[:, movies_at.COUNT], states[:, movies_at.LIKED]
        share = (liked.sum() + 1) / (count.sum() + 2)
        columns = np.column_stack(
            [
                states[:, movies_at.RECENT_COUNT],
                states[:, movies_at.POPULARITY],
                states[:, movies_at.TRENDING],
                states[:, movies_at.RECENT_LIKED],
                (liked + _LIKED_DAMPING * share) / (count + _LIKED_DAMPING),
            ]
        )
        return cls(count, columns)
