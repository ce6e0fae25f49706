from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.rankings import (
    RANKINGS_SCHEMA,
    EvalUser,
    eval_users,
    model_scorer,
    rank_catalogue,
)
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.predictions import Scores
from foreseen.models.train import train

KNOWN = ratings_of(
    (1, 30, 4.0, 10), (1, 1, 4.0, 20), (2, 2, 4.0, 20), *((3, movie, 3.0, 5) for movie in range(40))
)  # fmt: skip
LOG = InteractionLog.of(KNOWN, Catalogue.of(tables_of(KNOWN).movies))
LATER = ratings_of((1, 39, 2.0, 50), (1, 38, 5.0, 60), (2, 0, 4.0, 70))


def by_id(users: Sequence[EvalUser]) -> dict[str, NDArray[np.float64]]:
    """Score movies by their ids, rounded down to tens, lowest first."""
    score = -(LOG.catalogue.movies.ids // 10 * 10).astype(np.float64)
    return {"id": np.tile(score, (len(users), 1))}


def test_a_ranking_has_the_best_movies_and_the_relevant_ones_below() -> None:
    users = eval_users(LOG, LATER)
    table = rank_catalogue(LOG, users, by_id)
    assert table.schema == RANKINGS_SCHEMA
    first = table.filter(list=0)
    # Movies 1 and 30 are rated already; 38 is relevant, 39 is the next one.
    assert first["movieId"].to_list() == [0, *range(2, 21), 38, 39]
    assert first["rank"].to_list() == [*range(1, 21), 37, 38]
    assert first.filter(movieId=38).row(0) == ("id", 0, 1, 38, 37, 30, 38, True, False)
    assert first.filter(movieId=39).row(0) == ("id", 0, 1, 39, 38, 30, 38, False, True)
    assert first["target"].sum() == first["next"].sum() == 1
    second = table.filter(list=1)
    assert second["movieId"].to_list() == [0, 1, *range(3, 21)]
    assert second.row(0) == ("id", 1, 2, 0, 1, 1, 9, True, True)


def test_users_have_their_history_and_the_moment_of_the_next_rating() -> None:
    one, two = eval_users(LOG, LATER)
    assert one.history.movies.tolist() == [30, 1]
    assert (one.user, one.next, one.relevant.tolist(), one.moment, one.at) == (1, 39, [38], 50, 20)
    assert (two.user, two.next, two.relevant.tolist(), two.moment, two.at) == (2, 0, [0], 70, 20)
    (stranger,) = eval_users(LOG, ratings_of((9, 5, 4.0, 80)))
    assert len(stranger.history.movies) == 0


def test_only_users_of_the_same_second_are_scored_together() -> None:
    sizes: list[int] = []

    def score(users: Sequence[EvalUser]) -> dict[str, NDArray[np.float64]]:
        sizes.append(len(users))
        assert len({user.at for user in users}) == 1
        return by_id(users)

    user = eval_users(LOG, LATER)[0]
    moments = [20] * 18 + [21, 20]
    users = [
        EvalUser(user.user, user.history, user.relevant, user.next, at, user.moment)
        for at in moments
    ]
    table = rank_catalogue(LOG, users, score)
    assert sizes == [16, 2, 1, 1]
    assert table["list"].unique().sort().to_list() == list(range(20))


def test_without_users_there_are_no_rankings() -> None:
    assert rank_catalogue(LOG, [], by_id).schema == RANKINGS_SCHEMA


@pytest.mark.parametrize("moment_known", [False, True])
def test_models_get_the_moment_only_where_it_is_known(
    moment_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = train(tables_of(random_ratings(0, 200)), "bias")
    users = eval_users(model.log, ratings_of((1, 5, 4.0, 50), (2, 6, 4.0, 60)))
    given: list[object] = []
    score = Model.score

    def recorded(
        self: Model,
        histories: Sequence[History],
        candidates: NDArray[np.int64],
        at: int | None = None,
        moments: Sequence[int] | None = None,
    ) -> Scores:
        given.append((at, moments))
        return score(self, histories, candidates, at, moments)

    monkeypatch.setattr(Model, "score", recorded)
    scores = model_scorer(model, moment_known)(users)
    assert given == [(model.log.end - 1, [50, 60] if moment_known else None)]
    assert list(scores) == ["rating", "likely", "blend"]
