"""User-based nearest neighbours: similarities, counts, and which ratings they use."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.candidates import user_knn
from foreseen.candidates.user_knn import KNN_FEATURES, knn_features
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP
from foreseen.features.interaction_log import InteractionLog

# Users 1 and 2 have rated movies 1 and 2, user 1 as the history of the tests does, user 2 the
# other way round; user 3 has rated movie 2 only.
ROWS = (
    (1, 1, 5.0, 10), (1, 2, 2.0, 20), (1, 3, 5.0, 30),
    (2, 1, 2.0, 40), (2, 2, 5.0, 50), (2, 4, 5.0, 60),
    (3, 2, 2.0, 70), (3, 5, 4.0, 80),
)  # fmt: skip


@pytest.fixture
def log() -> InteractionLog:
    tables = tables_of(ratings_of(*ROWS))
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


def counts(
    log: InteractionLog, movies: list[int], rating: list[float]
) -> dict[str, NDArray[np.float64]]:
    found = knn_features(log, log.catalogue.movies.rows(movies), np.array(rating), 100)
    return dict(zip(KNN_FEATURES, found.T, strict=True))


def test_neighbours_count_by_how_much_they_agree(log: InteractionLog) -> None:
    found = counts(log, [1, 2], [5.0, 2.0])
    by_movie = dict(zip(log.catalogue.movies.ids.tolist(), found["knn"], strict=True))
    assert by_movie[3] > by_movie[5] > 0
    assert by_movie[4] == 0


def test_counts_equal_those_computed_by_hand(log: InteractionLog) -> None:
    found = counts(log, [1], [4.0])
    # With one movie there is no agreement to measure: users 1 and 2 are equally similar, by one
    # shared movie that both of them rated, among three ratings each.
    similarity = 1 / np.log(4.0) / (3 + 5) ** 0.2
    np.testing.assert_allclose(found["knn"], np.array([0, 2, 1, 1, 0]) * similarity)
    liked = np.array([0, 2 - 4 + 5 - 4, 5 - 4, 5 - 4, 0]) * similarity
    np.testing.assert_allclose(found["knn_liked"], liked)
    np.testing.assert_allclose(found["knn_nearest"], found["knn"])


def test_movies_of_the_history_count_zero(log: InteractionLog) -> None:
    found = counts(log, [1, 2], [5.0, 2.0])
    for values in found.values():
        assert values[0] == values[1] == 0


def test_an_empty_history_has_no_neighbours(log: InteractionLog) -> None:
    found = knn_features(log, np.empty(0, np.int32), np.empty(0), 100)
    assert found.shape == (5, len(KNN_FEATURES))
    assert not found.any()


def test_only_the_most_similar_users_count(
    log: InteractionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_knn, "_NEIGHBOURS", 1)
    found = counts(log, [1, 2], [5.0, 2.0])
    counted = log.catalogue.movies.ids[found["knn"] > 0]
    assert counted.tolist() == [3]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(5, 45))
def test_neither_later_ratings_nor_the_order_of_observing_change_the_counts(
    seed: int, step: int
) -> None:
    moment = 1_000_000_000 + step * 1000
    tables = tables_of(random_ratings(seed, 150))
    ratings, catalogue = tables.ratings, Catalogue.of(tables.movies)
    is_past = ratings[TIMESTAMP] < moment
    past = ratings.filter(is_past)
    if past.height < 10:
        return
    whole = InteractionLog.of(ratings, catalogue)
    in_steps = InteractionLog.of(past[past.height // 2 :], catalogue)
    in_steps = in_steps.with_ratings(past[: past.height // 2])
    movies = past["movieId"].unique(maintain_order=True)[:4].to_list()
    rating = np.array([4.0, 2.0, 3.5, 5.0])[: len(movies)]
    found = [
        knn_features(log, log.catalogue.movies.rows(movies), rating, moment)
        for log in (whole, in_steps, in_steps.with_ratings(ratings.filter(~is_past)))
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-12, atol=1e-12)
