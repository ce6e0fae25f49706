"""The candidates of many histories of one log, the same as those of each history alone.

Most counts are zero for most movies of a large catalogue: the sources of this package are computed
here for the movies that have any, and what all histories share is computed once. The features of
the rating models are computed for all histories together. Sources of other packages are asked for
one history after the other, as `foreseen.candidates.generator` does.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.built_in import (
    POPULAR_LEADERS,
    SEQUENCE_FEATURES,
    co_watch_leaders,
    encoded_features,
    franchise_features,
    genre_features,
    largest,
    log_counts,
    relative_counts,
)
from foreseen.candidates.co_occurrence import (
    CO_WATCH_FEATURES,
    CO_WATCH_WINDOW,
    CoOccurrence,
    add_co_watch_counts,
    counts_cache,
)
from foreseen.candidates.ease import EASE_FEATURES
from foreseen.candidates.generator import LEADERS, Candidates, find_candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.popularity import LIKED_SHARE, POPULAR_YEAR, Popularity
from foreseen.candidates.source import SequenceScores
from foreseen.candidates.user_knn import KNN_FEATURES, count_watched, nearest_users
from foreseen.compute.leaders import least_of_leaders
from foreseen.compute.threads import ThreadBuffers

_CACHED: Final = 25_000_000
"""Movies in all cached counts: more than for single histories, since all movies occur in turn."""
_LEAST: Final = 1e-9
_Rows = NDArray[np.intp]
_Values = NDArray[np.float64]


class BatchCandidates:
    """Finds candidates as of one moment for the histories of the users of a log."""

    def __init__(self, index: CandidateIndex, before: int) -> None:
        """Compute what all histories share.

        Args:
            index: Over the log.
            before: Only ratings strictly older count.
        """
        self._index, self._view, self._before = index, index.log.view, before
        self._co_occurrence = CoOccurrence(index.log, counts_cache(_CACHED))
        self._popularity = popularity = Popularity.of(index.log, before)
        self._most_popular = largest(popularity.columns[:, :LIKED_SHARE])
        columns = popularity.columns[:, POPULAR_LEADERS].T
        self._popular = [
            rows[column[rows] > 0]
            for column, rows in zip(columns, np.argsort(-columns, axis=1), strict=True)
        ]
        recent = popularity.columns[:, POPULAR_YEAR]
        self._recent = recent / max(float(recent.sum()), 1e-12)
        self._buffers = ThreadBuffers()

    def find(
        self, rows: NDArray[np.int32], sequence: Sequence[SequenceScores] | None
    ) -> list[Candidates]:
        """Return the candidates of B histories, without predicted ratings.

        Args:
            rows: Rows of the histories of the log.
            sequence: Of each history by a sequence model; None without one.
        """
        scores = [None] * len(rows) if sequence is None else sequence
        pairs = list(zip(map(int, rows), scores, strict=True))
        if self._index.others:
            index, view, before = self._index, self._view, self._before
            return [
                find_candidates(index, view, row, before, self._popularity, score)
                for row, score in pairs
            ]
        found = [self._find(row, score) for row, score in pairs]
        sizes = [len(movies) for movies, _, _ in found]
        movies = np.concatenate([movies for movies, _, _ in found])
        encoded = encoded_features(self._view, np.repeat(rows, sizes), movies, self._before)
        return [
            self._described(row, score, *part, features)
            for (row, score), part, features in zip(
                pairs, found, np.split(encoded, np.cumsum(sizes)[:-1]), strict=True
            )
        ]

    def _find(self, row: int, scores: SequenceScores | None) -> tuple[_Rows, _Values, _Values]:
        """Return the candidates of a history, their features of counts, and the fallback."""
        buffers = self._thread_buffers()
        size = add_co_watch_counts(
            self._co_occurrence, self._view, row, self._before, buffers.co_watch, buffers.found
        )
        movies, counts = buffers.taken(buffers.co_watch, size)
        is_watched, watched = buffers.is_watched, self._watched(row)
        is_watched[watched] = True
        unwatched = ~is_watched[movies]
        columns = co_watch_leaders(counts[unwatched], self._popularity.views[movies[unwatched]])
        leaders = [_leaders(movies[unwatched], column) for column in columns.T]
        for popular in self._popular:
            first = popular[: LEADERS + len(watched)]
            leaders.append(first[~is_watched[first]][:LEADERS])
        if scores is None:
            near = np.zeros(len(is_watched))
            near[movies] = counts[:, CO_WATCH_WINDOW]
            fallback = near / max(float(near.sum()), 1e-12) + self._recent
        else:
            score = np.array(scores.log_probability.T)
            fallback = np.exp(score[0])
            score[:, watched] = -np.inf
            leaders += [_leaders(None, column, -np.inf) for column in score]
        is_watched[watched] = False
        chosen = np.unique(np.concatenate(leaders)).astype(np.intp)
        most = np.concatenate([_largest_with_zero(counts), self._most_popular])
        buffers.co_watch[movies] = counts
        popularity = self._popularity.columns[chosen]
        values = np.column_stack([buffers.co_watch[chosen], popularity[:, :LIKED_SHARE]])
        buffers.co_watch[movies] = 0.0
        features = np.column_stack([log_counts(values, most), popularity[:, LIKED_SHARE]])
        return chosen, features, fallback + _LEAST

    def _described(
        self,
        row: int,
        scores: SequenceScores | None,
        movies: _Rows,
        counts: _Values,
        fallback: _Values,
        encoded: _Values,
    ) -> Candidates:
        """Return the candidates of a history with all features, given some of them."""
        catalogue, watched = self._view.catalogue, self._watched(row)
        rating = self._rating(row)
        sequence = np.zeros((len(movies), len(SEQUENCE_FEATURES)))
        if scores is not None:
            values = scores.log_probability[movies].astype(np.float64)
            sequence = np.column_stack([values, scores.trained * values])
        values = np.column_stack(
            [
                counts,
                genre_features(catalogue.genre_weights, watched, movies),
                self._ease(watched, rating, movies),
                self._neighbours(watched, rating, movies),
                encoded,
                franchise_features(catalogue.franchises, watched, rating, movies),
                sequence,
                np.zeros(len(movies)),
            ]
        )
        return Candidates(movies, values, len(watched), fallback)

    def _known(self, row: int) -> slice:
        histories = self._view.histories
        rows = np.array([row], dtype=np.int32)
        end = histories.ends(rows, np.array([self._before], dtype=np.int64))
        return slice(int(histories.starts[row]), int(end[0]))

    def _watched(self, row: int) -> NDArray[np.int32]:
        return self._view.histories.movie[self._known(row)]

    def _rating(self, row: int) -> _Values:
        return self._view.histories.rating[self._known(row)]

    def _ease(self, watched: NDArray[np.int32], rating: _Values, movies: _Rows) -> _Values:
        model = self._index.ease.before(self._before)
        taking_part = np.empty(0, dtype=np.intp) if model is None else model.movies
        scores = np.zeros((len(taking_part) + 1, len(EASE_FEATURES)))
        if model is not None:
            scores[:-1] = model.own_scores(watched, rating)
        # The last row is that of all other movies.
        place = np.searchsorted(taking_part, movies)
        place[np.append(taking_part, -1)[place] != movies] = len(taking_part)
        liked = scores[:, 3:]
        return relative_counts(
            scores[place, :3], largest(scores[:, :3]), liked[place], largest(np.abs(liked))
        )

    def _neighbours(self, watched: NDArray[np.int32], rating: _Values, movies: _Rows) -> _Values:
        log, buffers = self._index.log, self._thread_buffers()
        histories = log.histories
        size = count_watched(
            *nearest_users(log, watched, rating, self._before), histories.starts, histories.movie,
            histories.rating, histories.times, self._before, buffers.knn, buffers.found,
        )  # fmt: skip
        buffers.knn[watched] = 0.0
        near = buffers.found[:size]
        most = _largest_with_zero(buffers.knn[near][:, ::2])
        widest = _largest_with_zero(np.abs(buffers.knn[near][:, 1::2]))
        values = buffers.knn[movies]
        buffers.knn[near] = 0.0
        return relative_counts(values[:, ::2], most, values[:, 1::2], widest)

    def _thread_buffers(self) -> "_Buffers":
        buffers = getattr(self._buffers, "value", None)
        if not isinstance(buffers, _Buffers):
            buffers = self._buffers.value = _Buffers(len(self._view.catalogue))
        return buffers


class _Buffers:
    """Arrays over all movies that are zero between two histories; one set per thread."""

    def __init__(self, count: int) -> None:
        self.co_watch: Final = np.zeros((count, len(CO_WATCH_FEATURES)))
        self.knn: Final = np.zeros((count, len(KNN_FEATURES)))
        self.is_watched: Final = np.zeros(count, dtype=np.bool_)
        self.found: Final = np.empty(count, dtype=np.int32)

    def taken(self, counts: _Values, size: int) -> tuple[NDArray[np.int32], _Values]:
        """Return the movies found with their counts, and set these to zero."""
        movies = self.found[:size].copy()
        values = counts[movies]
        counts[movies] = 0.0
        return movies, values


def _largest_with_zero(values: _Values) -> _Values:
    """Return the largest of each column, and of zero."""
    return np.max(values, axis=0, initial=0.0)


def _leaders(
    movies: NDArray[np.int32] | None, values: NDArray[np.floating], above: float = 0.0
) -> NDArray[np.integer]:
    """Return the movies with the highest values above a bound, in any order."""
    rows = np.flatnonzero((values >= least_of_leaders(values, LEADERS)) & (values > above))
    if len(rows) > LEADERS:
        rows = rows[np.argpartition(values[rows], len(rows) - LEADERS)[-LEADERS:]]
    return rows if movies is None else movies[rows]
