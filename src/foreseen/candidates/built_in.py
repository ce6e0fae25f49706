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
from foreseen.features.interaction_log import LogView
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
POPULAR_LEADERS: Final = (POPULAR_YEAR, LIKED_YEAR)
"""Columns of popularity whose leaders are candidates."""
LEADING_COUNTS: Final = np.array([CO_WATCH_WINDOW_SQRT, CO_WATCH_20, CO_WATCH_WINDOW])
"""Columns of co-occurrence whose leaders are candidates, the latter two also by rarity."""
_FRANCHISE_DAMPING: Final = 1.0

_Rows = NDArray[np.intp]
_Values = NDArray[np.float64]


def _counts(index: "CandidateIndex") -> Generator:
    """Co-occurrence with the latest movies, and current popularity."""
    co_occurrence = index.co_occurrence

    def propose(request: Request) -> Proposal:
        popularity = request.popularity
        co_watch = co_watch_counts(co_occurrence, request.view, request.row, request.before)
        leaders = np.column_stack(
            [
                co_watch_leaders(co_watch[:, LEADING_COUNTS].T, rarity(popularity.views)).T,
                popularity.columns[:, POPULAR_LEADERS],
            ]
        )
        counts = np.column_stack([co_watch, popularity.columns[:, :LIKED_SHARE]])

        def features(movies: _Rows) -> _Values:
            logs = log_counts(counts[movies], largest(counts))
            return np.column_stack([logs, popularity.columns[movies, LIKED_SHARE]])

        near, recent = co_watch[:, CO_WATCH_WINDOW], popularity.columns[:, POPULAR_YEAR]
        return Proposal(features, leaders, _shares(near) + _shares(recent))

    return propose


def _genres(_index: "CandidateIndex") -> Generator:
    """Similarity of the genres to those of the history and of its latest movies."""

    def propose(request: Request) -> Proposal:
        return only_features(
            request.view,
            lambda movies: genre_features(
                request.view.catalogue.genre_weights, request.watched, movies
            ),
        )

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
            row = np.full(len(movies), request.row, dtype=np.int32)
            return encoded_features(request.view, row, movies, request.before)

        return only_features(request.view, features)

    return propose


def _franchises(_index: "CandidateIndex") -> Generator:
    """Of a movie's franchise, the log count watched and the mean rating, centred."""

    def propose(request: Request) -> Proposal:
        return only_features(
            request.view,
            lambda movies: franchise_features(
                request.view.catalogue.franchises, request.watched, request.rating, movies
            ),
        )

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


def rarity(views: _Values) -> _Values:
    """Return what counts of movies with `views` ratings are divided by, of shape C."""
    return (views + 1) ** _RARITY


def co_watch_leaders(counts: _Values, divisors: _Values) -> _Values:
    """Return the columns of co-occurrence whose leaders are candidates, of shape 5 x N.

    Args:
        counts: The columns `LEADING_COUNTS` of N movies, of shape 3 x N.
        divisors: Their `rarity`, of shape N.
    """
    return np.concatenate([counts, counts[1:] / divisors])


def log_counts(counts: _Values, most: _Values) -> _Values:
    """Return log counts of N movies, of shape N x K, relative to the largest of all, of shape K."""
    return np.log(counts / (most + _TINY) + _FLOOR)


def genre_features(genres: _Values, watched: NDArray[np.int32], movies: _Rows) -> _Values:
    """Return the features of the source of genres, of shape N x 2.

    Args:
        genres: Vectors of the movies of the catalogue, of shape C x G.
        watched: Rows of the history's movies, oldest first, of shape H.
        movies: Rows of the N movies.
    """
    profiles = (watched, watched[-_LATEST:])
    return np.column_stack([genres[movies] @ _mean_rows(genres, part) for part in profiles])


def encoded_features(view: LogView, row: NDArray[np.int32], movies: _Rows, before: int) -> _Values:
    """Return the features of the rating models that candidates have, of shape N x 8.

    Args:
        view: The view that holds the histories.
        row: Row of the history of each of N candidates.
        movies: Rows of their movies, of shape N.
        before: Only ratings strictly older count.
    """
    unknown = np.full(len(movies), UNKNOWN, dtype=np.int32)
    moment = np.full(len(movies), before, dtype=np.int64)
    encoded = encode(view, Queries(row, unknown, movies.astype(np.int32), moment))
    columns = [encoded.column(name) for name in _ENCODED]
    return np.column_stack(columns).astype(np.float64)


def franchise_features(
    franchises: NDArray[np.int32],
    watched: NDArray[np.int32],
    rating: _Values,
    movies: _Rows,
) -> _Values:
    """Return the features of the source of franchises, of shape N x 2.

    Args:
        franchises: Franchise of each movie of the catalogue.
        watched: Rows of the history's movies, of shape H.
        rating: Their ratings, of shape H.
        movies: Rows of the N movies.
    """
    distinct, franchise = np.unique(franchises[watched], return_inverse=True)
    centred = rating - rating.mean() if len(rating) else rating
    # The last place is that of all other franchises.
    count = np.append(np.bincount(franchise, minlength=len(distinct)), 0)
    liked = np.append(np.bincount(franchise, centred, minlength=len(distinct)), 0.0)
    wanted = franchises[movies]
    place = np.searchsorted(distinct, wanted)
    place[np.append(distinct, -1)[place] != wanted] = len(distinct)
    return np.column_stack(
        [np.log1p(count[place]), liked[place] / (count[place] + _FRANCHISE_DAMPING)]
    )


def _relative(counts: _Values, liked: _Values, movies: _Rows) -> _Values:
    """Return log counts relative to the largest, and liked sums relative to the largest."""
    widest = np.maximum(largest(liked), largest(-liked))
    return relative_counts(counts[movies], largest(counts), liked[movies], widest)


def relative_counts(counts: _Values, most: _Values, liked: _Values, widest: _Values) -> _Values:
    """Return log counts and liked sums of N movies relative to the largest of all movies.

    Args:
        counts: Of shape N x K.
        most: Largest counts, of shape K.
        liked: Of shape N x L.
        widest: Largest absolute values of the liked sums, of shape L.
    """
    most = np.maximum(most, 0)
    logs = np.log(np.maximum(counts, 0) / (most + _TINY) + _LOW)
    return np.column_stack([logs, liked / (widest + _TINY)])


def largest(values: _Values) -> _Values:
    """Return the largest of each column; for many columns at once NumPy is slower."""
    return np.array([column.max() for column in values.T])


def _shares(values: _Values) -> _Values:
    return values / max(float(values.sum()), 1e-12)


def _mean_rows(values: _Values, rows: NDArray[np.int32]) -> _Values:
    return values[rows].sum(axis=0) / max(len(rows), 1)
