"""Fold-in of users by their histories, against results computed another way."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.factors.bayesian_mf import Factors, FactorSettings, fit_factors
from foreseen.models.factors.fold_in import fold_in
from foreseen.models.factors.residual_features import FOLD_IN_FEATURES
from foreseen.models.factors.side_information import user_features

SETTINGS = FactorSettings(rank=3, directions=2, sweeps=8, burn_in=4, samples=4)


@pytest.fixture(scope="module")
def factors(log: InteractionLog) -> Factors:
    return fit_factors(SETTINGS, log.catalogue, log.user, log.movie, log.rating, seed=0)


def one_query(user: int, movie: int, before: int) -> Queries:
    row = np.array([user], np.int32)
    return Queries(row, row, np.array([movie], np.int32), np.array([before]))


def test_the_prediction_is_the_exact_posterior_mean(log: InteractionLog, factors: Factors) -> None:
    user, movie = 7, 25
    histories = log.histories
    rows = slice(int(histories.starts[user]), int(histories.starts[user + 1]))
    watched, rating = histories.movie[rows], histories.rating[rows]
    starts = np.array([0, len(watched)])
    features = user_features(starts, watched, factors.content, int(factors.directions[0]))[0]
    predicted: list[float] = []
    for s in range(len(factors.movies)):
        vectors: NDArray[np.float64] = factors.movies[s].astype(np.float64)
        design = np.column_stack([np.ones(len(watched)), vectors[watched, 1:]])
        residual = rating - factors.mean[0] - vectors[watched, 0]
        prior: NDArray[np.float64] = factors.user_precisions[s]
        noise = float(factors.noise_precisions[s])
        information: NDArray[np.float64] = (
            prior @ (features @ factors.user_means[s]) + noise * design.T @ residual
        )
        precision: NDArray[np.float64] = prior + noise * design.T @ design
        x = np.linalg.solve(precision, information).astype(np.float64)
        regressor = np.append(1.0, vectors[movie, 1:])
        predicted.append((factors.mean[0] + vectors[movie, 0] + regressor @ x).item())
    found = fold_in(factors, log.view, one_query(user, movie, log.end)).rating[0]
    assert found == pytest.approx(np.mean(predicted))


def test_predictions_do_not_depend_on_the_other_queries(
    log: InteractionLog, factors: Factors
) -> None:
    queries = log.rating_queries()
    whole = fold_in(factors, log.view, queries)
    rows = np.array([5, 900, 17, 4000])
    part = fold_in(factors, log.view, queries.part(rows))
    np.testing.assert_array_equal(part.rating, whole.rating[rows])
    np.testing.assert_array_equal(part.values, whole.values[rows])
    np.testing.assert_array_equal(whole.first(10).values, whole.values[:10])


def test_ratings_from_the_moment_on_do_not_change_a_prediction_by_a_bit(
    log: InteractionLog, factors: Factors
) -> None:
    moment = int(log.timestamp[len(log.timestamp) // 2])
    rating = np.where(log.timestamp >= moment, 5.5 - log.rating, log.rating)
    changed = replace(log, ratings=log.ratings.with_columns(pl.Series("rating", rating)))
    early = np.flatnonzero(log.timestamp <= moment)
    queries = log.rating_queries().part(early)
    first, second = (fold_in(factors, which.view, queries) for which in (log, changed))
    np.testing.assert_array_equal(first.rating, second.rating)
    np.testing.assert_array_equal(first.values, second.values)


def test_predictions_for_unknown_users_and_movies_are_finite(
    log: InteractionLog, factors: Factors
) -> None:
    folded = fold_in(factors, log.view, one_query(-1, -1, log.end))
    assert np.isfinite(folded.rating).all()
    assert np.isfinite(folded.values).all()


def test_the_spread_falls_with_the_number_of_ratings(log: InteractionLog, factors: Factors) -> None:
    histories = log.histories
    user = int(np.argmax(np.diff(histories.starts)))
    times = histories.times[histories.starts[user] : histories.starts[user + 1]]
    # Of movies with few ratings most of the spread comes from the movie.
    movies = np.argsort(-np.bincount(log.movie))[:100].astype(np.int32)
    row = np.full(100, user, dtype=np.int32)
    column = FOLD_IN_FEATURES.index("factor_spread")
    spreads: list[float] = []
    for moment in (times[0], times[-1] + 1):
        queries = Queries(row, row, movies, np.full(100, moment))
        spreads.append(float(fold_in(factors, log.view, queries).values[:, column].mean()))
    assert spreads[1] < 0.8 * spreads[0]


def test_the_last_residual_is_the_rating_less_its_prediction_just_before_it(
    log: InteractionLog, factors: Factors
) -> None:
    histories = log.histories
    user = 7
    rows = slice(int(histories.starts[user]), int(histories.starts[user + 1]))
    moment, movie = int(histories.times[rows][-1]), int(histories.movie[rows][-1])
    predicted = fold_in(factors, log.view, one_query(user, movie, moment)).rating[0]
    after = fold_in(factors, log.view, one_query(user, 25, moment + 1)).values[0]
    last = after[FOLD_IN_FEATURES.index("residual_last")]
    assert last == pytest.approx(histories.rating[rows][-1] - predicted, abs=1e-5)


def test_without_features_the_ratings_are_the_same(log: InteractionLog, factors: Factors) -> None:
    queries = log.rating_queries().part(slice(0, 500))
    full, ratings_only = (
        fold_in(factors, log.view, queries, features=features) for features in (True, False)
    )
    np.testing.assert_allclose(ratings_only.rating, full.rating, rtol=1e-12)
    assert not ratings_only.values.any()


def test_without_features_queries_about_one_moment_have_the_same_ratings(
    log: InteractionLog, factors: Factors
) -> None:
    moment = int(np.median(log.timestamp))
    movies = np.array([3, -1, 0, 7, 3], dtype=np.int32)
    for users in ([5, 5, 5, 5, 5], [31, 5, -1, 31, 5]):
        row = np.array(users, dtype=np.int32)
        queries = Queries(row, row, movies, np.full(len(row), moment))
        full, ratings_only = (
            fold_in(factors, log.view, queries, features=features) for features in (True, False)
        )
        np.testing.assert_allclose(ratings_only.rating, full.rating, rtol=1e-9)
        assert not ratings_only.values.any()


def test_no_queries_have_no_predictions(log: InteractionLog, factors: Factors) -> None:
    for features in (True, False):
        folded = fold_in(factors, log.view, Queries.none(), features)
        assert len(folded.rating) == 0
    assert folded.values.shape == (0, len(FOLD_IN_FEATURES))
