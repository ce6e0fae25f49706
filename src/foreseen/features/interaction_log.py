"""A rating log that can be asked what was known at any moment of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.catalogue import Catalogue
from foreseen.features import movie_statistics as movies_at
from foreseen.candidates.ease import Autoencoders
from foreseen.candidates.co_occurrence import Companies
from foreseen.features.global_offset import Level
from foreseen.features.damped_means import means_before, running_means
from foreseen.features.movie_statistics import MovieStatistics
from foreseen.features.queries import History, Queries
from foreseen.features.user_statistics import Profiles, UserHistories, eras, profile_users
from foreseen.data.identifiers import IdMap
from foreseen.data.schema import MOVIE, RATING, RATINGS_SCHEMA, TIME_ORDER, TIMESTAMP, USER

PRIOR_LEVEL: Final = 3.5
"""Stars of a world in which nothing has been rated yet, with the weight of one rating."""
MOVIE_DAMPING: Final = 4.0
"""Ratings at the world's level that are added to a movie's own."""
USER_DAMPING: Final = 4.0
"""Residuals of zero that are added to a user's own."""


@dataclass(frozen=True)
class Timeline:
    """All ratings a model knows, indexed by movie and by user; growing it makes a new one.

    Attributes:
        catalogue: The movies.
        users: User ids to rows.
        ratings: The canonical ratings, in time order.
    """

    catalogue: Catalogue
    users: IdMap
    ratings: pl.DataFrame

    @classmethod
    def of(cls, ratings: pl.DataFrame, catalogue: Catalogue) -> Self:
        """Index a canonical ratings table."""
        ratings = ratings.select(*RATINGS_SCHEMA).sort(TIME_ORDER)
        catalogue = catalogue.extended(ratings[MOVIE].to_numpy())
        return cls(catalogue, IdMap.of(ratings[USER].to_numpy()), ratings)

    def with_ratings(self, new: pl.DataFrame) -> "Timeline":
        """Return a timeline that knows `new` too; of two ratings of a pair the later one counts."""
        new = new.select(*RATINGS_SCHEMA)
        both = pl.concat([self.ratings, new]).sort(TIMESTAMP, maintain_order=True)
        latest = both.unique([USER, MOVIE], keep="last", maintain_order=True)
        return Timeline(
            self.catalogue.extended(new[MOVIE].to_numpy()),
            self.users.extended(new[USER].to_numpy()),
            latest.sort(TIME_ORDER),
        )

    def without_users(self, first: int) -> "Timeline":
        """Return a timeline that knows no rating of users with ids from `first` on."""
        return Timeline(self.catalogue, self.users, self.ratings.filter(pl.col(USER) < first))

    @cached_property
    def user(self) -> NDArray[np.int32]:
        """The user's row of each rating, in time order."""
        return self.users.rows(self.ratings[USER].to_numpy())

    @cached_property
    def movie(self) -> NDArray[np.int32]:
        """The movie's row of each rating, in time order."""
        return self.catalogue.movies.rows(self.ratings[MOVIE].to_numpy())

    @cached_property
    def rating(self) -> NDArray[np.float64]:
        """The stars of each rating, in time order."""
        return self.ratings[RATING].to_numpy().astype(np.float64)

    @cached_property
    def timestamp(self) -> NDArray[np.int64]:
        """The second of each rating, in time order."""
        return self.ratings[TIMESTAMP].to_numpy().astype(np.int64)

    @property
    def end(self) -> int:
        """The first moment after all that is known."""
        return int(self.timestamp[-1]) + 1 if len(self.timestamp) else 0

    @cached_property
    def era(self) -> NDArray[np.int64]:
        """The era of each movie of the catalogue, of shape C + 1."""
        return eras(self.catalogue.years)

    @cached_property
    def _world(self) -> MovieStatistics:
        everything = np.zeros(len(self.rating), dtype=np.int32)
        return MovieStatistics.of(
            1, everything, self.rating, self.rating - PRIOR_LEVEL, self.timestamp
        )

    @cached_property
    def movies(self) -> MovieStatistics:
        """The movies' statistics, net of how kind or severe those were who rated them.

        Taken in two steps: users are judged by the movies' plain means, then movies by the
        ratings less their users' means, each as known before the rating.
        """
        plain = MovieStatistics.of(
            len(self.catalogue),
            self.movie,
            self.rating,
            np.zeros_like(self.rating),
            self.timestamp,
        )
        level = self.world_level(self.timestamp)
        states, _ = plain.before(self.movie, self.timestamp)
        count, total = states[:, movies_at.COUNT], states[:, movies_at.TOTAL]
        worth = (total + MOVIE_DAMPING * level) / (count + MOVIE_DAMPING)
        kindness = means_before(self.user, self.rating - worth, len(self.users), USER_DAMPING)
        return MovieStatistics.of(
            len(self.catalogue), self.movie, self.rating, self.rating - level - kindness,
            self.timestamp,
        )  # fmt: skip

    @cached_property
    def histories(self) -> UserHistories:
        """The users' histories, one per row of the users' id map."""
        return UserHistories.of(
            len(self.users), self.user, self.movie, self.rating, self._residual, self.timestamp
        )

    @cached_property
    def _residual(self) -> NDArray[np.float64]:
        return self.rating - self.movie_worth(self.movie, self.timestamp)

    @cached_property
    def level(self) -> Level:
        """How far above the usual everybody rates."""
        return Level.of(len(self.users), self.user, self._residual, self.timestamp)

    @cached_property
    def levels_in_kindness(self) -> NDArray[np.float64]:
        """What a user's kindness has of the levels, after each place of the histories.

        Kindness is a damped mean of residuals; this is the same of the levels at their times.
        """
        own = self.histories
        return running_means(own.starts, self.level.before(own.times), USER_DAMPING)

    @cached_property
    def by_movie(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The ratings movie by movie in time order, as places in the histories.

        Returns:
            Where each movie's begin, of shape C + 1; the places, of shape E; and whose history
            each place of the histories belongs to, of shape E.
        """
        own = self.histories
        order = np.lexsort((own.times, own.movie))
        starts = np.searchsorted(own.movie[order], np.arange(len(self.catalogue) + 1))
        owners = np.repeat(np.arange(len(own.starts) - 1), np.diff(own.starts))
        return starts.astype(np.int64), order.astype(np.int64), owners.astype(np.int64)

    @cached_property
    def companies(self) -> Companies:
        """What stood near each movie in the histories."""
        own = self.histories
        layout = (*self.by_movie, own.starts, own.movie, own.times)
        return Companies(*layout, len(self.catalogue), self.end)

    @cached_property
    def autoencoders(self) -> Autoencoders:
        """What goes with what in the histories."""
        return Autoencoders(self.user, self.movie, self.timestamp, len(self.catalogue))

    def world_level(self, moment: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean of all ratings before each moment."""
        states, _ = self._world.before(np.zeros(len(moment), dtype=np.int32), moment)
        total = states[:, movies_at.TOTAL] + PRIOR_LEVEL
        return total / (states[:, movies_at.COUNT] + 1)

    def movie_worth(
        self, movie: NDArray[np.int32], moment: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return what each movie was worth to everybody just before each moment, in stars."""
        states, _ = self.movies.before(movie, moment)
        damped = states[:, movies_at.OFFSETS] / (states[:, movies_at.COUNT] + MOVIE_DAMPING)
        return self.world_level(moment) + damped

    def views(self, before: int) -> NDArray[np.float64]:
        """Return how often every movie of the catalogue had been rated before a moment."""
        return self.movie_states(before)[:, movies_at.COUNT]

    def movie_states(self, before: int) -> NDArray[np.float64]:
        """Return the states of all movies just before a moment; see `MovieStatistics.before`.

        Those of the latest moment asked about are kept: a server asks about one all the time.
        """
        kept = self._latest_states.get(before)
        if kept is None:
            rows = np.arange(len(self.catalogue), dtype=np.int32)
            kept, _ = self.movies.before(rows, np.full(len(rows), before, dtype=np.int64))
            self._latest_states.clear()
            self._latest_states[before] = kept
        return kept

    @cached_property
    def _latest_states(self) -> dict[int, NDArray[np.float64]]:
        return {}

    def profiles(self, user: NDArray[np.int32], moment: NDArray[np.int64]) -> Profiles:
        """Return the profiles of users as of moments, by their rows in the histories."""
        return profile_users(self.histories, user, moment, self.catalogue.genres, self.era)

    def with_histories(self, histories: Sequence[History]) -> "Timeline":
        """Return a view whose users are these histories, the movies' past being this timeline's.

        Row b of the view's histories is `histories[b]`.
        """
        lengths = [len(history.movies) for history in histories]
        user = np.repeat(np.arange(len(histories), dtype=np.int32), lengths)
        ids = np.concatenate([np.empty(0, np.int64), *(h.movies for h in histories)])
        rating = np.concatenate([np.empty(0), *(h.ratings for h in histories)])
        timestamp = np.concatenate([np.empty(0, np.int64), *(h.timestamps for h in histories)])
        movie = self.catalogue.movies.rows(ids)
        order = np.lexsort((ids, timestamp, user))
        user, movie, rating, timestamp = (
            user[order], movie[order], rating[order], timestamp[order]
        )  # fmt: skip
        residual = rating - self.movie_worth(movie, timestamp)
        view = replace(self)
        shared = {name: getattr(self, name) for name in ("_world", "movies", "era", "level")}
        own = UserHistories.of(len(histories), user, movie, rating, residual, timestamp)
        view.__dict__.update(shared, histories=own)
        return view

    def prefixes(
        self, queries: Queries
    ) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
        """Order questions for walks over histories: history by history, shortest prefix first.

        Returns:
            The order, of shape N; where each history's questions begin in it, and N; and the
            lengths of the prefixes asked about, in that order.
        """
        own = self.histories
        starts = own.starts[np.maximum(queries.history, 0)]
        ends = own.ends(queries.history, queries.before) - starts
        lengths = np.where(queries.history >= 0, ends, 0)
        order = np.lexsort((lengths, queries.history))
        asked = queries.history[order]
        firsts = np.flatnonzero(np.append(True, asked[1:] != asked[:-1])) if len(asked) else asked
        groups = np.append(firsts, len(asked)).astype(np.int64)
        return order, groups, lengths[order].astype(np.int64)

    def queries(self, pairs: pl.DataFrame, before: NDArray[np.int64]) -> Queries:
        """Return one question per row of userId, movieId, each as of its moment, of shape N."""
        user = self.users.rows(pairs[USER].to_numpy())
        return Queries(user, user, self.catalogue.movies.rows(pairs[MOVIE].to_numpy()), before)

    def own_queries(self) -> Queries:
        """Return one question per rating of the log: what was to be expected just before it."""
        return Queries(self.user, self.user, self.movie, self.timestamp)
