"""Rankings of blocks of users equal those of each user alone."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of

from foreseen.candidates import batch, generator
from foreseen.data.canonical import Tables
from foreseen.models.base import Model
from foreseen.models.predictor import FirstStageScorer
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.ranking.batch import BatchRanker
from foreseen.ranking.rank import CRITERIA, By
from foreseen.ranking.recommend import select
from foreseen.ranking.request import RankingRequest
from foreseen.ranking.two_stage import TwoStageScorer

QUICK: dict[str, object] = {
    "folds": 2,
    "factors": [
        {"sweeps": 8, "burn_in": 4, "samples": 2, "rank": 4},
        {"sweeps": 8, "burn_in": 4, "samples": 2, "rank": 3, "directions": 0},
    ],
    "loop": {"epochs": 1},
}
TOLERANCE = 1e-5
"""Of predictions, in stars, and of probabilities: networks and products of single precision depend
on how many rows they are given."""


@pytest.fixture(scope="module", params=["bias", "ensemble"])
def model(request: pytest.FixtureRequest, small: Tables) -> Model:
    settings = parse_settings(request.param, QUICK if request.param == "ensemble" else None)
    return train(small, request.param, settings)


@pytest.mark.parametrize("by", CRITERIA)
@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_a_block_has_the_rankings_of_its_users(
    model: Model, by: By, diversity: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of candidates with equal counts any may be the last: here all are candidates.
    monkeypatch.setattr(batch, "LEADERS", 100_000)
    monkeypatch.setattr(generator, "LEADERS", 100_000)
    users = np.sort(model.log.users.ids)[::12]
    early = int(np.median(model.log.timestamp))
    for at in (None, early):
        request = RankingRequest(8, by, at=at, diversity=diversity)
        table = BatchRanker(model, request).rank(users)
        before = model.log.end if at is None else at + 1
        for user in map(int, users):
            history = model.history(user, before)
            scorer = TwoStageScorer(model, history, before)
            rows = select(scorer, request)
            found = table.filter(pl.col("userId") == user)
            assert found["rank"].to_list() == list(range(1, len(rows) + 1))
            assert found["movieId"].to_list() == model.log.catalogue.movies.ids[rows].tolist()
            for name in ("mean", "low", "high"):
                alone = getattr(scorer.scores.predictions, name)[0, rows]
                column = "prediction" if name == "mean" else name
                np.testing.assert_allclose(found[column].to_numpy(), alone, atol=TOLERANCE)
            if by == "rating":
                continue
            likely = scorer.scores.likely[0, rows]
            np.testing.assert_allclose(found["likely"].to_numpy(), likely, atol=TOLERANCE)


def test_rankings_by_rating_have_no_column_that_takes_longer_than_they_do(model: Model) -> None:
    users = model.log.users.ids[:3]
    columns = {by: BatchRanker(model, RankingRequest(5, by)).rank(users).columns for by in CRITERIA}
    assert columns["likely"] == columns["blend"] == [*columns["rating"], "likely"]


def test_the_first_stage_of_many_users_is_that_of_each(model: Model) -> None:
    log = model.log
    rows = np.arange(0, len(log.users), 9, dtype=np.int32)
    one_by_one = [
        model.first_stage_scores(log.view_of([model.history(u)]), 1, log.end)
        for u in map(int, log.users.ids[rows])
    ]
    if not isinstance(model.predictor, FirstStageScorer):
        assert one_by_one[0] is None
        return
    first_stage = model.predictor.first_stage_scores(log.view, rows, log.end)
    for scores, alone in zip(first_stage, one_by_one, strict=True):
        assert alone is not None
        np.testing.assert_allclose(scores, alone[0], atol=TOLERANCE)


def test_a_first_stage_uses_the_factors_as_of_its_moment(model: Model) -> None:
    """Snapshots that were refreshed with later ratings are not used."""
    log = model.log
    movies = log.catalogue.movies.ids.tolist()
    new = [(9_000_000, movie, 1.0, log.end + 10) for movie in movies[:3000]]
    observed = model.with_ratings(ratings_of(*new))
    rows = np.arange(4, dtype=np.int32)
    if not isinstance(model.predictor, FirstStageScorer):
        assert not isinstance(observed.predictor, FirstStageScorer)
        return
    assert isinstance(observed.predictor, FirstStageScorer)
    np.testing.assert_array_equal(
        model.predictor.first_stage_scores(model.log.view, rows, log.end),
        observed.predictor.first_stage_scores(observed.log.view, rows, log.end),
    )
