"""Quantities of a log that the monitored streams are computed from."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.drift.occurrences import earlier_occurrences
from foreseen.drift.sessions import SessionChunks, split_sessions
from foreseen.features.damped_means import means_before
from foreseen.features.interaction_log import USER_DAMPING, InteractionLog

_NEW_USER: Final = 20
"""Ratings of a user that count as those of a new user."""
_ACTIVE_USER: Final = 100
"""Ratings of a user from which the user counts as active."""
_FEWEST_OF_SPREAD: Final = 3
_AGREEMENT_IN_WIDTH: Final = 0.5
"""Ratio of the information that covariance and spread have about the width of the scale."""


class StreamInputs:
    """An interaction log, and quantities that several of its streams are computed from.

    Attributes:
        log: The log of E ratings.
    """

    def __init__(self, log: InteractionLog) -> None:
        self.log = log
        self._movie_mean = log.movie_mean(log.movie, log.timestamp)

    @cached_property
    def chunks(self) -> SessionChunks:
        """The chunks of the log's sessions."""
        return split_sessions(self.log.user.astype(np.int64), self.log.timestamp)

    @cached_property
    def offset(self) -> NDArray[np.float64]:
        """Each rating less the movie's mean at that second, of shape E."""
        return self.log.rating - self._movie_mean

    @cached_property
    def residual(self) -> NDArray[np.float64]:
        """Each offset less the user's mean offset before it, of shape E."""
        log = self.log
        return self.offset - means_before(log.user, self.offset, len(log.users), USER_DAMPING)

    @cached_property
    def agreement(self) -> NDArray[np.float64]:
        """Contribution of each rating to the covariance of offsets and item means, of shape E.

        Both are taken from their means in the chunk, so that a change of level does not enter.
        """
        merit = np.clip(self._movie_mean - self.log.global_mean(self.log.timestamp), -1, 1)
        return self._deviation * self._from_chunk(merit)

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """Absolute deviation of each offset from the mean of its chunk, of shape E.

        The user's bias does not enter. Zero in chunks that `has_spread` leaves out.
        """
        return np.abs(self._deviation)

    @cached_property
    def has_spread(self) -> NDArray[np.bool_]:
        """Whether each rating is in a complete chunk of at least three, of shape E."""
        return self._chunk_size >= _FEWEST_OF_SPREAD

    @cached_property
    def width(self) -> NDArray[np.float64]:
        """The evidence of each rating for a stretched scale, of shape E.

        A factor on how far ratings lie from a user's mean changes their spread as well as their
        covariance with item means.
        """
        return self.spread + _AGREEMENT_IN_WIDTH * self.agreement

    @cached_property
    def of_active_user(self) -> NDArray[np.bool_]:
        """Whether the user of each rating has rated much before, of shape E."""
        return earlier_occurrences(self.log.user.astype(np.int64)) >= _ACTIVE_USER

    @cached_property
    def of_new_user(self) -> NDArray[np.bool_]:
        """Whether each rating is among the first of its user, of shape E."""
        return earlier_occurrences(self.log.user.astype(np.int64)) < _NEW_USER

    def ratings_of_movies(self, fewest: int, begin: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield the row of each movie with many ratings, and their positions from `begin` on."""
        order = np.argsort(self.log.movie, kind="stable").astype(np.int64)
        counts = np.bincount(self.log.movie)
        ends = np.cumsum(counts)
        for row in np.flatnonzero(counts >= fewest).tolist():
            places = order[ends[row] - counts[row] : ends[row]]
            yield row, places[places >= begin]

    @cached_property
    def _chunk_size(self) -> NDArray[np.float64]:
        return self._of_chunk(self.chunks.size)

    @cached_property
    def _deviation(self) -> NDArray[np.float64]:
        return np.clip(self._from_chunk(self.offset), -3, 3)

    def _from_chunk(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values less their means in their chunks, unbiased for the variance."""
        size = self._chunk_size
        means = self._of_chunk(self.chunks.total(values)) / np.maximum(size, 1)
        unbiased = np.sqrt(size / np.maximum(size - 1, 1))
        return np.where(self.has_spread, (values - means) * unbiased, 0.0)

    def _of_chunk(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of each rating's chunk, of shape E; 0 where it is incomplete."""
        return np.append(values, 0.0)[self.chunks.chunk]

    @cached_property
    def genres(self) -> NDArray[np.bool_]:
        """Whether each rated movie has each of G genres, of shape E x G."""
        return self.log.catalogue.genres[self.log.movie] > 0

    @cached_property
    def decade(self) -> NDArray[np.int64]:
        """Release decade of each rated movie, of shape E."""
        return self.log.decade[self.log.movie]
