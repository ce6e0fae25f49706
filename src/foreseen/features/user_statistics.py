"""What is known of a user at any moment: level, spread, mood, habits, taste by genre and era.

A user's history is scanned up to the moment asked for. What counts is not the rating but its
residual: the rating less what the movie was worth, to everybody, when it was rated.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.movie_statistics import rows_before

COUNT, RATINGS, RESIDUALS, SQUARES, FAST, MEDIUM, SLOW, LAST, SINCE, SESSION, TENURE = range(11)
"""Columns of a user's level: sums over the history, moving means, the last residual, the seconds
since the last rating, the number of ratings in the present session, the seconds since the first."""
DECAYS: Final = (0.5, 0.85, 0.97)
"""What a rating keeps of its weight when the next arrives, for FAST, MEDIUM and SLOW."""
MOOD_DAMPING: Final = 0.5
"""Weight, in ratings, of a residual of zero in the moving means."""
SESSION_GAP: Final = 1800
"""Seconds without a rating that end a session."""
ERAS: Final = 10
"""Number of eras: up to the twenties, the thirties, ..., the 2010s and later."""


@dataclass(frozen=True)
class UserHistories:
    """Every user's ratings in time order; H histories, E ratings.

    Attributes:
        starts: Where each history begins, of shape H + 1.
        movie: Rows in the catalogue, of shape E.
        rating: Stars, of shape E.
        residual: Rating less what the movie was worth when it was rated, of shape E.
        times: Timestamps, of shape E.
    """

    starts: NDArray[np.int64]
    movie: NDArray[np.int32]
    rating: NDArray[np.float64]
    residual: NDArray[np.float64]
    times: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        count: int,
        user: NDArray[np.int32],
        movie: NDArray[np.int32],
        rating: NDArray[np.float64],
        residual: NDArray[np.float64],
        timestamp: NDArray[np.int64],
    ) -> "UserHistories":
        """Lay a log in time order out user by user."""
        order = np.argsort(user, kind="stable")
        starts = np.searchsorted(user[order], np.arange(count + 1)).astype(np.int64)
        return cls(starts, movie[order], rating[order], residual[order], timestamp[order])

    def ends(self, user: NDArray[np.int32], moment: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the histories of N users end, as of N moments; 0 for an unknown user."""
        last = rows_before(self.starts, self.times, user, moment)
        return np.where(last >= 0, last + 1, self.starts[np.maximum(user, 0)])


@dataclass(frozen=True)
class Profiles:
    """Users as of moments; P profiles, G genres, K eras.

    Attributes:
        level: Of shape P x 11; see the names of the columns.
        genre_residuals, genre_counts: Sums of residuals and numbers of ratings, of shape P x G.
        era_residuals, era_counts: The same by era, of shape P x K.
    """

    level: NDArray[np.float64]
    genre_residuals: NDArray[np.float64]
    genre_counts: NDArray[np.float64]
    era_residuals: NDArray[np.float64]
    era_counts: NDArray[np.float64]


def profile_users(
    histories: UserHistories,
    user: NDArray[np.int32],
    moment: NDArray[np.int64],
    genres: NDArray[np.float32],
    era: NDArray[np.int64],
) -> Profiles:
    """Return the profiles of P users, each as of just before its own moment.

    Args:
        histories: The histories to look into.
        user: Rows in the histories, of shape P; -1 for a user nothing is known of.
        moment: Timestamps, of shape P.
        genres: Genre indicators of the catalogue, (C + 1) x G.
        era: Eras of the catalogue's movies, of shape C + 1; see `eras`.
    """
    first = np.where(user >= 0, histories.starts[np.maximum(user, 0)], 0)
    end = np.where(user >= 0, histories.ends(user, moment), 0)
    parts = _scan(
        first,
        end,
        moment,
        histories.movie,
        histories.rating,
        histories.residual,
        histories.times,
        genres,
        era,
    )
    return Profiles(*parts)


def eras(years: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the era of each year of release, -1 where the year is unknown."""
    decade = np.floor((np.nan_to_num(years, nan=0.0) - 1920) / 10)
    return np.where(np.isnan(years), -1, np.clip(decade, 0, ERAS - 1)).astype(np.int64)


def era_name(era: int) -> str:
    """Return what people call an era."""
    if era == 0:
        return "the 1920s or before"
    if era == ERAS - 1:
        return "the 2010s or later"
    return f"the {1920 + 10 * era}s"


@compiled
def _scan(
    first: NDArray[np.int64],
    end: NDArray[np.int64],
    moment: NDArray[np.int64],
    movie: NDArray[np.int32],
    rating: NDArray[np.float64],
    residual: NDArray[np.float64],
    times: NDArray[np.int64],
    genres: NDArray[np.float32],
    era: NDArray[np.int64],
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
]:
    count, genre_count = len(first), genres.shape[1]
    level = np.zeros((count, 11))
    genre_residuals = np.zeros((count, genre_count))
    genre_counts = np.zeros((count, genre_count))
    era_residuals = np.zeros((count, ERAS))
    era_counts = np.zeros((count, ERAS))
    weights, sums = np.zeros(3), np.zeros(3)
    session = 0
    for p in range(count):
        # Who was asked about just before, as of no later, is scanned on from there.
        begin = first[p]
        if p > 0 and first[p] == first[p - 1] and end[p] >= end[p - 1]:
            begin = end[p - 1]
            level[p, RATINGS : SQUARES + 1] = level[p - 1, RATINGS : SQUARES + 1]
            genre_residuals[p], genre_counts[p] = genre_residuals[p - 1], genre_counts[p - 1]
            era_residuals[p], era_counts[p] = era_residuals[p - 1], era_counts[p - 1]
        else:
            weights[:], sums[:] = 0.0, 0.0
            session = 0
        for row in range(begin, end[p]):
            value = residual[row]
            level[p, RATINGS] += rating[row]
            level[p, RESIDUALS] += value
            level[p, SQUARES] += value * value
            for speed in range(3):
                weights[speed] = weights[speed] * DECAYS[speed] + 1.0
                sums[speed] = sums[speed] * DECAYS[speed] + value
            fresh = row == first[p] or times[row] - times[row - 1] > SESSION_GAP
            session = 1 if fresh else session + 1
            for genre in range(genre_count):
                if genres[movie[row], genre] > 0:
                    genre_residuals[p, genre] += value
                    genre_counts[p, genre] += 1.0
            if era[movie[row]] >= 0:
                era_residuals[p, era[movie[row]]] += value
                era_counts[p, era[movie[row]]] += 1.0
        known = end[p] - first[p]
        level[p, COUNT] = known
        level[p, SINCE] = np.inf
        if known > 0:
            for speed in range(3):
                level[p, FAST + speed] = sums[speed] / (weights[speed] + MOOD_DAMPING)
            level[p, LAST] = residual[end[p] - 1]
            level[p, SINCE] = moment[p] - times[end[p] - 1]
            level[p, SESSION] = session if level[p, SINCE] <= SESSION_GAP else 0
            level[p, TENURE] = moment[p] - times[first[p]]
    return level, genre_residuals, genre_counts, era_residuals, era_counts
