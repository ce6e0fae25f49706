"""Recommendations for one user and for all."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of, ratings_of_users, tables_of

from foreseen.data.canonical import Tables
from foreseen.errors import InputError
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.train import train
from foreseen.ranking.rank import CRITERIA, By
from foreseen.ranking.recommend import recommend, recommend_all


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    return train(small, "bias")


def test_watched_movies_are_left_out_and_fewer_are_returned_when_they_run_out(
    model: Model,
) -> None:
    user = int(model.log.users.ids[0])
    watched = set(model.history(user).movies.tolist())
    count = len(model.log.catalogue)
    ranking = recommend(model, [user], k=count + 5)[0]
    movies = [entry.movie for entry in ranking.recommendations]
    assert len(movies) == count - len(watched)
    assert len(set(movies)) == len(movies)
    assert not watched & set(movies)


def test_a_user_who_has_rated_every_movie_gets_an_empty_ranking(model: Model) -> None:
    ids = model.log.catalogue.movies.ids
    end = model.log.end
    rows = [(5_000_000, int(movie), 3.0, end) for movie in ids]
    assert recommend(model.observe(ratings_of(*rows)), [5_000_000])[0].recommendations == ()


def test_an_unknown_user_gets_well_known_movies_and_is_marked_as_unknown(model: Model) -> None:
    ranking = recommend(model, [123_456_789], k=10)[0]
    assert not ranking.known
    assert len(ranking.recommendations) == 10
    assert all("you have no ratings yet" in entry.why for entry in ranking.recommendations)
    views = model.log.ratings["movieId"].value_counts()
    common = set(views.filter(pl.col("count") >= 5)["movieId"].to_list())
    assert {entry.movie for entry in ranking.recommendations} <= common


def test_two_ratings_of_five_stars_do_not_lead_any_ranking(real: Tables) -> None:
    model = train(tables_of(ratings_of_users(real, 150), real.movies), "bias")
    end = model.log.end
    rows = [(6_000_001, 8_888_888, 5.0, end), (6_000_002, 8_888_888, 5.0, end + 1)]
    observed = model.observe(ratings_of(*rows))
    users = [int(user) for user in observed.log.users.ids[:30]]
    for ranking in recommend(observed, [*users, 424_242], k=10):
        assert 8_888_888 not in [entry.movie for entry in ranking.recommendations]


@pytest.mark.parametrize("by", CRITERIA)
def test_a_ranking_is_in_descending_order_of_its_criterion(model: Model, by: By) -> None:
    user = int(model.log.users.ids[2])
    ranking = recommend(model, [user], k=20, by=by)[0]
    scores = model.score(
        [model.history(user)],
        model.log.catalogue.movies.ids,
        at=model.log.end - 1,
    )
    score = CRITERIA[by](scores)[0]
    rows = model.log.catalogue.movies.rows([e.movie for e in ranking.recommendations])
    values = score[rows]
    assert (np.diff(values) <= 0).all()
    watched = model.log.catalogue.movies.rows(model.history(user).movies)
    assert values[-1] >= np.delete(score, np.concatenate([rows, watched])).max()


def test_a_ranking_as_of_a_date_uses_nothing_later(model: Model) -> None:
    user = int(model.log.users.ids[0])
    history = model.history(user)
    at = int(history.timestamps[0])
    ranking = recommend(model, [user], k=len(model.log.catalogue), at=at)[0]
    seen = set(history.movies[history.timestamps <= at].tolist())
    movies = {entry.movie for entry in ranking.recommendations}
    assert len(movies) == len(model.log.catalogue) - len(seen)
    early = model.log.ratings.filter(pl.col("timestamp") > at)
    base = model.log.ratings.filter(pl.col("timestamp") <= at)
    scrambled = early.with_columns(pl.lit(1.0).alias("rating"))
    changed = replace(
        model, log=InteractionLog.of(pl.concat([base, scrambled]), model.log.catalogue)
    )
    assert recommend(changed, [user], k=20, at=at) == recommend(model, [user], k=20, at=at)


def test_the_rankings_of_all_users_are_those_of_each_alone(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "all.parquet"
    assert recommend_all(model, file, k=5) == 60
    frame = pl.read_parquet(file)
    assert frame.height == 300
    user = int(model.log.users.ids[7])
    alone = [entry.movie for entry in recommend(model, [user], k=5)[0].recommendations]
    assert frame.filter(pl.col("userId") == user)["movieId"].to_list() == alone


def test_a_ranking_is_json(model: Model) -> None:
    document = json.loads(json.dumps(recommend(model, [1], k=2)[0].as_json()))
    assert list(document) == ["userId", "known", "recommendations"]
    assert set(document["recommendations"][0]) == {
        "movieId", "title", "year", "genres", "prediction", "low", "high", "likely", "why",
        "movedBy",
    }  # fmt: skip


def test_a_k_below_one_is_refused(model: Model) -> None:
    with pytest.raises(InputError, match="k should be a whole number of 1 or more"):
        recommend(model, [1], k=0)
