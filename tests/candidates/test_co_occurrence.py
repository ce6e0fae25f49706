"""What other users watched after, and near, the movies of a history."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.candidates.co_occurrence import CO_WATCH_FEATURES, CoOccurrence, co_watch_counts
from foreseen.data.catalogue import Catalogue
from foreseen.features.interaction_log import InteractionLog

# Users 1 and 2 watched movies 1, 2, 3 in this order; user 3 has watched movie 1 only.
ROWS = (
    (1, 1, 4.0, 10), (1, 2, 4.0, 20), (1, 3, 4.0, 30),
    (2, 1, 3.0, 40), (2, 2, 3.0, 50), (2, 3, 3.0, 60),
    (3, 1, 5.0, 70),
)  # fmt: skip


def log_of(ratings: pl.DataFrame) -> InteractionLog:
    tables = tables_of(ratings)
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


@pytest.fixture
def log() -> InteractionLog:
    return log_of(ratings_of(*ROWS))


def counts(log: InteractionLog, row: int, before: int) -> dict[str, NDArray[np.float64]]:
    found = co_watch_counts(CoOccurrence(log), log.view, row, before)
    return dict(zip(CO_WATCH_FEATURES, found.T, strict=True))


def test_movies_watched_later_count_less_with_distance(log: InteractionLog) -> None:
    found = counts(log, 2, 80)
    # Movie 1 has three ratings, damped by five; twice movie 2 came next and movie 3 second.
    np.testing.assert_allclose(found["co_watch_20"], np.array([0, 2, 2 / np.sqrt(2)]) / (3 + 5))
    np.testing.assert_allclose(found["co_watch_next"], np.array([0, 2, 0]) / (3 + 5))
    np.testing.assert_allclose(found["co_watch_window"], found["co_watch_20"])


def test_movies_watched_earlier_count_in_the_window_only(log: InteractionLog) -> None:
    found = counts(log.with_ratings(ratings_of((4, 3, 4.0, 75))), 3, 80)
    assert found["co_watch_20"].sum() == 0
    assert found["co_watch_window"][1] > found["co_watch_window"][0] > 0


def test_older_movies_of_the_history_count_less(log: InteractionLog) -> None:
    wider = log.with_ratings(
        ratings_of((3, 9, 4.0, 75), (4, 9, 4.0, 76), (4, 8, 4.0, 77), (4, 7, 4.0, 78))
    )
    found = counts(wider, 2, 80)
    row = int(wider.catalogue.movies.rows([2])[0])
    equal = found["co_watch_window_equal"][row]
    assert found["co_watch_window"][row] == pytest.approx(0.5 * equal)
    assert found["co_watch_window_sqrt"][row] == pytest.approx(np.sqrt(0.5) * equal)
    assert found["co_watch_window_last"][row] == 0


def test_only_ratings_before_the_moment_count(log: InteractionLog) -> None:
    assert counts(log, 1, 45)["co_watch_20"][1] == pytest.approx(1 / (2 + 5))
    assert counts(log, 2, 70)["co_watch_20"].sum() == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 49))
def test_later_ratings_do_not_change_counts_by_a_bit(seed: int, step: int) -> None:
    ratings = random_ratings(seed, 150)
    moment = 1_000_000_000 + step * 1000
    whole = log_of(ratings)
    past = InteractionLog(
        whole.catalogue, whole.users, whole.ratings.filter(pl.col("timestamp") < moment)
    )
    for row in range(0, len(whole.users), 4):
        first, second = (
            co_watch_counts(CoOccurrence(log), log.view, row, moment) for log in (whole, past)
        )
        np.testing.assert_array_equal(first, second)


def test_counts_as_of_the_end_are_cached_and_those_of_the_past_stay_the_same(
    log: InteractionLog,
) -> None:
    co_occurrence = CoOccurrence(log)
    movie = int(log.catalogue.movies.rows([1])[0])
    first, again = (co_occurrence.of(movie, log.end) for _ in range(2))
    assert first is again
    grown = log.with_ratings(ratings_of((4, 1, 4.0, 75), (4, 9, 4.0, 76)))
    past = CoOccurrence(grown).of(int(grown.catalogue.movies.rows([1])[0]), log.end)
    np.testing.assert_array_equal(past.movies, first.movies)
    np.testing.assert_array_equal(past.sums, first.sums)


def test_a_movie_without_ratings_has_no_counts(log: InteractionLog) -> None:
    wider = InteractionLog.of(log.ratings, log.catalogue.extended(np.array([77])))
    movie = int(wider.catalogue.movies.rows([77])[0])
    assert len(CoOccurrence(wider).of(movie, wider.end).movies) == 0


def test_precomputed_counts_are_returned_from_the_cache(log: InteractionLog) -> None:
    co_occurrence = CoOccurrence(log)
    co_occurrence.precompute(np.arange(len(log.catalogue)))
    found = {movie: co_occurrence.of(movie, log.end) for movie in range(3)}
    assert all(co_occurrence.of(movie, log.end) is counts for movie, counts in found.items())
    assert [len(counts.movies) for counts in found.values()] == [2, 2, 2]
