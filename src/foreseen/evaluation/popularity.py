"""Popularity of seven days: the reference for rankings, without a model."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.evaluation.rankings import EvalUser, Scorer
from foreseen.evaluation.results import POPULARITY
from foreseen.features.examples import DAY
from foreseen.features.interaction_log import InteractionLog

DAYS: Final = 7


class RecentPopularity:
    """The number of ratings of each movie in the seven days before a moment.

    Movies with as many are ordered by the number of all ratings before the moment. A moment after
    the end of the log counts as its end. Ascending moments are the fastest.
    """

    def __init__(self, log: InteractionLog) -> None:
        self._log = log
        self._counts = np.zeros(len(log.catalogue), np.int64)
        self._counted = 0

    def scores(self, before: int) -> NDArray[np.float64]:
        """Return a score of every movie from the ratings before a moment, of shape C."""
        log = self._log
        before = min(before, log.end)
        first, last = np.searchsorted(log.timestamp, [before - DAYS * DAY, before]).tolist()
        if last < self._counted:
            self._counts[:] = 0
            self._counted = 0
        self._counts += self._count(self._counted, last)
        self._counted = last
        return self._count(first, last) + self._counts / (last + 1)

    def _count(self, first: int, last: int) -> NDArray[np.int64]:
        return np.bincount(self._log.movie[first:last], minlength=len(self._counts))


def popularity_scorer(log: InteractionLog, moment_known: bool = False) -> Scorer:
    """Return the scorer of the popularity in the seven days before a ranking.

    Args:
        log: The ratings.
        moment_known: Whether a ranking is as of the second of the user's first test rating.
    """
    popularity = RecentPopularity(log)

    def score(users: Sequence[EvalUser]) -> dict[str, NDArray[np.float64]]:
        moments = [user.moment if moment_known else user.at + 1 for user in users]
        return {POPULARITY: np.stack([popularity.scores(moment) for moment in moments])}

    return score
