"""The movies that a new user is offered to rate first."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from foreseen.ranking.rank import diversify
from foreseen.serving.snapshot import ModelSnapshot

_POPULAR: Final = 400
"""Most rated movies that the selection is made from."""
_DIVERSITY: Final = 0.4


def onboarding_movies(snapshot: ModelSnapshot, excluded: Sequence[int], k: int) -> list[int]:
    """Return the rows of up to k movies to elicit first ratings with.

    They are popular, so that most users can rate them; their ratings have a large standard
    deviation, so that a rating is informative; and their genres are diverse.

    Args:
        snapshot: The model.
        excluded: Rows of movies to leave out.
        k: How many.
    """
    score = snapshot.rating_deviations * np.log1p(snapshot.views)
    score[list(excluded)] = -np.inf
    popular = np.argsort(-snapshot.views, kind="stable")[:_POPULAR]
    offered = popular[np.argsort(-score[popular], kind="stable")]
    offered = offered[np.isfinite(score[offered])]
    genres = snapshot.model.log.catalogue.genre_weights
    return [int(row) for row in diversify(score, offered, genres, k, _DIVERSITY)]
