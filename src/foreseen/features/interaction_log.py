"""The rating log a model is fitted to, with statistics as of any moment of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.compute.cache import LRUCache
from foreseen.data.catalogue import Catalogue
from foreseen.data.encoding import FIRST_CODE, USER_LIMIT
from foreseen.data.identifiers import IdMap
from foreseen.data.ordering import sorted_by
from foreseen.data.schema import MOVIE, RATING, RATINGS_SCHEMA, TIME_ORDER, TIMESTAMP, USER
from foreseen.features import movie_statistics as movies_at
from foreseen.features.activity_clock import ActivityClock
from foreseen.features.damped_means import means_before, running_means, sums_before
from foreseen.features.global_offset import GlobalOffset
from foreseen.features.movie_statistics import MovieStatistics
from foreseen.features.queries import History, Queries
from foreseen.features.user_statistics import (
    UserHistories,
    UserStatistics,
    release_decades,
    user_statistics,
)

PRIOR_MEAN: Final = 3.5
"""Mean rating assumed before any rating, with the weight of one rating."""
MOVIE_DAMPING: Final = 4.0
"""Ratings at the global mean that are added to a movie's ratings."""
USER_DAMPING: Final = 4.0
"""Residuals of zero that are added to a user's residuals."""
_BLOCK: Final = 1 << 18
"""Ratings whose movies' states, of ten columns, are read at once."""


class RatingsByMovie(NamedTuple):
    """The ratings grouped by movie, each group in time order, as positions in the histories.

    Attributes:
        starts: Where the group of each movie begins, of shape C + 1.
        positions: Positions in the histories, of shape E.
        users: The history that each position of the histories belongs to, of shape E.
    """

    starts: NDArray[np.int64]
    positions: NDArray[np.int64]
    users: NDArray[np.int64]


@dataclass(frozen=True)
class InteractionLog:
    """E ratings in time order, indexed by movie and by user; adding ratings returns a new log.

    Attributes:
        catalogue: The movies.
        users: User ids to rows.
        ratings: The canonical ratings, in time order.
        in_file_order: Whether ratings of one second are in the order in which they were given;
            otherwise they are sorted by user and movie.
    """

    catalogue: Catalogue
    users: IdMap
    ratings: pl.DataFrame
    in_file_order: bool = False
    _movie_states: LRUCache[int, NDArray[np.float64]] = field(
        default_factory=lambda: LRUCache(1), init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, ratings: pl.DataFrame, catalogue: Catalogue, in_file_order: bool = False) -> Self:
        """Index a canonical ratings table."""
        order = (TIMESTAMP,) if in_file_order else TIME_ORDER
        ratings = sorted_by(ratings.select(*RATINGS_SCHEMA), order)
        catalogue = catalogue.extended(ratings[MOVIE].to_numpy())
        return cls(catalogue, IdMap.of(ratings[USER].to_numpy()), ratings, in_file_order)

    def with_ratings(self, new: pl.DataFrame) -> "InteractionLog":
        """Return a log that holds `new` too; of two ratings of a pair the later one counts."""
        new = new.select(*RATINGS_SCHEMA)
        both = pl.concat([self.ratings, new]).sort(TIMESTAMP, maintain_order=True)
        latest = both.unique([USER, MOVIE], keep="last", maintain_order=True)
        return InteractionLog(
            self.catalogue.extended(new[MOVIE].to_numpy()),
            self.users.extended(new[USER].to_numpy()),
            latest if self.in_file_order else sorted_by(latest, TIME_ORDER),
            self.in_file_order,
        )

    def without_accounts(self) -> "InteractionLog":
        """Return a log without the ratings of the accounts of a server."""
        is_account = pl.col(USER).is_between(USER_LIMIT, FIRST_CODE, closed="left")
        kept = self.ratings.filter(~is_account)
        return InteractionLog(self.catalogue, self.users, kept, self.in_file_order)

    @cached_property
    def user(self) -> NDArray[np.int32]:
        """Row of the user of each rating, of shape E."""
        return self.users.rows(self.ratings[USER].to_numpy())

    @cached_property
    def movie(self) -> NDArray[np.int32]:
        """Row of the movie of each rating, of shape E."""
        return self.catalogue.movies.rows(self.ratings[MOVIE].to_numpy())

    @cached_property
    def rating(self) -> NDArray[np.float64]:
        """Stars of each rating, of shape E."""
        return self.ratings[RATING].to_numpy().astype(np.float64)

    @cached_property
    def timestamp(self) -> NDArray[np.int64]:
        """Second of each rating, ascending, of shape E."""
        return self.ratings[TIMESTAMP].to_numpy().astype(np.int64)

    @property
    def end(self) -> int:
        """The first second after the last rating; 0 if there are none."""
        return int(self.timestamp[-1]) + 1 if len(self.timestamp) else 0

    @cached_property
    def clock(self) -> ActivityClock:
        """The clock that recency is measured on."""
        return ActivityClock.of(self.timestamp)

    @cached_property
    def decade(self) -> NDArray[np.int64]:
        """Release decade of each movie of the catalogue, of shape C + 1."""
        return release_decades(self.catalogue.years)

    @cached_property
    def _totals(self) -> NDArray[np.float64]:
        """Sums of the first ratings, from none to all, of shape E + 1."""
        return np.concatenate([np.zeros(1), np.cumsum(self.rating)])

    @cached_property
    def movies(self) -> MovieStatistics:
        """Statistics of the movies, net of the biases of the users who rated them.

        Computed in two steps: user biases from residuals against the plain means of the movies,
        then movie biases from the ratings less these user biases, each as of just before the
        rating.
        """
        overall = self.global_mean(self.timestamp)
        movies = len(self.catalogue)
        count, total = sums_before(self.movie, self.rating, self.timestamp, movies)
        mean = (total + MOVIE_DAMPING * overall) / (count + MOVIE_DAMPING)
        user_bias = means_before(self.user, self.rating - mean, len(self.users), USER_DAMPING)
        offset = self.rating - overall - user_bias
        return MovieStatistics.of(movies, self.movie, self.rating, offset, self.clock)

    @cached_property
    def histories(self) -> UserHistories:
        """Histories of the users, one per row of the users' id map."""
        return UserHistories.of(
            len(self.users), self.user, self.movie, self.rating, self._residual, self.timestamp
        )

    @cached_property
    def _residual(self) -> NDArray[np.float64]:
        return self.rating - self.movie_mean(self.movie, self.timestamp)

    @cached_property
    def global_offset(self) -> GlobalOffset:
        """How far all users together rate above what is usual, as of each rating."""
        return GlobalOffset.of(len(self.users), self.user, self._residual, self.timestamp)

    @cached_property
    def by_movie(self) -> RatingsByMovie:
        """The ratings grouped by movie."""
        histories = self.histories
        order = np.lexsort((histories.times, histories.movie))
        starts = np.searchsorted(histories.movie[order], np.arange(len(self.catalogue) + 1))
        users = np.repeat(np.arange(len(histories.starts) - 1), np.diff(histories.starts))
        return RatingsByMovie(
            starts.astype(np.int64), order.astype(np.int64), users.astype(np.int64)
        )

    def global_mean(self, moment: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean of all ratings before each moment, damped by `PRIOR_MEAN`."""
        count = np.searchsorted(self.timestamp, moment)
        return (self._totals[count] + PRIOR_MEAN) / (count + 1)

    def movie_mean(
        self, movie: NDArray[np.int32], moment: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return global mean plus item bias of each movie just before each moment, in stars."""
        mean = self.global_mean(moment)
        for start in range(0, len(movie), _BLOCK):
            rows = slice(start, start + _BLOCK)
            states, _ = self.movies.before(movie[rows], moment[rows])
            mean[rows] += states[:, movies_at.OFFSETS] / (
                states[:, movies_at.COUNT] + MOVIE_DAMPING
            )
        return mean

    def views(self, before: int) -> NDArray[np.float64]:
        """Return the number of ratings of every movie before a moment, of shape C."""
        return self.movie_states(before)[:, movies_at.COUNT]

    def movie_states(self, before: int) -> NDArray[np.float64]:
        """Return the states of all movies just before a moment; see `MovieStatistics.before`.

        The states of the latest moment are cached: a server requests one moment many times.
        """

        def compute() -> NDArray[np.float64]:
            rows = np.arange(len(self.catalogue), dtype=np.int32)
            return self.movies.before(rows, np.full(len(rows), before, dtype=np.int64))[0]

        return self._movie_states.get_or_compute(before, compute)

    @cached_property
    def view(self) -> "LogView":
        """The log with its users' own histories."""
        return LogView(self, self.histories)

    def view_of(self, histories: Sequence[History]) -> "LogView":
        """Return a view whose row b is `histories[b]`; movies keep the statistics of this log.

        Ratings of one second keep their order, or are sorted by movie id, as in the log.
        """
        lengths = [len(history.movies) for history in histories]
        user = np.repeat(np.arange(len(histories), dtype=np.int32), lengths)
        ids = np.concatenate([np.empty(0, np.int64), *(h.movies for h in histories)])
        rating = np.concatenate([np.empty(0), *(h.ratings for h in histories)])
        timestamp = np.concatenate([np.empty(0, np.int64), *(h.timestamps for h in histories)])
        movie = self.catalogue.movies.rows(ids)
        # np.lexsort is stable, and sorts by its last key first.
        order = np.lexsort((timestamp, user) if self.in_file_order else (ids, timestamp, user))
        user, movie, rating, timestamp = (
            user[order], movie[order], rating[order], timestamp[order]
        )  # fmt: skip
        residual = rating - self.movie_mean(movie, timestamp)
        return LogView(
            self, UserHistories.of(len(histories), user, movie, rating, residual, timestamp)
        )

    def queries(self, pairs: pl.DataFrame, before: NDArray[np.int64]) -> Queries:
        """Return one query per row of userId, movieId, each as of its moment, of shape N."""
        user = self.users.rows(pairs[USER].to_numpy())
        return Queries(user, user, self.catalogue.movies.rows(pairs[MOVIE].to_numpy()), before)

    def rating_queries(self) -> Queries:
        """Return one query per rating of the log, as of just before it."""
        return Queries(self.user, self.user, self.movie, self.timestamp)


@dataclass(frozen=True)
class LogView:
    """A log read through H histories: those of its users, or others given with a request.

    The histories decide what is known of the users; everything about movies comes from the log.

    Attributes:
        log: The log.
        histories: The histories that queries refer to by row.
    """

    log: InteractionLog
    histories: UserHistories

    @property
    def catalogue(self) -> Catalogue:
        """The movies of the log."""
        return self.log.catalogue

    @cached_property
    def offset_in_user_bias(self) -> NDArray[np.float64]:
        """The part of the global offset that a user bias contains, after each position, shape E.

        A user bias is a damped mean of residuals; this is the same mean of the global offsets at
        the times of the ratings.
        """
        offsets = self.log.global_offset.before(self.histories.times)
        return running_means(self.histories.starts, offsets, USER_DAMPING)

    def statistics(self, row: NDArray[np.int32], moment: NDArray[np.int64]) -> UserStatistics:
        """Return the statistics of P users as of moments, by their rows in the histories."""
        return user_statistics(
            self.histories, row, moment, self.log.clock, self.catalogue.genres, self.log.decade
        )

    def prefixes(
        self, queries: Queries
    ) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
        """Order queries for one pass per history: history by history, shortest prefix first.

        Returns:
            The order, of shape N; where the queries of each history begin in it, and N; and the
            length of each query's prefix, in that order.
        """
        histories = self.histories
        starts = histories.starts[np.maximum(queries.history, 0)]
        ends = histories.ends(queries.history, queries.before) - starts
        lengths = np.where(queries.history >= 0, ends, 0)
        order = np.lexsort((lengths, queries.history))
        rows = queries.history[order]
        firsts = np.flatnonzero(np.append(True, rows[1:] != rows[:-1])) if len(rows) else rows
        groups = np.append(firsts, len(rows)).astype(np.int64)
        return order, groups, lengths[order].astype(np.int64)


@dataclass(frozen=True)
class UserContext:
    """One user of a view as of a moment: what a ranking and its explanations are computed from.

    Attributes:
        view: The view that holds the user's history.
        row: Row of the history in the view.
        before: Only ratings strictly older than this second count.
        history: The same history, with ids.
    """

    view: LogView
    row: int
    before: int
    history: History
