"""Quantities of a log that the monitored streams are computed from."""

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
        """Each residual times how far the movie's mean lies above the global mean, of shape E."""
        merit = np.clip(self._movie_mean - self.log.global_mean(self.log.timestamp), -1, 1)
        return np.clip(self.residual, -3, 3) * merit

    @cached_property
    def of_new_user(self) -> NDArray[np.bool_]:
        """Whether each rating is among the first of its user, of shape E."""
        return earlier_occurrences(self.log.user.astype(np.int64)) < _NEW_USER

    @cached_property
    def genres(self) -> NDArray[np.bool_]:
        """Whether each rated movie has each of G genres, of shape E x G."""
        return self.log.catalogue.genres[self.log.movie] > 0

    @cached_property
    def decade(self) -> NDArray[np.int64]:
        """Release decade of each rated movie, of shape E."""
        return self.log.decade[self.log.movie]
