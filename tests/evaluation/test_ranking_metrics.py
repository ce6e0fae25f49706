from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.metrics import ndcg
from foreseen.evaluation.ranking_metrics import binary_ndcg, ranking_metrics
from foreseen.evaluation.rankings import RANKINGS_SCHEMA, eval_users, model_scorer, rank_catalogue
from foreseen.evaluation.splits import cut, leave_last_out
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.train import train
from foreseen.ranking.recommend import recommend


def test_ranking_metrics_equal_those_of_the_recommendations(small: Tables) -> None:
    known, last, _ = leave_last_out(small.ratings)
    model = train(replace(small, ratings=known), "bias")
    users = eval_users(model.log, last, relevant_from=0)
    rankings = rank_catalogue(model.log, users, model_scorer(model))
    metrics = ranking_metrics(rankings, model.log)
    assert metrics["likely"]["users"] == len(users) == 60
    hits: list[float] = []
    gains: list[float] = []
    for ranking, user in zip(
        recommend(model, [user.user for user in users], k=10, by="likely"), users, strict=True
    ):
        top = [entry.movie for entry in ranking.recommendations]
        hits.append(user.next in top)
        gains.append(1 / np.log2(top.index(user.next) + 2) if user.next in top else 0)
    assert metrics["likely"]["next_hit10"]["value"] == pytest.approx(np.mean(hits))
    assert metrics["likely"]["ndcg10"]["value"] == pytest.approx(np.mean(gains))
    assert 0 < metrics["blend"]["coverage"] < 1
    assert metrics["rating"]["novelty"] > 0


def test_ranking_metrics_equal_those_computed_by_hand() -> None:
    ratings = ratings_of(*((user, movie, 3.0, movie) for user in (1, 2, 3) for movie in (1, 2)))
    ratings = pl.concat([ratings, ratings_of((1, 3, 3.0, 9), *((4, m, 3.0, m) for m in (4, 5, 6)))])
    log = InteractionLog.of(ratings, Catalogue.of(tables_of(ratings).movies))
    rows = [
        # Two relevant movies at ranks 1 and 3; the next one is the second of them.
        ("likely", 0, 1, 4, 1, 1, 1, True, False),
        ("likely", 0, 1, 5, 2, 2, 2, False, False),
        ("likely", 0, 1, 6, 3, 3, 3, True, True),
        # The relevant movie is tied at ranks 9 to 12.
        ("likely", 1, 2, 3, 1, 1, 1, False, False),
        ("likely", 1, 2, 4, 21, 9, 12, True, True),
    ]
    table = pl.DataFrame(rows, schema=RANKINGS_SCHEMA, orient="row")
    metrics = ranking_metrics(table, log)["likely"]
    first = (1 + 1 / 2) / (1 + 1 / np.log2(3))
    assert metrics["ndcg10"]["value"] == pytest.approx(first / 2)
    assert metrics["recall20"]["value"] == pytest.approx(0.5)
    assert metrics["next_hit10"]["value"] == pytest.approx((1 + 2 / 4) / 2)
    expected = (1 / 3 + (1 / 9 + 1 / 10 + 1 / 11 + 1 / 12) / 4) / 2
    assert metrics["next_mrr"]["value"] == pytest.approx(expected)
    assert metrics["coverage"] == pytest.approx(4 / 6)
    assert metrics["novelty"] == pytest.approx(-np.log2(2 / 5))
    assert metrics["users"] == 2


def test_the_debiased_ndcg_equals_that_computed_by_hand() -> None:
    # Movie 1 has four ratings, movie 2 has one; movies 3 and 4 have none.
    ratings = ratings_of(*((user, 1, 3.0, user) for user in range(4)), (9, 2, 3.0, 9))
    movies = tables_of(pl.concat([ratings, ratings_of((9, 3, 3.0, 10), (9, 4, 3.0, 10))])).movies
    log = InteractionLog.of(ratings, Catalogue.of(movies))
    rows = [
        # The relevant movies are 1, at rank 1, and 3, at rank 2.
        ("likely", 0, 5, 1, 1, 1, 1, True, True),
        ("likely", 0, 5, 3, 2, 2, 2, True, False),
        # The relevant movie is 2, at rank 3.
        ("likely", 1, 6, 3, 1, 1, 1, False, False),
        ("likely", 1, 6, 4, 2, 2, 2, False, False),
        ("likely", 1, 6, 2, 3, 3, 3, True, True),
        # The relevant movie is 4, below the ten.
        ("likely", 2, 7, 4, 11, 11, 11, True, True),
    ]
    table = pl.DataFrame(rows, schema=RANKINGS_SCHEMA, orient="row")
    found = ranking_metrics(table, log)["likely"]["ndcg10_debiased"]
    one, two, three = 1.0, np.sqrt(5 / 2), np.sqrt(5 / 1)
    gained = one + three / np.log2(3) + two / 2
    ideal = three + one / np.log2(3) + two + three
    assert found["value"] == pytest.approx(gained / ideal)
    assert found["low"] <= found["value"] <= found["high"]


def test_only_movies_liked_later_are_relevant(small: Tables) -> None:
    past, later = cut(small.ratings, 0.9)
    log = InteractionLog.of(past, Catalogue.of(small.movies))
    users = eval_users(log, later)
    liked = later.filter(pl.col("rating") >= 4)
    assert {user.user for user in users} == set(liked["userId"])
    assert sum(len(user.relevant) for user in users) == liked.height
    first = {user.user: (user.next, user.moment) for user in users}
    for ratings in later.partition_by("userId", maintain_order=True):
        expected = (ratings["movieId"][0], ratings["timestamp"][0])
        assert first.get(ratings["userId"][0], expected) == expected


@given(st.lists(st.booleans(), min_size=1, max_size=10))
def test_binary_ndcg_of_a_whole_ranking_equals_ndcg(hits: list[bool]) -> None:
    if not any(hits):
        return
    gain = np.array(hits, dtype=np.float64)
    expected = ndcg(gain, -np.arange(len(hits), dtype=np.float64))
    assert binary_ndcg(np.array(hits), sum(hits)) == pytest.approx(expected)


def test_relevant_movies_outside_the_ranking_lower_binary_ndcg() -> None:
    hits = np.array([True, False])
    assert binary_ndcg(hits, 1) == 1
    assert binary_ndcg(hits, 2) == pytest.approx(1 / (1 + 1 / np.log2(3)))
