"""Candidate generation: a few hundred movies a user may watch next, with features.

A movie is a candidate if it is among the leaders of one of a few counts: co-occurrence with the
user's latest movies, and current popularity. All counts and features are as of the moment of the
request, from ratings strictly older.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.co_occurrence import (
    CO_WATCH_20,
    CO_WATCH_FEATURES,
    CO_WATCH_WINDOW,
    CO_WATCH_WINDOW_SQRT,
    co_watch_counts,
)
from foreseen.candidates.ease import EASE_FEATURES
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.user_knn import KNN_FEATURES, knn_features
from foreseen.data.identifiers import UNKNOWN
from foreseen.features import movie_statistics as movies_at
from foreseen.features.encoder import encode
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import Queries

POPULARITY_FEATURES: Final = (
    "popular_year",
    "popular_season",
    "popular_days",
    "liked_year",
    "liked_share",
)
POPULAR_YEAR, POPULAR_SEASON, POPULAR_DAYS, LIKED_YEAR, LIKED_SHARE = range(5)
_ENCODED: Final = (
    "movie_views",
    "movie_bias",
    "movie_idle",
    "movie_age",
    "genre_affinity",
    "genre_ratings",
    "decade_affinity",
    "decade_ratings",
)
SEQUENCE_FEATURES: Final = (
    "sequence_next",
    "sequence_month",
    "sequence_next_trained",
    "sequence_month_trained",
)
"""Log probabilities by a sequence model: of the next movie, and of one of the next thirty days;
and the same times the share of the history that the model was trained on."""
CANDIDATE_FEATURES: Final = (
    *CO_WATCH_FEATURES,
    *POPULARITY_FEATURES,
    "genre_similarity",
    "genre_similarity_latest",
    *EASE_FEATURES,
    *KNN_FEATURES,
    *_ENCODED,
    "franchise_watched",
    "franchise_liked",
    *SEQUENCE_FEATURES,
    "predicted_rating",
)
_MOVIE_BIAS: Final = CANDIDATE_FEATURES.index("movie_bias")
_PREDICTED_RATING: Final = CANDIDATE_FEATURES.index("predicted_rating")
_LEADERS: Final = 150
"""Candidates from each count."""
_FLOOR: Final = 1e-4
_LOW: Final = 1e-3
_TINY: Final = 1e-12
_RARITY: Final = 0.3
_LATEST: Final = 10
_LIKED_DAMPING: Final = 5.0
_FRANCHISE_DAMPING: Final = 1.0


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


@dataclass(frozen=True)
class SequenceScores:
    """What a sequence model returns for a history as of a moment.

    Attributes:
        log_probability: Of every movie, to be the next one and to be one of the next thirty days,
            of shape C x 2.
        trained: Share of the history's ratings that the model was trained on.
    """

    log_probability: NDArray[np.float32]
    trained: float


@dataclass(frozen=True)
class Candidates:
    """The candidates of one user as of a moment.

    Attributes:
        movies: Rows of the catalogue, ascending, of shape N.
        values: Of shape N x F, in the order of `CANDIDATE_FEATURES`.
        known: Number of the user's ratings before the moment.
        fallback: Weights of all movies, of shape C, that rank those that are no candidates.
    """

    movies: NDArray[np.intp]
    values: NDArray[np.float64]
    known: int
    fallback: NDArray[np.float64]

    def with_ratings(self, rating: NDArray[np.float64]) -> "Candidates":
        """Return the candidates with predicted ratings, as deviations from the item bias.

        Args:
            rating: Predicted stars as of the moment, of shape N.
        """
        values = self.values.copy()
        values[:, _PREDICTED_RATING] = rating - values[:, _MOVIE_BIAS]
        return replace(self, values=values)


def find_candidates(
    index: CandidateIndex,
    view: LogView,
    row: int,
    before: int,
    popularity: Popularity,
    sequence: SequenceScores | None = None,
) -> Candidates:
    """Return the candidates for a history, its movies left out, without predicted ratings.

    Args:
        index: Over the log of the other users.
        view: The view of that log that holds the history.
        row: Row of the history in the view.
        before: Only ratings strictly older count.
        popularity: Of the log at that moment.
        sequence: By a sequence model; None without one.
    """
    catalogue, histories = view.catalogue, view.histories
    end = int(histories.ends(np.array([row], np.int32), np.array([before], np.int64))[0])
    rows = slice(int(histories.starts[row]), end)
    in_catalogue = histories.movie[rows] >= 0
    watched, rating = histories.movie[rows][in_catalogue], histories.rating[rows][in_catalogue]
    co_watch = co_watch_counts(index.co_occurrence, view, row, before)
    rarity = ((popularity.views + 1) ** _RARITY)[:, None]
    leaders = np.column_stack(
        [
            co_watch[:, [CO_WATCH_WINDOW_SQRT, CO_WATCH_20, CO_WATCH_WINDOW]],
            co_watch[:, [CO_WATCH_20, CO_WATCH_WINDOW]] / rarity,
            popularity.columns[:, [POPULAR_YEAR, LIKED_YEAR]],
        ]
    )
    if sequence is not None:
        leaders = np.column_stack([leaders, np.exp(sequence.log_probability)])
    leaders[watched] = -1
    movies = _union_of_leaders(leaders)
    genres = catalogue.genre_weights
    counts = np.column_stack([co_watch, popularity.columns[:, :LIKED_SHARE]])
    logs = np.log(counts[movies] / (_largest(counts) + _TINY) + _FLOOR)
    ease_model = index.ease.before(before)
    ease = (
        np.zeros((len(catalogue), len(EASE_FEATURES)))
        if ease_model is None
        else ease_model.scores(watched, rating, len(catalogue))
    )
    knn = knn_features(index.log, watched, rating, before)
    encoded = encode(view, _queries(row, movies, before))
    values = np.column_stack(
        [
            logs,
            popularity.columns[movies, LIKED_SHARE],
            genres[movies] @ _mean_rows(genres, watched),
            genres[movies] @ _mean_rows(genres, watched[-_LATEST:]),
            _relative(ease[:, :3], ease[:, 3:], movies),
            _relative(knn[:, ::2], knn[:, 1::2], movies),
            *(encoded.column(name) for name in _ENCODED),
            *_franchise_features(catalogue.franchises, watched, rating, movies),
            _sequence_features(sequence, movies),
            np.zeros(len(movies)),
        ]
    )
    if sequence is not None:
        fallback = np.exp(sequence.log_probability[:, 0]).astype(np.float64)
    else:
        near, recent = co_watch[:, CO_WATCH_WINDOW], popularity.columns[:, POPULAR_YEAR]
        fallback = near / max(float(near.sum()), 1e-12) + recent / max(float(recent.sum()), 1e-12)
    return Candidates(movies, values.astype(np.float64), len(watched), fallback + 1e-9)


def _queries(row: int, movies: NDArray[np.intp], before: int) -> Queries:
    unknown = np.full(len(movies), UNKNOWN, dtype=np.int32)
    moment = np.full(len(movies), before, dtype=np.int64)
    return Queries(np.full_like(unknown, row), unknown, movies.astype(np.int32), moment)


def _sequence_features(
    sequence: SequenceScores | None, movies: NDArray[np.intp]
) -> NDArray[np.float64]:
    if sequence is None:
        return np.zeros((len(movies), len(SEQUENCE_FEATURES)))
    values = sequence.log_probability[movies].astype(np.float64)
    return np.column_stack([values, sequence.trained * values])


def _franchise_features(
    franchises: NDArray[np.int32],
    watched: NDArray[np.int32],
    rating: NDArray[np.float64],
    movies: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, of a movie's franchise, the log count watched and the mean rating, centred."""
    count = np.bincount(franchises[watched], minlength=len(franchises))
    centred = rating - rating.mean() if len(rating) else rating
    liked = np.bincount(franchises[watched], centred, minlength=len(franchises))
    franchise = franchises[movies]
    return np.log1p(count[franchise]), liked[franchise] / (count[franchise] + _FRANCHISE_DAMPING)


def _union_of_leaders(leaders: NDArray[np.float64]) -> NDArray[np.intp]:
    chosen = np.zeros(len(leaders), dtype=np.bool_)
    for values in leaders.T:
        # Most movies of a large catalogue have a count of zero: only the others are sorted.
        rows = np.flatnonzero(values > 0)
        if len(rows) > _LEADERS:
            rows = rows[np.argpartition(values[rows], len(rows) - _LEADERS)[-_LEADERS:]]
        chosen[rows] = True
    return np.flatnonzero(chosen)


def _relative(
    counts: NDArray[np.float64], liked: NDArray[np.float64], movies: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return log counts relative to the largest, and liked sums relative to the largest."""
    most = np.maximum(_largest(counts), 0)
    logs = np.log(np.maximum(counts[movies], 0) / (most + _TINY) + _LOW)
    widest = np.maximum(_largest(liked), _largest(-liked))
    return np.column_stack([logs, liked[movies] / (widest + _TINY)])


def _largest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest of each column; for many columns at once NumPy is slower."""
    return np.array([column.max() for column in values.T])


def _mean_rows(values: NDArray[np.float64], rows: NDArray[np.int32]) -> NDArray[np.float64]:
    return values[rows].sum(axis=0) / max(len(rows), 1)
