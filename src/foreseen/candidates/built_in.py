"""The sources of candidates of this package."""

from typing import TYPE_CHECKING, Final

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
from foreseen.candidates.popularity import (
    LIKED_SHARE,
    LIKED_YEAR,
    POPULAR_YEAR,
    POPULARITY_FEATURES,
)
from foreseen.candidates.source import (
    CandidateSource,
    Generator,
    Proposal,
    Request,
    feature_names,
    only_features,
)
from foreseen.candidates.user_knn import KNN_FEATURES, knn_features
from foreseen.data.identifiers import UNKNOWN
from foreseen.features.encoder import encode
from foreseen.features.queries import Queries

if TYPE_CHECKING:
    from foreseen.candidates.index import CandidateIndex

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
PREDICTED_RATING: Final = "predicted_rating"
MOVIE_BIAS: Final = "movie_bias"
_FLOOR: Final = 1e-4
_LOW: Final = 1e-3
_TINY: Final = 1e-12
_RARITY: Final = 0.3
_LATEST: Final = 10
_FRANCHISE_DAMPING: Final = 1.0

_Rows = NDArray[np.intp]
_Values = NDArray[np.float64]


def _counts(index: "CandidateIndex") -> Generator:
    """Co-occurrence with the latest movies, and current popularity."""
    co_occurrence = index.co_occurrence

    def propose(request: Request) -> Proposal:
        popularity = request.popularity
        co_watch = co_watch_counts(co_occurrence, request.view, request.row, request.before)
        rarity = ((popularity.views + 1) ** _RARITY)[:, None]
        leaders = np.column_stack(
            [
                co_watch[:, [CO_WATCH_WINDOW_SQRT, CO_WATCH_20, CO_WATCH_WINDOW]],
                co_watch[:, [CO_WATCH_20, CO_WATCH_WINDOW]] / rarity,
                popularity.columns[:, [POPULAR_YEAR, LIKED_YEAR]],
            ]
        )
        counts = np.column_stack([co_watch, popularity.columns[:, :LIKED_SHARE]])

        def features(movies: _Rows) -> _Values:
            logs = np.log(counts[movies] / (_largest(counts) + _TINY) + _FLOOR)
            return np.column_stack([logs, popularity.columns[movies, LIKED_SHARE]])

        near, recent = co_watch[:, CO_WATCH_WINDOW], popularity.columns[:, POPULAR_YEAR]
        return Proposal(features, leaders, _shares(near) + _shares(recent))

    return propose


def _genres(_index: "CandidateIndex") -> Generator:
    """Similarity of the genres to those of the history and of its latest movies."""

    def propose(request: Request) -> Proposal:
        genres = request.view.catalogue.genre_weights
        watched = request.watched

        def features(movies: _Rows) -> _Values:
            profiles = (watched, watched[-_LATEST:])
            return np.column_stack([genres[movies] @ _mean_rows(genres, p) for p in profiles])

        return only_features(request.view, features)

    return propose


def _ease(index: "CandidateIndex") -> Generator:
    """Scores by a linear autoencoder."""
    models = index.ease

    def propose(request: Request) -> Proposal:
        count = len(request.view.catalogue)
        model = models.before(request.before)
        scores = (
            np.zeros((count, len(EASE_FEATURES)))
            if model is None
            else model.scores(request.watched, request.rating, count)
        )
        return only_features(
            request.view, lambda movies: _relative(scores[:, :3], scores[:, 3:], movies)
        )

    return propose


def _neighbours(index: "CandidateIndex") -> Generator:
    """What users with similar histories watched."""
    log = index.log

    def propose(request: Request) -> Proposal:
        knn = knn_features(log, request.watched, request.rating, request.before)
        return only_features(
            request.view, lambda movies: _relative(knn[:, ::2], knn[:, 1::2], movies)
        )

    return propose


def _point_in_time(_index: "CandidateIndex") -> Generator:
    """Features of the rating models."""

    def propose(request: Request) -> Proposal:
        def features(movies: _Rows) -> _Values:
            unknown = np.full(len(movies), UNKNOWN, dtype=np.int32)
            moment = np.full(len(movies), request.before, dtype=np.int64)
            row = np.full_like(unknown, request.row)
            queries = Queries(row, unknown, movies.astype(np.int32), moment)
            encoded = encode(request.view, queries)
            columns = [encoded.column(name) for name in _ENCODED]
            return np.column_stack(columns).astype(np.float64)

        return only_features(request.view, features)

    return propose


def _franchises(_index: "CandidateIndex") -> Generator:
    """Of a movie's franchise, the log count watched and the mean rating, centred."""

    def propose(request: Request) -> Proposal:
        franchises, watched = request.view.catalogue.franchises, request.watched
        rating = request.rating

        def features(movies: _Rows) -> _Values:
            count = np.bincount(franchises[watched], minlength=len(franchises))
            centred = rating - rating.mean() if len(rating) else rating
            liked = np.bincount(franchises[watched], centred, minlength=len(franchises))
            franchise = franchises[movies]
            mean = liked[franchise] / (count[franchise] + _FRANCHISE_DAMPING)
            return np.column_stack([np.log1p(count[franchise]), mean])

        return only_features(request.view, features)

    return propose


def _sequence(_index: "CandidateIndex") -> Generator:
    """Log probabilities by the sequence model, zero without one."""

    def propose(request: Request) -> Proposal:
        scores = request.sequence
        if scores is None:
            return only_features(
                request.view, lambda movies: np.zeros((len(movies), len(SEQUENCE_FEATURES)))
            )

        def features(movies: _Rows) -> _Values:
            values = scores.log_probability[movies].astype(np.float64)
            return np.column_stack([values, scores.trained * values])

        probability = np.exp(scores.log_probability).astype(np.float64)
        return Proposal(features, probability, probability[:, 0])

    return propose


def _ratings(_index: "CandidateIndex") -> Generator:
    """A place for the predicted rating; see `Candidates.with_ratings`."""
    return lambda request: only_features(request.view, lambda movies: np.zeros((len(movies), 1)))


BUILT_IN: Final = (
    CandidateSource("counts", (*CO_WATCH_FEATURES, *POPULARITY_FEATURES), _counts),
    CandidateSource("genres", ("genre_similarity", "genre_similarity_latest"), _genres),
    CandidateSource("EASE", EASE_FEATURES, _ease),
    CandidateSource("user kNN", KNN_FEATURES, _neighbours),
    CandidateSource("point-in-time features", _ENCODED, _point_in_time),
    CandidateSource("franchises", ("franchise_watched", "franchise_liked"), _franchises),
    CandidateSource("sequence model", SEQUENCE_FEATURES, _sequence),
    CandidateSource("rating model", (PREDICTED_RATING,), _ratings),
)
"""Every model uses them, before those of other packages."""
CANDIDATE_FEATURES: Final = feature_names(BUILT_IN)


def _relative(counts: _Values, liked: _Values, movies: _Rows) -> _Values:
    """Return log counts relative to the largest, and liked sums relative to the largest."""
    most = np.maximum(_largest(counts), 0)
    logs = np.log(np.maximum(counts[movies], 0) / (most + _TINY) + _LOW)
    widest = np.maximum(_largest(liked), _largest(-liked))
    return np.column_stack([logs, liked[movies] / (widest + _TINY)])


def _largest(values: _Values) -> _Values:
    """Return the largest of each column; for many columns at once NumPy is slower."""
    return np.array([column.max() for column in values.T])


def _shares(values: _Values) -> _Values:
    return values / max(float(values.sum()), 1e-12)


def _mean_rows(values: _Values, rows: NDArray[np.int32]) -> _Values:
    return values[rows].sum(axis=0) / max(len(rows), 1)
