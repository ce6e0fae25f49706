"""Fitting, refreshing and extending the factor model."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.factors.bayesian_mf import (
    Factors,
    FactorSettings,
    fit_factors,
    refresh_factors,
)
from foreseen.models.factors.fold_in import fold_in
from foreseen.models.factors.gibbs import Interactions

QUICK = FactorSettings(rank=3, directions=2, sweeps=8, burn_in=4, samples=4)


@pytest.fixture(scope="module")
def factors(log: InteractionLog) -> Factors:
    half = len(log.rating) // 2
    return fit_factors(
        QUICK, log.catalogue, log.user[:half], log.movie[:half], log.rating[:half], seed=0
    )


@pytest.fixture(scope="module")
def interactions(log: InteractionLog) -> Interactions:
    return Interactions.of(log.user, log.movie, log.rating)


def test_planted_factors_are_recovered_and_new_users_are_predicted() -> None:
    generator = np.random.default_rng(0)
    taste, quality = generator.normal(size=80), generator.choice([-1.0, 1.0], size=40)
    user, movie = (index.reshape(-1) for index in np.indices((80, 40)))
    chosen = generator.random(len(user)) < 0.6
    user, movie = user[chosen], movie[chosen]
    stars = np.clip(3 + taste[user] * quality[movie], 0.5, 5)
    rows = zip(user + 1, movie + 1, stars, 1000 * user + movie, strict=True)
    tables = tables_of(pl.DataFrame(list(rows), schema=RATINGS_SCHEMA, orient="row"))
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    settings = FactorSettings(rank=3, directions=2, sweeps=30, burn_in=15, samples=5)
    old = log.user < 60
    fitted = fit_factors(
        settings, log.catalogue, log.user[old], log.movie[old], log.rating[old], seed=1
    )
    later = np.flatnonzero(~old & (log.timestamp % 1000 > 20))
    predicted = fold_in(fitted, log.view, log.rating_queries().part(later)).rating
    error = np.sqrt(np.mean((predicted - log.rating[later]) ** 2))
    assert error < 0.5 * log.rating[later].std()


def test_samples_have_the_documented_shapes(log: InteractionLog, factors: Factors) -> None:
    samples, size, movies = QUICK.samples, QUICK.rank + 1, len(log.catalogue) + 1
    features = factors.content.shape[1] + 1
    assert factors.movies.shape == factors.movie_priors.shape == (samples, movies, size)
    assert factors.user_means.shape == (samples, features, size)
    assert factors.user_precisions.shape == (samples, size, size)
    assert factors.movie_precisions.shape == (samples, size, size)
    assert factors.noise_precisions.shape == (samples,)
    assert factors.by_movie.shape == (movies, samples, size)
    assert factors.directions.tolist() == [2]


def test_a_movie_without_ratings_has_the_mean_of_its_prior(
    log: InteractionLog, factors: Factors
) -> None:
    unrated = np.setdiff1d(np.arange(len(log.catalogue) + 1), log.movie[: len(log.rating) // 2])
    np.testing.assert_array_equal(factors.movies[:, unrated], factors.movie_priors[:, unrated])
    rated = log.movie[0]
    assert (factors.movies[:, rated] != factors.movie_priors[:, rated]).any()


def test_two_fits_with_the_same_seed_are_bitwise_equal(log: InteractionLog) -> None:
    tables = tables_of(log.ratings.head(500))
    first = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    fits = [
        fit_factors(QUICK, first.catalogue, first.user, first.movie, first.rating, seed)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(fits[0].movies, fits[1].movies)
    assert not np.array_equal(fits[0].movies, fits[2].movies)


def test_unit_vectors_have_the_correlation_of_two_movies_as_inner_product(factors: Factors) -> None:
    length = np.linalg.norm(factors.unit_vectors, axis=1)
    np.testing.assert_allclose(length, 1)
    precision: NDArray[np.float64] = factors.user_precisions.mean(axis=0)
    covariance: NDArray[np.float64] = np.linalg.inv(precision)[1:, 1:].astype(np.float64)
    mean: NDArray[np.float64] = factors.movies.astype(np.float64).mean(axis=0)[[3, 40], 1:]
    shared = mean @ covariance @ mean.T
    cosine = factors.unit_vectors[3] @ factors.unit_vectors[40]
    assert cosine == pytest.approx(shared[0, 1] / np.sqrt(shared[0, 0] * shared[1, 1]))


def test_new_movies_of_a_grown_catalogue_equal_the_unknown_movie(
    log: InteractionLog, factors: Factors
) -> None:
    count = len(log.catalogue)
    assert factors.extended(count) is factors
    grown = factors.extended(count + 3)
    for before, after in (
        (factors.movies[0], grown.movies[0]),
        (factors.movie_priors[1], grown.movie_priors[1]),
        (factors.content, grown.content),
    ):
        assert len(after) == count + 4
        np.testing.assert_array_equal(after[: count + 1], before)
        np.testing.assert_array_equal(after[count:], np.repeat(before[-1:], 4, axis=0))


def test_each_refresh_redraws_the_rated_movies_of_every_second_sample(
    log: InteractionLog, factors: Factors, interactions: Interactions
) -> None:
    first = refresh_factors(factors, interactions, 0)
    second = refresh_factors(first, interactions, 1)
    changed = (first.movies != factors.movies).any(axis=2)
    assert changed[::2, interactions.rated].all()
    assert not changed[1::2].any()
    unrated = np.setdiff1d(np.arange(len(log.catalogue) + 1), interactions.rated)
    assert not changed[:, unrated].any()
    assert ((second.movies != first.movies).any(axis=(1, 2)) == [False, True, False, True]).all()


def test_a_refresh_is_repeatable_and_lowers_the_error_on_the_new_ratings(
    log: InteractionLog, factors: Factors, interactions: Interactions
) -> None:
    refreshed = factors
    for number in range(2):
        refreshed = refresh_factors(refreshed, interactions, number)
    again = refresh_factors(refresh_factors(factors, interactions, 0), interactions, 1)
    np.testing.assert_array_equal(refreshed.movies, again.movies)
    later = log.rating_queries().part(slice(len(log.rating) // 2, None))
    rating = log.rating[len(log.rating) // 2 :]
    errors = [
        np.mean((fold_in(which, log.view, later, features=False).rating - rating) ** 2)
        for which in (factors, refreshed)
    ]
    assert errors[1] < errors[0]
