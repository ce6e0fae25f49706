"""The candidates of histories as of one moment, the same as those of `find_candidates`.

Most counts are zero for most movies of a large catalogue: the sources of this package are computed
here for the movies that have any, and what all histories share is computed once. The features of
the rating models are computed for all histories together. Sources of other packages are asked for
one history after the other, as `foreseen.candidates.generator` does.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.built_in import (
    LEADING_COUNTS,
    POPULAR_LEADERS,
    SEQUENCE_FEATURES,
    co_watch_leaders,
    encoded_features,
    franchise_features,
    genre_features,
    largest,
    log_counts,
    rarity,
    relative_counts,
)
from foreseen.candidates.co_occurrence import (
    CO_WATCH_FEATURES,
    CO_WATCH_WINDOW,
    CoOccurrence,
    add_co_watch_counts,
)
from foreseen.candidates.ease import EASE_FEATURES
from foreseen.candidates.generator import LEADERS, Candidates, candidates_of_sources
from foreseen.candidates.popularity import LIKED_SHARE, POPULAR_YEAR, Popularity
from foreseen.candidates.source import SequenceScores
from foreseen.candidates.sparse_counts import SparseCounts
from foreseen.candidates.user_knn import KNN_FEATURES, count_watched, nearest_users
from foreseen.compute.leaders import least_of_leaders
from foreseen.compute.threads import ThreadBuffers
from foreseen.features.interaction_log import LogView

if TYPE_CHECKING:
    from foreseen.candidates.index import CandidateIndex

_LEAST: Final = 1e-9
_Rows = NDArray[np.intp]
_Values = NDArray[np.float64]


class _History(NamedTuple):
    """The movies of a history in the catalogue and their ratings, oldest first, each of shape H."""

    watched: NDArray[np.int32]
    rating: _Values


class BatchCandidates:
    """Finds candidates as of one moment for histories of a log or of views of it."""

    def __init__(
        self, index: "CandidateIndex", before: int, co_occurrence: CoOccurrence | None = None
    ) -> None:
        """Compute what all histories share.

        Args:
            index: Over the log.
            before: Only ratings strictly older count.
            co_occurrence: Of the log; None for that of the index, whose cache is smaller.
        """
        # Not the index, which holds this object: a cycle would outlive its model.
        self._log, self._before = index.log, before
        self._generators = index.generators if index.others else ()
        self._ease_models = index.ease
        self._co_occurrence = index.co_occurrence if co_occurrence is None else co_occurrence
        self._popularity = popularity = Popularity.of(index.log, before)
        self._rarity = rarity(popularity.views)
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
        self, view: LogView, rows: NDArray[np.int32], sequence: Sequence[SequenceScores] | None
    ) -> list[Candidates]:
        """Return the candidates of B histories, without predicted ratings.

        Args:
            view: The view of the log that holds the histories.
            rows: Their rows in the view.
            sequence: Of each history by a sequence model; None without one.
        """
        scores = [None] * len(rows) if sequence is None else sequence
        pairs = list(zip(map(int, rows), scores, strict=True))
        if self._generators:
            return [
                candidates_of_sources(
                    self._generators, view, row, self._before, self._popularity, score
                )
                for row, score in pairs
            ]
        try:
            return self._find_all(view, rows, pairs)
        except BaseException:
            # Counts that are left behind would be added to those of the next history.
            self._buffers.value = None
            raise

    def _find_all(
        self,
        view: LogView,
        rows: NDArray[np.int32],
        pairs: Sequence[tuple[int, SequenceScores | None]],
    ) -> list[Candidates]:
        histories = [self._history(view, row) for row, _ in pairs]
        found = [
            self._find(view, row, history.watched, score)
            for (row, score), history in zip(pairs, histories, strict=True)
        ]
        sizes = [len(movies) for movies, _, _ in found]
        movies = np.concatenate([movies for movies, _, _ in found])
        encoded = encoded_features(view, np.repeat(rows, sizes), movies, self._before)
        return [
            self._described(history, score, *part, features)
            for history, (_, score), part, features in zip(
                histories, pairs, found, np.split(encoded, np.cumsum(sizes)[:-1]), strict=True
            )
        ]

    def _history(self, view: LogView, row: int) -> _History:
        histories = view.histories
        end = histories.ends(np.array([row], np.int32), np.array([self._before], np.int64))
        known = slice(int(histories.starts[row]), int(end[0]))
        in_catalogue = histories.movie[known] >= 0
        return _History(histories.movie[known][in_catalogue], histories.rating[known][in_catalogue])

    def _find(
        self, view: LogView, row: int, watched: NDArray[np.int32], scores: SequenceScores | None
    ) -> tuple[_Rows, _Values, _Values]:
        """Return the candidates of a history, their features of counts, and the fallback."""
        buffers = self._thread_buffers()
        counts, is_watched = buffers.co_watch, buffers.is_watched
        counts.size = add_co_watch_counts(
            self._co_occurrence, view, row, self._before, counts.values, counts.found
        )
        is_watched[watched] = True
        unwatched, leading = counts.without(is_watched, LEADING_COUNTS)
        columns = co_watch_leaders(leading, self._rarity[unwatched])
        leaders = [_leaders(unwatched, column) for column in columns]
        for popular in self._popular:
            first = popular[: LEADERS + len(watched)]
            leaders.append(first[~is_watched[first]][:LEADERS])
        is_watched[watched] = False
        if scores is None:
            near = counts.values[:, CO_WATCH_WINDOW]
            fallback = near / max(float(near.sum()), 1e-12) + self._recent
        else:
            score = scores.log_probability.T.copy()
            fallback = np.exp(score[0])
            score[:, watched] = -np.inf
            leaders += [_leaders(None, column, -np.inf) for column in score]
        chosen = np.unique(np.concatenate(leaders)).astype(np.intp)
        most = np.concatenate([counts.extremes()[1], self._most_popular])
        popularity = self._popularity.columns[chosen]
        values = np.column_stack([counts.values[chosen], popularity[:, :LIKED_SHARE]])
        counts.clear()
        features = np.column_stack([log_counts(values, most), popularity[:, LIKED_SHARE]])
        return chosen, features, fallback + _LEAST

    def _described(
        self,
        history: _History,
        scores: SequenceScores | None,
        movies: _Rows,
        counts: _Values,
        fallback: _Values,
        encoded: _Values,
    ) -> Candidates:
        """Return the candidates of a history with all features, given some of them."""
        catalogue, (watched, rating) = self._log.catalogue, history
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

    def _ease(self, watched: NDArray[np.int32], rating: _Values, movies: _Rows) -> _Values:
        model = self._ease_models.before(self._before)
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
        log, counts = self._log, self._thread_buffers().knn
        histories = log.histories
        counts.size = count_watched(
            *nearest_users(log, watched, rating, self._before), histories.starts, histories.movie,
            histories.rating, histories.times, self._before, counts.values, counts.found,
        )  # fmt: skip
        counts.values[watched] = 0.0
        lowest, highest = counts.extremes()
        values = counts.values[movies]
        counts.clear()
        widest = np.maximum(highest, -lowest)[1::2]
        return relative_counts(values[:, ::2], highest[::2], values[:, 1::2], widest)

    def _thread_buffers(self) -> "_Buffers":
        buffers = getattr(self._buffers, "value", None)
        if not isinstance(buffers, _Buffers):
            buffers = self._buffers.value = _Buffers(len(self._log.catalogue))
        return buffers


class _Buffers:
    """Arrays over all movies that are zero between two histories; one set per thread."""

    def __init__(self, count: int) -> None:
        self.co_watch: Final = SparseCounts(count, len(CO_WATCH_FEATURES))
        self.knn: Final = SparseCounts(count, len(KNN_FEATURES))
        self.is_watched: Final = np.zeros(count, dtype=np.bool_)


def _leaders(
    movies: NDArray[np.int32] | None, values: NDArray[np.floating], above: float = 0.0
) -> NDArray[np.integer]:
    """Return the movies with the highest values above a bound, in any order."""
    rows = np.flatnonzero((values >= least_of_leaders(values, LEADERS)) & (values > above))
    if len(rows) > LEADERS:
        rows = rows[np.argpartition(values[rows], len(rows) - LEADERS)[-LEADERS:]]
    return rows if movies is None else movies[rows]
