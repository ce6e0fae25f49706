"""The features of (user, movie, moment): what docs/features.md explains, in the same order.

Everything here looks back from the moment through `Timeline`, whether it is asked by training,
by evaluation or by serving.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features import movie_statistics as movies_at
from foreseen.features import user_statistics as users_at
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import MOVIE_DAMPING, USER_DAMPING, Timeline
from foreseen.features.user_statistics import Profiles

FEATURES: Final = (
    # the movie
    "movie_views",
    "movie_worth",
    "movie_spread",
    "movie_recent_worth",
    "movie_popularity",
    "movie_idle",
    "movie_age",
    "movie_year",
    "movie_year_unknown",
    # the user
    "user_ratings",
    "user_kindness",
    "user_spread",
    "user_mood_fast",
    "user_mood_medium",
    "user_mood_slow",
    "user_last",
    "user_idle",
    "user_just_rated",
    "user_session",
    "user_tenure",
    # the user and the movie
    "genre_affinity",
    "genre_ratings",
    "era_affinity",
    "era_ratings",
    "popularity_session",
)
GENRE_DAMPING: Final = 5.0
"""Ratings at the user's own level that are added to those of a genre or an era."""
SPREAD_DAMPING: Final = 5.0
PRIOR_SPREAD: Final = 1.0
_DAY: Final = 86_400
_LONGEST: Final = 20 * 365 * _DAY
_YEAR_UNKNOWN: Final = 1990.0


@dataclass(frozen=True)
class Encoded:
    """N questions as numbers.

    Attributes:
        expected: What kindness and worth alone would predict, in stars, of shape N.
        values: Of shape N x F, in the order of `FEATURES`.
    """

    expected: NDArray[np.float64]
    values: NDArray[np.float32]

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one feature by its name, of shape N."""
        return self.values[:, FEATURES.index(name)]

    def part(self, rows: NDArray[np.intp] | slice) -> "Encoded":
        """Return the features of some of the questions."""
        return Encoded(self.expected[rows], self.values[rows])


def encode(timeline: Timeline, queries: Queries) -> Encoded:
    """Return the features of N questions, each as of its own moment."""
    place, profiles = _shared_profiles(timeline, queries)
    movie, before = queries.movie, queries.before
    level = timeline.world_level(before)
    columns = {
        **_movie_features(timeline, queries, level),
        **_user_features(profiles, place),
        **_affinities(timeline, movie, profiles, place),
    }
    columns["popularity_session"] = columns["movie_popularity"] * columns["user_session"]
    expected = level + columns["movie_worth"] + columns["user_kindness"]
    values = np.empty((len(queries), len(FEATURES)), dtype=np.float32)
    for position, name in enumerate(FEATURES):
        values[:, position] = columns[name]
    return Encoded(expected, values)


def _shared_profiles(timeline: Timeline, queries: Queries) -> tuple[NDArray[np.intp], Profiles]:
    """Profile each (user, moment) once, in their order, however many movies are asked about."""
    history, before = queries.history, queries.before
    order = np.lexsort((before, history))
    history, before = history[order], before[order]
    new = np.append(True, (history[1:] != history[:-1]) | (before[1:] != before[:-1]))[: len(order)]
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.cumsum(new) - 1
    return place, timeline.profiles(history[new], before[new])


def _movie_features(
    timeline: Timeline, queries: Queries, level: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    states, idle = timeline.movies.before(queries.movie, queries.before)
    count = states[:, movies_at.COUNT]
    worth = states[:, movies_at.OFFSETS] / (count + MOVIE_DAMPING)
    recent = states[:, movies_at.RECENT_OFFSETS] / (
        states[:, movies_at.RECENT_COUNT] + MOVIE_DAMPING
    )
    mean = (states[:, movies_at.TOTAL] + level) / (count + 1)
    squares = states[:, movies_at.SQUARES] - 2 * mean * states[:, movies_at.TOTAL]
    deviation = np.maximum(squares + count * mean**2, 0)
    year = timeline.catalogue.years[queries.movie]
    unknown = np.isnan(year)
    now = 1970 + queries.before / (365.25 * _DAY)
    return {
        "movie_views": np.log1p(count),
        "movie_worth": worth,
        "movie_spread": np.sqrt(
            (deviation + SPREAD_DAMPING * PRIOR_SPREAD) / (count + SPREAD_DAMPING)
        ),
        "movie_recent_worth": recent - worth,
        "movie_popularity": np.log1p(states[:, movies_at.POPULARITY]),
        "movie_idle": _log_seconds(idle),
        "movie_age": np.where(unknown, 0, np.log1p(np.maximum(now - year, 0))),
        "movie_year": (np.where(unknown, _YEAR_UNKNOWN, year) - _YEAR_UNKNOWN) / 10,
        "movie_year_unknown": unknown.astype(np.float64),
    }


def _user_features(profiles: Profiles, place: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
    level = profiles.level
    count = level[:, users_at.COUNT]
    kindness = level[:, users_at.RESIDUALS] / (count + USER_DAMPING)
    mean = level[:, users_at.RESIDUALS] / np.maximum(count, 1)
    deviation = np.maximum(level[:, users_at.SQUARES] - count * mean**2, 0)
    spread = np.sqrt((deviation + SPREAD_DAMPING * PRIOR_SPREAD) / (count + SPREAD_DAMPING))
    columns = {
        "user_ratings": np.log1p(count),
        "user_kindness": kindness,
        "user_spread": spread,
        "user_mood_fast": level[:, users_at.FAST] - kindness,
        "user_mood_medium": level[:, users_at.MEDIUM] - kindness,
        "user_mood_slow": level[:, users_at.SLOW] - kindness,
        "user_last": np.where(count > 0, level[:, users_at.LAST] - kindness, 0),
        "user_idle": _log_seconds(level[:, users_at.SINCE]),
        "user_just_rated": np.where(level[:, users_at.SINCE] <= 1, 1.0, 0.0),
        "user_session": np.log1p(level[:, users_at.SESSION]),
        "user_tenure": _log_seconds(level[:, users_at.TENURE]),
    }
    return {name: values[place] for name, values in columns.items()}


def _affinities(
    timeline: Timeline,
    movie: NDArray[np.int32],
    profiles: Profiles,
    place: NDArray[np.intp],
) -> dict[str, NDArray[np.float64]]:
    by_genre, by_era = taste(profiles)
    genres = timeline.catalogue.genres[movie].astype(np.float64)
    number = np.maximum(genres.sum(axis=1), 1)
    era = timeline.era[movie]
    known = era >= 0
    return {
        "genre_affinity": np.einsum("ng,ng->n", by_genre[place], genres) / number,
        "genre_ratings": np.log1p(
            np.einsum("ng,ng->n", profiles.genre_counts[place], genres) / number
        ),
        "era_affinity": np.where(known, by_era[place, era], 0),
        "era_ratings": np.where(known, np.log1p(profiles.era_counts[place, era]), 0),
    }


def taste(profiles: Profiles) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far above their own level users rate each genre (P x G) and era (P x K)."""
    count = profiles.level[:, users_at.COUNT]
    own = (profiles.level[:, users_at.RESIDUALS] / (count + USER_DAMPING))[:, None]
    by_genre = (profiles.genre_residuals - own * profiles.genre_counts) / (
        profiles.genre_counts + GENRE_DAMPING
    )
    by_era = (profiles.era_residuals - own * profiles.era_counts) / (
        profiles.era_counts + GENRE_DAMPING
    )
    return by_genre, by_era


def _log_seconds(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log1p(np.minimum(seconds, _LONGEST) / 60)
