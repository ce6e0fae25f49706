"""Candidate generation: which movies are candidates, and their features."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import ratings_of, tables_of

from foreseen.candidates.built_in import CANDIDATE_FEATURES, SEQUENCE_FEATURES
from foreseen.candidates.generator import Candidates, find_candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.popularity import (
    LIKED_SHARE,
    LIKED_YEAR,
    POPULAR_YEAR,
    POPULARITY_FEATURES,
    Popularity,
)
from foreseen.candidates.source import SequenceScores
from foreseen.data.catalogue import Catalogue
from foreseen.data.identifiers import UNKNOWN
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import History


def candidates_of(index: CandidateIndex, row: int, before: int | None = None) -> Candidates:
    before = index.log.end if before is None else before
    return find_candidates(index, index.log.view, row, before, Popularity.of(index.log, before))


def column(candidates: Candidates, name: str) -> NDArray[np.float64]:
    return candidates.values[:, CANDIDATE_FEATURES.index(name)]


def test_watched_movies_are_no_candidates(index: CandidateIndex) -> None:
    histories = index.log.histories
    for user in (0, 3, 20):
        candidates = candidates_of(index, user)
        watched = histories.movie[histories.starts[user] : histories.starts[user + 1]]
        assert candidates.known == len(watched)
        assert not np.isin(candidates.movies, watched).any()
        assert (np.diff(candidates.movies) > 0).all()
        assert candidates.values.shape == (len(candidates.movies), len(CANDIDATE_FEATURES))
        assert np.isfinite(candidates.values).all()


def test_later_ratings_do_not_change_candidates_by_a_bit(index: CandidateIndex) -> None:
    log = index.log
    moment = int(log.timestamp[len(log.timestamp) // 2])
    turned = log.ratings.with_columns(
        pl.when(pl.col("timestamp") >= moment)
        .then(5.5 - pl.col("rating"))
        .otherwise(pl.col("rating"))
    )
    changed = CandidateIndex(InteractionLog(log.catalogue, log.users, turned))
    user = int(log.user[len(log.user) // 2])
    first, second = (candidates_of(which, user, moment) for which in (index, changed))
    np.testing.assert_array_equal(first.movies, second.movies)
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.fallback, second.fallback)


def test_a_new_user_has_the_popular_movies_as_candidates(index: CandidateIndex) -> None:
    log = index.log
    view = log.view_of([History.empty()])
    popularity = Popularity.of(log, log.end)
    candidates = find_candidates(index, view, 0, log.end, popularity)
    assert candidates.known == 0
    assert np.isin(np.argsort(-popularity.columns[:, POPULAR_YEAR])[:50], candidates.movies).all()


def test_a_movie_that_is_not_in_the_catalogue_is_ignored(index: CandidateIndex) -> None:
    log = index.log
    known = History(log.catalogue.movies.ids[:1], np.array([4.0]), np.array([log.end - 1]))
    unknown = History(np.append(known.movies, 10**9), np.array([4.0, 1.0]), np.full(2, log.end - 1))
    assert log.catalogue.movies.rows([10**9])[0] == UNKNOWN
    popularity = Popularity.of(log, log.end)
    first, second = (
        find_candidates(index, log.view_of([history]), 0, log.end, popularity)
        for history in (known, unknown)
    )
    assert first.known == second.known == 1
    np.testing.assert_array_equal(column(first, "ease"), column(second, "ease"))


def test_popularity_decays_and_counts_liked_ratings_by_themselves() -> None:
    ratings = ratings_of((1, 7, 5.0, 0), (2, 7, 2.0, 0), (3, 8, 4.0, 365 * 86_400))
    tables = tables_of(ratings)
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    popularity = Popularity.of(log, 365 * 86_400 + 1)
    assert popularity.views.tolist() == [2, 1]
    assert popularity.columns.shape == (2, len(POPULARITY_FEATURES))
    np.testing.assert_allclose(popularity.columns[:, POPULAR_YEAR], [2 * 0.5, 1], atol=1e-6)
    np.testing.assert_allclose(popularity.columns[:, LIKED_YEAR], [0.5, 1], atol=1e-6)
    share = (2 + 1) / (3 + 2)
    expected = [(1 + 5 * share) / (2 + 5), (1 + 5 * share) / (1 + 5)]
    np.testing.assert_allclose(popularity.columns[:, LIKED_SHARE], expected)


def test_predicted_ratings_enter_as_deviations_from_the_item_bias(index: CandidateIndex) -> None:
    candidates = candidates_of(index, 3)
    predicted = candidates.with_ratings(column(candidates, "movie_bias") + 0.25)
    np.testing.assert_allclose(column(predicted, "predicted_rating"), 0.25)
    assert not column(candidates, "predicted_rating").any()


def test_franchise_features_describe_the_watched_movies_of_the_franchise(
    index: CandidateIndex,
) -> None:
    log, histories = index.log, index.log.histories
    franchises = log.catalogue.franchises
    compared = 0
    for user in range(0, len(log.users), 10):
        rows = slice(int(histories.starts[user]), int(histories.starts[user + 1]))
        rating = histories.rating[rows]
        centred = rating - rating.mean()
        candidates = candidates_of(index, user)
        watched, liked = (
            column(candidates, name) for name in ("franchise_watched", "franchise_liked")
        )
        for n, movie in enumerate(candidates.movies):
            same = franchises[histories.movie[rows]] == franchises[movie]
            assert watched[n] == pytest.approx(np.log1p(same.sum()))
            assert liked[n] == pytest.approx(centred[same].sum() / (same.sum() + 1), abs=1e-9)
            compared += int(same.any())
    assert compared > 10


def test_movies_with_a_high_sequence_score_become_candidates(index: CandidateIndex) -> None:
    log = index.log
    plain = candidates_of(index, 3)
    watched = log.histories.movie[log.histories.starts[3] : log.histories.starts[4]]
    other = np.ones(len(log.catalogue), dtype=np.bool_)
    other[plain.movies] = other[watched] = False
    others = np.flatnonzero(other)
    values = np.full((len(log.catalogue), 2), -12.0, dtype=np.float32)
    values[others[5]] = -1, -12
    values[others[7]] = -12, -2
    values[watched[0]] = -0.5, -12
    popularity = Popularity.of(log, log.end)
    scores = SequenceScores(values, 0.25)
    found = find_candidates(index, log.view, 3, log.end, popularity, scores)
    assert np.isin(np.append(plain.movies, others[[5, 7]]), found.movies).all()
    assert watched[0] not in found.movies
    place = found.movies.tolist().index(int(others[5]))
    columns = [float(column(found, name)[place]) for name in SEQUENCE_FEATURES]
    assert columns == [-1, -12, -0.25, -3]
    np.testing.assert_allclose(found.fallback, np.exp(values[:, 0]) + 1e-9, rtol=1e-6)
    assert not column(plain, "sequence_next").any()
