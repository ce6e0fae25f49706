"""One ranking for several people who want to watch a film together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from foreseen.features.queries import History, Queries
from foreseen.ranking.request import RankingRequest
from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import ModelSnapshot

How = Literal["least-misery", "mean"]
_OFFERED: Final = 100
"""Movies of each person's ranking that are offered to the group."""


@dataclass(frozen=True)
class GroupEntry:
    """A movie for a group.

    Attributes:
        row: Row of the catalogue.
        score: The least or the mean of the predicted ratings.
        predictions: Predicted rating of each person, on the scale of the data.
    """

    row: int
    score: float
    predictions: tuple[float, ...]


def rank_for_group(
    recommender: Recommender,
    snapshot: ModelSnapshot,
    people: Sequence[History],
    hidden: Sequence[int],
    how: How,
    k: int,
) -> list[GroupEntry]:
    """Return the k best movies that none of P people has rated, best first.

    The movies offered are the best of each person. Their ratings are predicted for each person and
    aggregated: by the least (least misery) or the mean (Masthoff, Group recommender systems, 2015).

    Args:
        recommender: Ranks for one person.
        snapshot: The model.
        people: Their ratings.
        hidden: Codes of further movies to leave out.
        how: The aggregation; of equal least ratings, the mean decides.
        k: How many movies.
    """
    rated = {int(movie) for person in people for movie in person.movies}
    left_out = [*rated, *hidden]
    codes = snapshot.encoding.movies.code
    offered: dict[int, None] = {}
    for person in people:
        for entry in recommender.rank(snapshot, person, left_out, RankingRequest(_OFFERED)):
            row = snapshot.row(codes(entry.movie))
            if row is not None:
                offered[row] = None
    if not offered:
        return []
    rows = np.array(list(offered), dtype=np.int32)
    predictions = _predictions(snapshot, people, rows)
    least, mean = predictions.min(axis=0), predictions.mean(axis=0)
    score = least if how == "least-misery" else mean
    order = np.lexsort((-mean, -score))[:k]
    return [
        GroupEntry(int(rows[n]), float(score[n]), tuple(map(float, predictions[:, n])))
        for n in order
    ]


def _predictions(
    snapshot: ModelSnapshot, people: Sequence[History], rows: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the predicted ratings of N movies by P people, of shape P x N."""
    view = snapshot.model.log.view_of(people)
    queries = Queries.grid(len(people), rows, snapshot.now)
    found = snapshot.model.predict_queries(queries, view).mean
    scale = snapshot.encoding.scale
    return np.asarray(scale.from_stars(found)).reshape(len(people), len(rows))
