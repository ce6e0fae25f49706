"""Features of (user, movie, moment), documented in docs/features.md in the same order.

All features are computed as of the moment of the query, through `LogView`; training, evaluation
and serving call the same function.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features import movie_statistics as movies_at
from foreseen.features import user_statistics as users_at
from foreseen.features.interaction_log import MOVIE_DAMPING, USER_DAMPING, LogView
from foreseen.features.queries import Queries
from foreseen.features.user_statistics import UserStatistics

FEATURES: Final = (
    # the movie
    "movie_views",
    "movie_bias",
    "movie_spread",
    "movie_recent_bias",
    "movie_popularity",
    "movie_idle",
    "movie_age",
    "movie_year",
    "movie_year_unknown",
    # the user
    "user_ratings",
    "user_bias",
    "user_spread",
    "user_bias_fast",
    "user_bias_medium",
    "user_bias_slow",
    "user_last",
    "user_idle",
    "user_just_rated",
    "user_session",
    "user_tenure",
    # the user and the movie
    "genre_affinity",
    "genre_ratings",
    "decade_affinity",
    "decade_ratings",
    "popularity_session",
)
GENRE_DAMPING: Final = 5.0
"""Ratings at the user's mean that are added to those of a genre or a release decade."""
SPREAD_DAMPING: Final = 5.0
PRIOR_SPREAD: Final = 1.0
_DAY: Final = 86_400
_LONGEST: Final = 20 * 365 * _DAY
_YEAR_UNKNOWN: Final = 1990.0


@dataclass(frozen=True)
class Encoded:
    """Features of N queries.

    Attributes:
        expected: Global mean plus item bias plus user bias, in stars, of shape N.
        values: Of shape N x F, in the order of `FEATURES`.
    """

    expected: NDArray[np.float64]
    values: NDArray[np.float32]

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one feature by its name, of shape N."""
        return self.values[:, FEATURES.index(name)]

    def part(self, rows: NDArray[np.intp] | slice) -> "Encoded":
        """Return the features of some of the queries."""
        return Encoded(self.expected[rows], self.values[rows])


def encode(view: LogView, queries: Queries) -> Encoded:
    """Return the features of N queries, each as of its moment."""
    position, users = _distinct_users(view, queries)
    global_mean = view.log.global_mean(queries.before)
    columns = {
        **_movie_features(view, queries, global_mean),
        **_user_features(users, position),
        **_affinities(view, queries.movie, users, position),
    }
    columns["popularity_session"] = columns["movie_popularity"] * columns["user_session"]
    expected = global_mean + columns["movie_bias"] + columns["user_bias"]
    values = np.empty((len(queries), len(FEATURES)), dtype=np.float32)
    for number, name in enumerate(FEATURES):
        values[:, number] = columns[name]
    return Encoded(expected, values)


def _distinct_users(view: LogView, queries: Queries) -> tuple[NDArray[np.intp], UserStatistics]:
    """Return statistics of each distinct (user, moment), and the entry of each query in them."""
    history, before = queries.history, queries.before
    order = np.lexsort((before, history))
    history, before = history[order], before[order]
    new = np.append(True, (history[1:] != history[:-1]) | (before[1:] != before[:-1]))[: len(order)]
    position = np.empty(len(order), dtype=np.intp)
    position[order] = np.cumsum(new) - 1
    return position, view.statistics(history[new], before[new])


def _movie_features(
    view: LogView, queries: Queries, global_mean: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    states, idle = view.log.movies.before(queries.movie, queries.before)
    count = states[:, movies_at.COUNT]
    bias = states[:, movies_at.OFFSETS] / (count + MOVIE_DAMPING)
    recent = states[:, movies_at.RECENT_OFFSETS] / (
        states[:, movies_at.RECENT_COUNT] + MOVIE_DAMPING
    )
    mean = (states[:, movies_at.TOTAL] + global_mean) / (count + 1)
    squares = states[:, movies_at.SQUARES] - 2 * mean * states[:, movies_at.TOTAL]
    deviation = np.maximum(squares + count * mean**2, 0)
    year = view.catalogue.years[queries.movie]
    unknown = np.isnan(year)
    now = 1970 + view.log.clock.date(queries.before) / (365.25 * _DAY)
    return {
        "movie_views": np.log1p(count),
        "movie_bias": bias,
        "movie_spread": np.sqrt(
            (deviation + SPREAD_DAMPING * PRIOR_SPREAD) / (count + SPREAD_DAMPING)
        ),
        "movie_recent_bias": recent - bias,
        "movie_popularity": np.log1p(states[:, movies_at.POPULARITY]),
        "movie_idle": _log_seconds(idle),
        "movie_age": np.where(unknown, 0, np.log1p(np.maximum(now - year, 0))),
        "movie_year": (np.where(unknown, _YEAR_UNKNOWN, year) - _YEAR_UNKNOWN) / 10,
        "movie_year_unknown": unknown.astype(np.float64),
    }


def _user_features(
    users: UserStatistics, position: NDArray[np.intp]
) -> dict[str, NDArray[np.float64]]:
    state = users.state
    count = state[:, users_at.COUNT]
    bias = state[:, users_at.RESIDUALS] / (count + USER_DAMPING)
    mean = state[:, users_at.RESIDUALS] / np.maximum(count, 1)
    deviation = np.maximum(state[:, users_at.SQUARES] - count * mean**2, 0)
    spread = np.sqrt((deviation + SPREAD_DAMPING * PRIOR_SPREAD) / (count + SPREAD_DAMPING))
    columns = {
        "user_ratings": np.log1p(count),
        "user_bias": bias,
        "user_spread": spread,
        "user_bias_fast": state[:, users_at.FAST] - bias,
        "user_bias_medium": state[:, users_at.MEDIUM] - bias,
        "user_bias_slow": state[:, users_at.SLOW] - bias,
        "user_last": np.where(count > 0, state[:, users_at.LAST] - bias, 0),
        "user_idle": _log_seconds(state[:, users_at.SINCE]),
        "user_just_rated": np.where(state[:, users_at.SINCE] <= 1, 1.0, 0.0),
        "user_session": np.log1p(state[:, users_at.SESSION]),
        "user_tenure": _log_seconds(state[:, users_at.TENURE]),
    }
    return {name: values[position] for name, values in columns.items()}


def _affinities(
    view: LogView,
    movie: NDArray[np.int32],
    users: UserStatistics,
    position: NDArray[np.intp],
) -> dict[str, NDArray[np.float64]]:
    by_genre, by_decade = taste(users)
    genres = view.catalogue.genres[movie].astype(np.float64)
    number = np.maximum(genres.sum(axis=1), 1)
    decade = view.log.decade[movie]
    known = decade >= 0
    return {
        "genre_affinity": np.einsum("ng,ng->n", by_genre[position], genres) / number,
        "genre_ratings": np.log1p(
            np.einsum("ng,ng->n", users.genre_counts[position], genres) / number
        ),
        "decade_affinity": np.where(known, by_decade[position, decade], 0),
        "decade_ratings": np.where(known, np.log1p(users.decade_counts[position, decade]), 0),
    }


def taste(users: UserStatistics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return damped mean residuals of users by genre (P x G) and by release decade (P x K).

    They are relative to the user bias: above zero the user rates the genre above their mean.
    """
    count = users.state[:, users_at.COUNT]
    bias = (users.state[:, users_at.RESIDUALS] / (count + USER_DAMPING))[:, None]
    by_genre = (users.genre_residuals - bias * users.genre_counts) / (
        users.genre_counts + GENRE_DAMPING
    )
    by_decade = (users.decade_residuals - bias * users.decade_counts) / (
        users.decade_counts + GENRE_DAMPING
    )
    return by_genre, by_decade


def _log_seconds(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log1p(np.minimum(seconds, _LONGEST) / 60)
