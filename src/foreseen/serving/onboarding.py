"""The movies that a user is offered to rate."""

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.ranking.rank import diversify
from foreseen.serving.active_learning import most_informative
from foreseen.serving.snapshot import ModelSnapshot

ENOUGH_RATINGS: Final = 5
"""Ratings that a new user is asked for."""
_POPULAR: Final = 400
"""Most rated movies that the selection is made from."""
_DIVERSITY: Final = 0.4
_MOST_RATED: Final = 100
"""Latest ratings of the user that count for the selection."""


def onboarding_movies(
    snapshot: ModelSnapshot, rated: Collection[int], excluded: Collection[int], k: int
) -> list[int]:
    """Return the rows of up to k of the most rated movies, to be offered in this order.

    With factor models, they are those whose ratings reduce the uncertainty of the predictions most
    (see `most_informative`). Otherwise see `by_spread`.

    Args:
        snapshot: The model.
        rated: Rows of the movies that the user has rated, oldest first.
        excluded: Rows of further movies to leave out.
        k: How many.
    """
    prior = snapshot.rating_covariance
    if prior is None:
        return by_spread(snapshot, [*rated, *excluded], k)
    offered = _offered(snapshot, [*rated, *excluded])
    shares = snapshot.views[offered] / max(len(snapshot.model.log.users), 1)
    known = np.array(list(rated)[-_MOST_RATED:], dtype=np.int64)
    return most_informative(prior, known, offered, shares, k).tolist()


def by_spread(snapshot: ModelSnapshot, excluded: Collection[int], k: int) -> list[int]:
    """Return the rows of up to k of the most rated movies, by the spread of their ratings.

    Their ratings have a large standard deviation, so that a rating is informative, and their genres
    are diverse.

    Args:
        snapshot: The model.
        excluded: Rows of movies to leave out.
        k: How many.
    """
    offered = _offered(snapshot, excluded)
    score = snapshot.rating_deviations * np.log1p(snapshot.views)
    offered = offered[np.argsort(-score[offered], kind="stable")]
    genres = snapshot.model.log.catalogue.genre_weights
    return diversify(score, offered, genres, k, _DIVERSITY).tolist()


def _offered(snapshot: ModelSnapshot, excluded: Collection[int]) -> NDArray[np.intp]:
    """Return the rows of the most rated movies, most rated first, without some."""
    popular = np.argsort(-snapshot.views, kind="stable")[:_POPULAR]
    return popular[~np.isin(popular, np.array(list(excluded), dtype=np.int64))]
