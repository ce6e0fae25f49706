"""Rankings and predictions from stored ratings."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.features.queries import History
from foreseen.ranking.request import RankingRequest
from foreseen.serving.recommender import (
    Prediction,
    Recommender,
    rating_probabilities,
)
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating


@pytest.fixture(scope="module")
def history(snapshot: ModelSnapshot) -> History:
    rated = [StoredRating(318, 5.0, 10), StoredRating(296, 4.5, 20), StoredRating(1, 2.0, 30)]
    return snapshot.history(rated)


def test_a_ranking_leaves_out_rated_and_dismissed_movies(
    snapshot: ModelSnapshot, history: History
) -> None:
    recommender, request = Recommender(), RankingRequest(10)
    first = [int(entry.movie) for entry in recommender.rank(snapshot, history, [], request)]
    assert len(first) == 10
    assert set(first).isdisjoint([318, 296, 1])
    second = recommender.rank(snapshot, history, first[:2], request)
    assert [entry.movie for entry in second][:8] == first[2:]


def test_a_scorer_is_cached_by_history_and_moment(
    snapshot: ModelSnapshot, history: History
) -> None:
    recommender = Recommender()
    scorer = recommender.scorer(snapshot, history)
    assert recommender.scorer(snapshot, history.part(slice(None))) is scorer
    assert recommender.scorer(snapshot, history.without(1)) is not scorer
    assert recommender.scorer(snapshot, history, at=snapshot.now - 1) is scorer
    assert recommender.scorer(snapshot, history, at=snapshot.now - 2) is not scorer


def test_the_scorers_of_older_snapshots_are_discarded(
    snapshot: ModelSnapshot, history: History
) -> None:
    recommender = Recommender()
    scorer = recommender.scorer(snapshot, history)
    newer = replace(snapshot, serial=snapshot.serial + 1000)
    assert recommender.scorer(newer, history) is not scorer
    assert recommender.scorer(snapshot, history) is not scorer


def test_predictions_keep_the_order_of_the_movies_known_or_not(
    snapshot: ModelSnapshot, history: History
) -> None:
    movies = [50, 99_999_999, 318, 50]
    recommender = Recommender()
    found = recommender.predict(snapshot, history, movies)
    assert [entry.movie for entry in found] == movies
    assert found[0] == found[3]
    assert all(0.5 <= entry.low <= entry.rating <= entry.high <= 5 for entry in found)
    assert recommender.predict(snapshot, history, []) == []


def test_predictions_beside_a_ranking_are_those_without_it(
    snapshot: ModelSnapshot, history: History
) -> None:
    movies = [318, 2, 50, 318]
    alone = Recommender().predict(snapshot, history, movies)
    recommender = Recommender()
    recommender.rank(snapshot, history, [], RankingRequest(10))
    beside = recommender.predict(snapshot, history, movies)
    assert [entry.movie for entry in beside] == movies
    for one, other in zip(alone, beside, strict=True):
        assert (one.rating, one.low, one.high) == pytest.approx(
            (other.rating, other.low, other.high), abs=1e-5
        )


def test_a_ranking_is_that_of_the_ratings_and_hidden_movies_at_hand(
    snapshot: ModelSnapshot, history: History
) -> None:
    recommender, request = Recommender(), RankingRequest(5)
    first = recommender.rank(snapshot, history, [], request)
    assert recommender.rank(snapshot, history, [], request) is first
    best = snapshot.encoding.movies.code(first[0].movie)
    others = recommender.rank(snapshot, history, [best], request)
    assert first[0].movie not in {entry.movie for entry in others}
    fewer = history.without(int(history.movies[0]))
    assert recommender.rank(snapshot, fewer, [], request) != first


def test_influences_are_those_that_a_ranking_is_described_with(
    snapshot: ModelSnapshot, history: History
) -> None:
    recommender = Recommender()
    ranked = recommender.rank(snapshot, history, [], RankingRequest(5, influences_tried=2))
    movies = [snapshot.encoding.movies.code(entry.movie) for entry in ranked]
    found = recommender.influences(snapshot, history, movies[::-1], 2)
    # The first of the three ratings is not tried.
    assert [{entry.movie for entry in entries} for entries in found] == [{296, 1}] * 5
    for entry, entries in zip(ranked[::-1], found, strict=True):
        effects = [influence.effect for influence in entries]
        assert effects == pytest.approx([influence.effect for influence in entry.moved_by])


@given(st.tuples(*(st.floats(0.5, 5) for _ in range(3))).map(sorted))
def test_rating_probabilities_sum_to_one_over_the_half_stars(values: list[float]) -> None:
    low, rating, high = values
    chances = rating_probabilities(Prediction(1, rating, low, high))
    assert [stars for stars, _ in chances] == [n / 2 for n in range(1, 11)]
    assert all(probability >= 0 for _, probability in chances)
    assert sum(probability for _, probability in chances) == pytest.approx(1)


def test_the_most_probable_rating_is_the_nearest_half_star() -> None:
    chances = dict(rating_probabilities(Prediction(1, 3.6, 2.9, 4.3)))
    assert max(chances, key=lambda stars: chances[stars]) == 3.5
