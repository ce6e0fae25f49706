import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.candidates.user_knn import KNN_FEATURES, knn_features
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP
from foreseen.features import neighbours
from foreseen.features.interaction_log import InteractionLog

# Of movies 1 and 2 users 1 and 2 have rated both, the one as the asker does, the other the other
# way round; user 3 has rated 2 only.
ROWS = (
    (1, 1, 5.0, 10), (1, 2, 2.0, 20), (1, 3, 5.0, 30),
    (2, 1, 2.0, 40), (2, 2, 5.0, 50), (2, 4, 5.0, 60),
    (3, 2, 2.0, 70), (3, 5, 4.0, 80),
)  # fmt: skip


def log_of(*rows: tuple[int, int, float, int]) -> InteractionLog:
    tables = tables_of(ratings_of(*rows))
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


def ask(
    log: InteractionLog, movies: list[int], rating: list[float], before: int = 100
) -> dict[str, NDArray[np.float64]]:
    found = knn_features(log, log.catalogue.movies.rows(movies), np.array(rating), before)
    return dict(zip(KNN_FEATURES, found.T, strict=True))


def test_who_agrees_on_more_counts_for_more_and_who_agrees_on_nothing_not_at_all() -> None:
    log = log_of(*ROWS)
    found = ask(log, [1, 2], [5.0, 2.0])
    votes = dict(zip(log.catalogue.movies.ids.tolist(), found["neighbours"], strict=True))
    assert votes[3] > votes[5] > 0
    assert votes[4] == 0


def test_votes_are_those_worked_out_by_hand() -> None:
    found = ask(log_of(*ROWS), [1], [4.0])
    # Nothing leans, so users 1 and 2 are equally alike: one movie, rated by both, of three known.
    likeness = 1 / np.log(4.0) / (3 + 5) ** 0.2
    np.testing.assert_allclose(found["neighbours"], [0, 2 * likeness, likeness, likeness, 0])
    liked = [0, likeness * (2 - 4 + 5 - 4), likeness * (5 - 4), likeness * (5 - 4), 0]
    np.testing.assert_allclose(found["neighbours_liked"], liked)
    np.testing.assert_allclose(found["neighbours_nearest"], found["neighbours"])


def test_the_historys_own_movies_get_no_votes() -> None:
    found = ask(log_of(*ROWS), [1, 2], [5.0, 2.0])
    for values in found.values():
        assert values[0] == values[1] == 0


def test_nobody_is_like_an_empty_history() -> None:
    log = log_of(*ROWS)
    found = knn_features(log, np.empty(0, np.int32), np.empty(0), 100)
    assert found.shape == (5, len(KNN_FEATURES))
    assert not found.any()


def test_only_the_most_alike_have_a_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_NEIGHBOURS", 1)
    log = log_of(*ROWS)
    found = ask(log, [1, 2], [5.0, 2.0])
    voted = log.catalogue.movies.ids[found["neighbours"] > 0]
    assert voted.tolist() == [3]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(5, 45))
def test_what_comes_later_changes_nothing_and_neither_do_the_steps_it_came_in(
    seed: int, after: int
) -> None:
    moment = 1_000_000_000 + after * 1000
    ratings = tables_of(random_ratings(seed, 150)).ratings
    past, rest = ratings.filter(ratings[TIMESTAMP] < moment), ratings[TIMESTAMP] >= moment
    if past.height < 10:
        return
    whole = InteractionLog.of(ratings, Catalogue.of(tables_of(ratings).movies))
    steps = InteractionLog.of(past[past.height // 2 :], Catalogue.of(tables_of(ratings).movies))
    steps = steps.with_ratings(past[: past.height // 2])
    movies = past["movieId"].unique(maintain_order=True)[:4].to_list()
    rating = np.array([4.0, 2.0, 3.5, 5.0])[: len(movies)]
    answers = [
        knn_features(log, log.catalogue.movies.rows(movies), rating, moment)
        for log in (whole, steps, steps.with_ratings(ratings.filter(rest)))
    ]
    for answer in answers[1:]:
        np.testing.assert_allclose(answer, answers[0], rtol=1e-12, atol=1e-12)
