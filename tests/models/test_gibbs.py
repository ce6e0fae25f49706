"""The sampler's half sweep, against the Gaussian it must draw from."""

import numpy as np
import pytest

from foreseen.models.factors.gibbs import Adjacency

DRAWS = 20_000
SIZE = 7


@pytest.mark.parametrize("ratings", [0, 1, 2, 3, 9])
def test_vectors_of_few_and_of_many_ratings_are_drawn_from_their_posterior(ratings: int) -> None:
    generator = np.random.default_rng(ratings)
    others = generator.normal(size=(12, SIZE))
    rated = generator.choice(len(others), ratings, replace=False)
    stars = generator.normal(3.5, 1, size=ratings)
    root = generator.normal(size=(SIZE, SIZE))
    prior = root @ root.T + np.eye(SIZE)
    mean, precision, level = generator.normal(size=SIZE), 1.7, 3.4
    # The same vector over and over: each time it is drawn anew.
    starts = np.arange(DRAWS + 1, dtype=np.int64) * ratings
    side = Adjacency(starts, np.tile(rated, DRAWS).astype(np.int64), np.tile(stars, DRAWS))
    drawn = side.draw(others, np.tile(mean, (DRAWS, 1)), prior, precision, level, generator)
    design = np.column_stack([np.ones(ratings), others[rated, 1:]])
    covariance = np.linalg.inv(prior + precision * design.T @ design)
    told = precision * design.T @ (stars - level - others[rated, 0])
    expected = covariance @ (prior @ mean + told)
    whitened = (drawn - expected) @ np.linalg.cholesky(np.linalg.inv(covariance))
    assert np.abs(whitened.mean(axis=0)).max() < 5 / np.sqrt(DRAWS)
    assert np.abs(np.cov(whitened.T) - np.eye(SIZE)).max() < 7 / np.sqrt(DRAWS)
