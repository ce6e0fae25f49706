"""Statistics of a user as of any moment: bias, spread, recent bias, sessions, taste.

The history is scanned up to the moment. The statistics use residuals: the rating less the damped
mean of the movie just before it was rated.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.activity_clock import ActivityClock
from foreseen.features.movie_statistics import rows_before

COUNT, RATINGS, RESIDUALS, SQUARES, FAST, MEDIUM, SLOW, LAST, SINCE, SESSION, TENURE = range(11)
"""Columns of a user's state: sums over the history, moving means, the last residual, the seconds
since the last rating, the number of ratings in the current session, the seconds since the first.
Sessions are measured in time, the other two on the activity clock."""
STATE_COLUMNS: Final = 11
DECAYS: Final = (0.5, 0.85, 0.97)
"""Factor by which each new rating multiplies the weights of those before, per moving mean."""
RECENT_DAMPING: Final = 0.5
"""Weight, in ratings, of a residual of zero in the moving means."""
SESSION_GAP: Final = 1800
"""Seconds without a rating that end a session."""
FIRST_DECADE: Final = 1920
DECADES: Final = 10
"""Number of release decades: up to the 1920s, the 1930s, ..., the 2010s and later."""


@dataclass(frozen=True)
class UserHistories:
    """The ratings of every user in time order; H histories, E ratings.

    Attributes:
        starts: Where each history begins, of shape H + 1.
        movie: Rows in the catalogue, of shape E.
        rating: Stars, of shape E.
        residual: Rating less the damped mean of the movie when it was rated, of shape E.
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
        """Group a log in time order by user."""
        order = np.argsort(user, kind="stable")
        starts = np.searchsorted(user[order], np.arange(count + 1)).astype(np.int64)
        return cls(starts, movie[order], rating[order], residual[order], timestamp[order])

    def ends(self, user: NDArray[np.int32], moment: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the end of the history of N users as of N moments; 0 for an unknown user."""
        last = rows_before(self.starts, self.times, user, moment)
        return np.where(last >= 0, last + 1, self.starts[np.maximum(user, 0)])

    def known(self, user: NDArray[np.int32], moment: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of ratings of N users before N moments; 0 for an unknown user."""
        return self.ends(user, moment) - self.starts[np.maximum(user, 0)]


@dataclass(frozen=True)
class UserStatistics:
    """Users as of moments; P users, G genres, K release decades.

    Attributes:
        state: Of shape P x 11; see the names of the columns.
        genre_residuals, genre_counts: Sums of residuals and numbers of ratings, of shape P x G.
        decade_residuals, decade_counts: The same by release decade, of shape P x K.
    """

    state: NDArray[np.float64]
    genre_residuals: NDArray[np.float64]
    genre_counts: NDArray[np.float64]
    decade_residuals: NDArray[np.float64]
    decade_counts: NDArray[np.float64]


def user_statistics(
    histories: UserHistories,
    user: NDArray[np.int32],
    moment: NDArray[np.int64],
    clock: ActivityClock,
    genres: NDArray[np.float32],
    decade: NDArray[np.int64],
) -> UserStatistics:
    """Return the statistics of P users, each as of just before its moment.

    Args:
        histories: The histories.
        user: Rows in the histories, of shape P; -1 for a user without history.
        moment: Timestamps, of shape P.
        clock: The activity clock of the log.
        genres: Genre indicators of the catalogue, (C + 1) x G.
        decade: Release decades of the movies, of shape C + 1; see `release_decades`.
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
        decade,
    )
    known = np.flatnonzero(end > first)
    state = parts[0]
    for column, row in ((SINCE, end[known] - 1), (TENURE, first[known])):
        state[known, column] = clock.between(histories.times[row], moment[known])
    return UserStatistics(*parts)


def release_decades(years: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the decade of each year of release, from 0; -1 where the year is unknown."""
    decade = np.floor((np.nan_to_num(years, nan=0.0) - FIRST_DECADE) / 10)
    return np.where(np.isnan(years), -1, np.clip(decade, 0, DECADES - 1)).astype(np.int64)


def decade_name(decade: int) -> str:
    """Return the name of a release decade."""
    if decade == 0:
        return "the 1920s or before"
    if decade == DECADES - 1:
        return "the 2010s or later"
    return f"the {FIRST_DECADE + 10 * decade}s"


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
    decade: NDArray[np.int64],
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
]:
    count, genre_count = len(first), genres.shape[1]
    state = np.zeros((count, STATE_COLUMNS))
    genre_residuals = np.zeros((count, genre_count))
    genre_counts = np.zeros((count, genre_count))
    decade_residuals = np.zeros((count, DECADES))
    decade_counts = np.zeros((count, DECADES))
    weights, sums = np.zeros(3), np.zeros(3)
    session = 0
    for p in range(count):
        # The same user as of no later than the query before: continue that scan.
        begin = first[p]
        if p > 0 and first[p] == first[p - 1] and end[p] >= end[p - 1]:
            begin = end[p - 1]
            state[p, RATINGS : SQUARES + 1] = state[p - 1, RATINGS : SQUARES + 1]
            genre_residuals[p], genre_counts[p] = genre_residuals[p - 1], genre_counts[p - 1]
            decade_residuals[p], decade_counts[p] = decade_residuals[p - 1], decade_counts[p - 1]
        else:
            weights[:], sums[:] = 0.0, 0.0
            session = 0
        for row in range(begin, end[p]):
            value = residual[row]
            state[p, RATINGS] += rating[row]
            state[p, RESIDUALS] += value
            state[p, SQUARES] += value * value
            for speed in range(3):
                weights[speed] = weights[speed] * DECAYS[speed] + 1.0
                sums[speed] = sums[speed] * DECAYS[speed] + value
            new_session = row == first[p] or times[row] - times[row - 1] > SESSION_GAP
            session = 1 if new_session else session + 1
            for genre in range(genre_count):
                if genres[movie[row], genre] > 0:
                    genre_residuals[p, genre] += value
                    genre_counts[p, genre] += 1.0
            if decade[movie[row]] >= 0:
                decade_residuals[p, decade[movie[row]]] += value
                decade_counts[p, decade[movie[row]]] += 1.0
        known = end[p] - first[p]
        state[p, COUNT] = known
        state[p, SINCE] = np.inf
        if known > 0:
            for speed in range(3):
                state[p, FAST + speed] = sums[speed] / (weights[speed] + RECENT_DAMPING)
            state[p, LAST] = residual[end[p] - 1]
            in_session = moment[p] - times[end[p] - 1] <= SESSION_GAP
            state[p, SESSION] = session if in_session else 0
    return state, genre_residuals, genre_counts, decade_residuals, decade_counts
