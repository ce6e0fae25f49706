import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from foreseen.data.canonical import Tables
from foreseen.errors import InputError
from foreseen.models.base import Model
from foreseen.models.train import train
from foreseen.ranking.recommend import WORTH, rank, recommend, recommend_all
from tests.conftest import ratings_of


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    return train(small, "bias")


@given(
    arrays.arrays(np.float64, 30, elements=st.sampled_from([1.0, 2.0, 3.0])),
    arrays.arrays(np.bool_, 30),
    st.integers(1, 40),
)
def test_the_best_unwatched_come_first_and_ties_keep_their_order(
    worth: np.ndarray, watched: np.ndarray, k: int
) -> None:
    chosen = rank(worth, watched, k).tolist()
    expected = sorted((n for n in range(30) if not watched[n]), key=lambda n: (-worth[n], n))[:k]
    assert chosen == expected


def test_watched_movies_are_left_out_and_fewer_are_returned_when_they_run_out(
    model: Model,
) -> None:
    user = int(model.log.users.ids[0])
    watched = set(model.history(user).movies.tolist())
    everything = len(model.log.catalogue)
    ranking = recommend(model, [user], k=everything + 5)[0]
    movies = [entry.movie for entry in ranking.recommendations]
    assert len(movies) == everything - len(watched)
    assert len(set(movies)) == len(movies)
    assert not watched & set(movies)


def test_a_user_who_has_seen_everything_gets_an_empty_ranking(model: Model) -> None:
    ids = model.log.catalogue.movies.ids
    end = model.log.end
    rows = [(5_000_000, int(movie), 3.0, end) for movie in ids]
    assert recommend(model.observe(ratings_of(*rows)), [5_000_000])[0].recommendations == ()


def test_an_unknown_user_gets_a_sensible_ranking_and_is_told_so(model: Model) -> None:
    ranking = recommend(model, [123_456_789], k=10)[0]
    assert not ranking.known
    assert len(ranking.recommendations) == 10
    assert all("no rating of yours" in entry.why for entry in ranking.recommendations)
    views = model.log.ratings["movieId"].value_counts()
    common = set(views.filter(pl.col("count") >= 5)["movieId"].to_list())
    assert {entry.movie for entry in ranking.recommendations} <= common


def test_two_perfect_ratings_do_not_lead_anybodys_list(real: Tables) -> None:
    model = train(real, "bias")
    end = model.log.end
    rows = [(6_000_001, 8_888_888, 5.0, end), (6_000_002, 8_888_888, 5.0, end + 1)]
    observed = model.observe(ratings_of(*rows))
    users = [int(user) for user in observed.log.users.ids[:30]]
    for ranking in recommend(observed, [*users, 424_242], k=10):
        assert 8_888_888 not in [entry.movie for entry in ranking.recommendations]


@pytest.mark.parametrize("by", ["rating", "likely", "blend"])
def test_a_ranking_is_in_descending_worth(model: Model, by: str) -> None:
    user = int(model.log.users.ids[2])
    ranking = recommend(model, [user], k=20, by=by)[0]  # pyright: ignore[reportArgumentType]
    scores = model.score(
        [model.history(user)],
        model.log.catalogue.movies.ids,
        at=model.log.end - 1,
    )
    worth = WORTH[by](scores)[0]  # pyright: ignore[reportArgumentType]
    places = model.log.catalogue.movies.rows([e.movie for e in ranking.recommendations])
    values = worth[places]
    assert (np.diff(values) <= 0).all()
    watched = model.log.catalogue.movies.rows(model.history(user).movies)
    assert values[-1] >= np.delete(worth, np.concatenate([places, watched])).max()


def test_as_of_a_date_nothing_later_is_known(model: Model) -> None:
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
    from dataclasses import replace

    from foreseen.features.interaction_log import InteractionLog

    changed = replace(
        model, log=InteractionLog.of(pl.concat([base, scrambled]), model.log.catalogue)
    )
    assert recommend(changed, [user], k=20, at=at) == recommend(model, [user], k=20, at=at)


def test_everybodys_rankings_are_those_of_each_alone(
    model: Model, tmp_path: pytest.TempPathFactory
) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "all.parquet"
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


def test_no_movies_at_all_cannot_be_asked_for(model: Model) -> None:
    with pytest.raises(InputError, match="k should be 1 or more"):
        recommend(model, [1], k=0)
