"""One ranking for several people who want to watch a film together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foreseen.data.encoding import Id
from foreseen.features.queries import History, Queries
from foreseen.ranking.explain import Influence
from foreseen.ranking.request import RankingRequest
from foreseen.serving.reasons import REPEATED, notable
from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import ModelSnapshot

How = Literal["least-misery", "mean"]
_OFFERED: Final = 100
"""Movies of each person's ranking that are offered to the group."""
_TRIED: Final = 20
"""Latest ratings of a person that may be a reason."""


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


class GroupReason(NamedTuple):
    """A rating of a person that raises the prediction of a movie, with the title of its movie."""

    influence: Influence
    title: str


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


def reasons_of_person(
    recommender: Recommender,
    snapshot: ModelSnapshot,
    person: History,
    ranked: Sequence[GroupEntry],
) -> list[GroupReason | None]:
    """Return for each movie the rating of a person that raises its prediction most.

    A rating is the reason of two movies at most; None where no other raises the prediction enough.
    """
    if not ranked or not len(person.movies):
        return [None] * len(ranked)
    movies = [int(snapshot.ids[entry.row]) for entry in ranked]
    named: Counter[Id] = Counter()
    reasons: list[GroupReason | None] = []
    for influences in recommender.influences(snapshot, person, movies, _TRIED):
        found = (
            GroupReason(influence, title)
            for influence, title in notable(snapshot, influences)
            if named[influence.movie] < REPEATED
        )
        reason = next(found, None)
        if reason:
            named[reason.influence.movie] += 1
        reasons.append(reason)
    return reasons


def _predictions(
    snapshot: ModelSnapshot, people: Sequence[History], rows: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the predicted ratings of N movies by P people, of shape P x N."""
    view = snapshot.model.log.view_of(people)
    queries = Queries.grid(len(people), rows, snapshot.now)
    found = snapshot.model.predict_queries(queries, view).mean
    scale = snapshot.encoding.scale
    return np.asarray(scale.from_stars(found)).reshape(len(people), len(rows))
