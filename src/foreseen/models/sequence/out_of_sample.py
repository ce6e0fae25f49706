"""Scores of a sequence model for the examples of the next-item model, which it was not fitted to.

Two kinds of ratings are held out: all those of users who come late, and the latest of every other
user. The first kind shows how informative the scores are for new users, the second for users whose
histories the model was trained on. The weights of the scores need no better network than one of two
thirds of the passes.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.examples import OutOfSample
from foreseen.candidates.source import SequenceScores
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.user_sample import in_sample
from foreseen.features.user_statistics import UserHistories
from foreseen.models.sequence.events import positions
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import SequenceSettings

_NEW_USERS_FROM: Final = 0.8
"""Share of the log from which on all ratings are held out."""
_LATEST: Final = 0.15
"""Share of the ratings of each user before that which are held out, at least one."""


def fit_out_of_sample(
    settings: SequenceSettings, log: InteractionLog, seed: int, share: float = 1.0
) -> OutOfSample | None:
    """Fit a model to a part of a log; return its scores for the rest, None without ratings to fit.

    Args:
        settings: The settings.
        log: The log.
        seed: Random seed.
        share: Share of the users whose ratings are fitted to; see `user_sample`.
    """
    histories = log.histories
    moment = int(log.timestamp[int(_NEW_USERS_FROM * len(log.timestamp))])
    trained = np.where(in_sample(log.users.ids, share), trained_lengths(histories, moment), 0)
    rows = positions(histories.starts) < np.repeat(trained, np.diff(histories.starts))
    if not rows.any():
        return None
    fewer = {"epochs": -(-2 * settings.epochs // 3), "negatives_until": 1.0}
    settings = settings.model_copy(update=fewer)
    model = SequenceModel.fitted(settings, log, rows, seed, "sequence model, out of sample", share)

    def scores(user: int, before: int) -> SequenceScores:
        row, moments = np.array([user], np.int32), np.array([before], np.int64)
        return model.scores(log.view, row, log.users.ids[row], moments)[0]

    return OutOfSample(trained, scores)


def trained_lengths(histories: UserHistories, moment: int) -> NDArray[np.int64]:
    """Return how many ratings of each history, from the first, are fitted to, of shape H.

    Args:
        histories: The histories.
        moment: The second from which on nothing is fitted to.
    """
    count = len(histories.starts) - 1
    users = np.arange(count, dtype=np.int32)
    early = histories.known(users, np.full(count, moment, dtype=np.int64))
    return np.maximum(early - np.maximum((_LATEST * early).astype(np.int64), 1), 0)
