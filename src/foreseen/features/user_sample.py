"""The users that a model is fitted to where a log is too large to fit to all of them.

A model that predicts from histories can do so for users it was not fitted to. Beyond a number of
ratings it is therefore fitted to a sample of the users, with all ratings of each; statistics and
candidates still come from the whole log. Whether a user is in the sample depends on the user's id
alone, so that a log that grows keeps its sample, and new users enter it at the same rate.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features.interaction_log import InteractionLog

MOST_RATINGS: Final = 1_000_000
"""About how many ratings a model is fitted to at most."""


def training_share(ratings: int) -> float:
    """Return the share of the users that a log of so many ratings is fitted to."""
    return min(MOST_RATINGS / max(ratings, 1), 1.0)


def in_sample(users: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Return which of N users are in the sample, by their ids, of shape N.

    A larger share contains a smaller one. Ids are hashed by SplitMix64 (Steele et al., 2014).
    """
    with np.errstate(over="ignore"):
        bits = users.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    drawn = ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
    return drawn < share


def saved_share(arrays: Mapping[str, NDArray[np.generic]]) -> float:
    """Return the share that is saved with a model; one from before there were samples has none."""
    return float(arrays["share"].astype(np.float64)[0]) if "share" in arrays else 1.0


def sampled_log(log: InteractionLog, share: float) -> InteractionLog:
    """Return the ratings of the users in the sample; users and movies keep their rows."""
    if share >= 1:
        return log
    kept = in_sample(log.users.ids, share)[log.user]
    return replace(log, ratings=log.ratings.filter(kept))
