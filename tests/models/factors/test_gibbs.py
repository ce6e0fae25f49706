"""Parts of the Gibbs sampler, against the distributions they must draw from."""

import numpy as np
import pytest
from numpy.typing import NDArray

from foreseen.models.factors.gibbs import Adjacency, Interactions, Prior, squared_error

DRAWS = 20_000
SIZE = 7


def random_precision(generator: np.random.Generator) -> NDArray[np.float64]:
    root = generator.normal(size=(SIZE, SIZE))
    return root @ root.T + np.eye(SIZE)


@pytest.mark.parametrize("ratings", [0, 1, 2, 3, 9])
def test_vectors_with_few_and_with_many_ratings_are_drawn_from_their_posterior(
    ratings: int,
) -> None:
    generator = np.random.default_rng(ratings)
    others = generator.normal(size=(12, SIZE))
    rated = generator.choice(len(others), ratings, replace=False)
    stars = generator.normal(3.5, 1, size=ratings)
    prior = random_precision(generator)
    mean, precision, global_mean = generator.normal(size=SIZE), 1.7, 3.4
    # The same entity repeated: each copy is drawn independently.
    starts = np.arange(DRAWS + 1, dtype=np.int64) * ratings
    side = Adjacency(starts, np.tile(rated, DRAWS).astype(np.int64), np.tile(stars, DRAWS))
    means = np.tile(mean, (DRAWS, 1))
    drawn = side.draw(others, means, prior, precision, global_mean, generator)
    design = np.column_stack([np.ones(ratings), others[rated, 1:]])
    covariance = np.linalg.inv(prior + precision * design.T @ design)
    information = precision * design.T @ (stars - global_mean - others[rated, 0])
    expected = covariance @ (prior @ mean + information)
    whitened = (drawn - expected) @ np.linalg.cholesky(np.linalg.inv(covariance))
    assert np.abs(whitened.mean(axis=0)).max() < 5 / np.sqrt(DRAWS)
    assert np.abs(np.cov(whitened.T) - np.eye(SIZE)).max() < 7 / np.sqrt(DRAWS)


def test_a_prior_is_sampled_around_the_regression_of_the_vectors_on_the_features() -> None:
    generator = np.random.default_rng(0)
    precision = random_precision(generator)
    features = np.column_stack([np.ones(20_000), generator.normal(size=(20_000, 3))])
    weights = generator.normal(size=(4, SIZE))
    root = np.linalg.cholesky(np.linalg.inv(precision))
    vectors = features @ weights + generator.normal(size=(20_000, SIZE)) @ root.T
    prior = Prior.start(features, SIZE).sampled(vectors, features, generator)
    np.testing.assert_allclose(prior.weights, weights, atol=0.05)
    np.testing.assert_allclose(prior.precision, precision, rtol=0.1, atol=0.3)
    assert prior.ridge > 0


def test_interactions_hold_each_rating_once_by_user_and_once_by_movie() -> None:
    user = np.array([30, 10, 30, 20], dtype=np.int32)
    movie = np.array([5, 5, 2, 9], dtype=np.int32)
    rating = np.array([1.0, 2.0, 3.0, 4.0])
    found = Interactions.of(user, movie, rating)
    assert found.user.tolist() == [2, 0, 2, 1]
    assert found.rated.tolist() == [2, 5, 9]
    assert found.by_user.starts.tolist() == [0, 1, 2, 4]
    assert found.by_user.rating.tolist() == [2.0, 4.0, 1.0, 3.0]
    assert found.rated[found.by_user.other].tolist() == [5, 9, 5, 2]
    assert found.by_movie.starts.tolist() == [0, 1, 3, 4]
    assert found.by_movie.rating.tolist() == [3.0, 1.0, 2.0, 4.0]


def test_the_squared_error_is_that_of_the_factorisation() -> None:
    generator = np.random.default_rng(0)
    users, movies = generator.normal(size=(4, SIZE)), generator.normal(size=(6, SIZE))
    user, movie = (index.reshape(-1) for index in np.indices((4, 6)))
    rating = generator.normal(3, 1, 24)
    log = Adjacency.of(user, movie, rating)
    predicted = 3.0 + users[user, 0] + movies[movie, 0]
    predicted += (users[user, 1:] * movies[movie, 1:]).sum(axis=1)
    error = squared_error(log.starts, log.other, log.rating, users, movies, 3.0)
    assert error == pytest.approx(((rating - predicted) ** 2).sum())
