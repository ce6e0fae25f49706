from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.canonical import Tables
from foreseen.evaluation.metrics import ndcg
from foreseen.evaluation.ranking_metrics import binary_ndcg, eval_users, ranking_metrics
from foreseen.evaluation.splits import cut, leave_last_out
from foreseen.models.train import train
from foreseen.ranking.recommend import recommend


def test_ranking_metrics_equal_those_of_the_recommendations(small: Tables) -> None:
    known, last, _ = leave_last_out(small.ratings)
    model = train(replace(small, ratings=known), "bias")
    users = eval_users(model, last, relevant_from=0)
    metrics = ranking_metrics(model, users)
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


def test_only_movies_liked_later_are_relevant(small: Tables) -> None:
    past, later = cut(small.ratings, 0.9)
    model = train(replace(small, ratings=past), "bias")
    users = eval_users(model, later)
    liked = later.filter(pl.col("rating") >= 4)
    assert {user.user for user in users} == set(liked["userId"])
    assert sum(len(user.relevant) for user in users) == liked.height
    first = {user.user: user.next for user in users}
    for ratings in later.partition_by("userId", maintain_order=True):
        assert first.get(ratings["userId"][0], ratings["movieId"][0]) == ratings["movieId"][0]


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
