"""Approximate ratings of all movies by few numbers per movie, for the first stage of a ranking.

The factor models' mean rating of a movie is an inner product of K numbers, all samples of all
members. Samples from one posterior are similar: the vectors of the movies are projected onto R
directions, the leading ones of the ratings of a sample of users and movies (a truncated singular
value decomposition, weighted by the second moments of the users' vectors).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.models.factors.bayesian_mf import Factors
from foreseen.models.factors.user_vectors import UserVectors, user_vectors

_RANK: Final = 64
_USERS: Final = 150
_MOVIES: Final = 500
_RIDGE: Final = 0.1
"""Variance of a user's vector in every direction, relative to the mean variance in the sample."""
_LEAST: Final = 1e-6
"""Variance of the ratings in the last direction, relative to the first, at least."""


def member_vectors(
    members: Sequence[Factors],
    view: LogView,
    rows: NDArray[np.int32],
    ends: NDArray[np.int64],
) -> UserVectors:
    """Return the vectors of B users in all members, for the members' mean rating.

    Args:
        members: The factor models.
        view: The view that holds the histories.
        rows: Their rows, of shape B.
        ends: Ends of the parts that are known, of shape B.
    """
    count = len(view.catalogue)
    parts = [user_vectors(member.extended(count), view.histories, rows, ends) for member in members]
    return UserVectors(
        np.mean([part.offset for part in parts], axis=0),
        np.concatenate([part.coefficients for part in parts], axis=1) / len(parts),
    )


def ratings_of(
    members: Sequence[Factors], users: UserVectors, movies: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return the members' mean ratings of N movies for one user, of shape N."""
    found = np.full(len(movies), users.offset[0])
    first = 0
    for member in members:
        vectors = member.by_movie[np.minimum(movies, len(member.by_movie) - 1)]
        vectors = vectors.reshape(len(movies), -1)
        stop = first + vectors.shape[1]
        found += vectors @ users.coefficients[0, first:stop].astype(np.float32)
        first = stop
    return found


@dataclass(frozen=True)
class LowRankRatings:
    """A projection of the vectors of C movies in all members.

    Attributes:
        members: The factor models.
        users: What the users' vectors are multiplied by, of shape K x R; None for the identity.
        movies: The movies, of shape C x R.
    """

    members: tuple[Factors, ...]
    users: NDArray[np.float32] | None
    movies: NDArray[np.float32]

    @classmethod
    def of(cls, members: tuple[Factors, ...], log: InteractionLog, until: int) -> "LowRankRatings":
        """Return the projection that fits users of a log, from their ratings before a moment."""
        count = len(log.catalogue)
        vectors = [m.extended(count).by_movie[:count].reshape(count, -1) for m in members]
        if sum(part.shape[1] for part in vectors) <= _RANK:
            return cls(members, None, np.concatenate(vectors, axis=1))
        users = _sampled_users(members, log, until)
        sampled = _sampled_movies(log, until)
        movies = np.concatenate([part[sampled] for part in vectors], axis=1)
        ridge = np.float32(_RIDGE * (users**2).sum() / users.size)
        ratings = movies @ users.T
        second_moments = ratings @ ratings.T / len(users) + ridge * (movies @ movies.T)
        variance, directions = np.linalg.eigh(second_moments)
        kept = np.flatnonzero(variance > _LEAST * variance[-1])[-_RANK:]
        projection = movies.T @ (directions[:, kept] / np.sqrt(variance[kept]))
        weighted = users.T @ (users @ projection) / len(users) + ridge * projection
        parts = np.split(weighted, np.cumsum([part.shape[1] for part in vectors])[:-1])
        projected = vectors[0] @ parts[0]
        for part, weights in zip(vectors[1:], parts[1:], strict=True):
            projected += part @ weights
        return cls(members, projection.astype(np.float32), projected.astype(np.float32))

    def for_users(self, users: UserVectors) -> NDArray[np.float32]:
        """Return approximate mean ratings of all movies, of shape B x C."""
        vectors = users.coefficients.astype(np.float32)
        if self.users is not None:
            vectors = (vectors @ self.users).astype(np.float32)
        found = (vectors @ self.movies.T).astype(np.float32, copy=False)
        found += users.offset.astype(np.float32)[:, None]
        return found


def _sampled_users(
    members: tuple[Factors, ...], log: InteractionLog, until: int
) -> NDArray[np.float32]:
    """Return the vectors of users drawn among those with ratings before a moment, U x K."""
    histories = log.histories
    every = np.arange(len(log.users), dtype=np.int32)
    ends = histories.ends(every, np.full(len(every), until, dtype=np.int64))
    # By user id: rows depend on the order in which a log was extended.
    known = every[ends > histories.starts[:-1]]
    known = known[np.argsort(log.users.ids[known])]
    rows = np.random.default_rng(0).permutation(known)[:_USERS]
    return member_vectors(members, log.view, rows, ends[rows]).coefficients.astype(np.float32)


def _sampled_movies(log: InteractionLog, until: int) -> NDArray[np.intp]:
    """Return movies drawn with probabilities by the root of their ratings before a moment."""
    # The Gumbel-max trick; by movie id, as above.
    order = np.argsort(log.catalogue.movies.ids)
    weights = np.sqrt(log.views(until) + 0.1)[order]
    noise = np.random.default_rng(1).gumbel(size=len(order))
    return order[np.argsort(-np.log(weights) - noise)[:_MOVIES]]
