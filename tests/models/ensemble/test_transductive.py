"""Ratings removed from the middle of a log are predicted from what lies before and after."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import ratings_of, tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.ensemble.model import EnsembleSettings
from foreseen.models.ensemble.transductive import TransductiveEnsemble, residuals_near_in_time
from foreseen.models.factors.bayesian_mf import FactorSettings

DAY = 86_400
SETTINGS = EnsembleSettings(
    factors=(FactorSettings(rank=3, directions=0, sweeps=20, burn_in=10, samples=4),)
)


def ratings_with_daily_biases(users: int = 60, days: int = 8, each: int = 6) -> pl.DataFrame:
    """Return ratings of users who on each day rate a star above or below their mean."""
    generator = np.random.default_rng(0)
    quality: NDArray[np.float64] = generator.normal(3, 0.3, 100)
    rows: list[tuple[int, int, float, int]] = []
    for user in range(users):
        movies = generator.permutation(100)[: days * each]
        bias: NDArray[np.float64] = generator.choice(np.array([-1.0, 1.0]), days)
        for n, movie in enumerate(map(int, movies)):
            stars = round(2 * float(quality[movie] + bias[n // each])) / 2
            rows.append((user, movie, min(max(stars, 0.5), 5.0), n // each * DAY + n % each * 10))
    return ratings_of(*rows)


@pytest.fixture(scope="module")
def split() -> tuple[InteractionLog, pl.DataFrame]:
    """Return a log, and a fifth of the ratings that was removed from it at random."""
    ratings = tables_of(ratings_with_daily_biases()).ratings
    removed = np.random.default_rng(1).random(ratings.height) < 0.2
    known = tables_of(ratings.filter(~removed))
    log = InteractionLog.of(known.ratings, Catalogue.of(known.movies))
    return log, ratings.filter(removed)


@pytest.fixture(scope="module")
def fitted(split: tuple[InteractionLog, pl.DataFrame]) -> TransductiveEnsemble:
    return TransductiveEnsemble.fitted(SETTINGS, split[0], 0)


def queries_of(log: InteractionLog, ratings: pl.DataFrame) -> Queries:
    return log.queries(ratings, ratings["timestamp"].to_numpy().astype(np.int64))


def test_the_bias_of_a_day_is_inferred_from_the_ratings_around_the_moment(
    split: tuple[InteractionLog, pl.DataFrame], fitted: TransductiveEnsemble
) -> None:
    log, removed = split
    predictions = fitted.predict(log, queries_of(log, removed))
    rating = removed["rating"].to_numpy()
    assert np.sqrt(np.mean((predictions.mean - rating) ** 2)) < 0.6
    assert (predictions.low <= predictions.mean).all()
    assert (predictions.mean <= predictions.high).all()
    inside = (predictions.low <= rating) & (rating <= predictions.high)
    assert 0.6 < inside.mean() < 0.95


def test_two_fits_with_the_same_seed_are_bitwise_equal(
    split: tuple[InteractionLog, pl.DataFrame], fitted: TransductiveEnsemble
) -> None:
    log, removed = split
    again = TransductiveEnsemble.fitted(SETTINGS, log, 0)
    queries = queries_of(log, removed)
    np.testing.assert_array_equal(
        fitted.predict(log, queries).mean, again.predict(log, queries).mean
    )


def test_predictions_for_an_unknown_user_are_finite(
    split: tuple[InteractionLog, pl.DataFrame], fitted: TransductiveEnsemble
) -> None:
    log, removed = split
    unknown = removed.head(1).with_columns(userId=pl.lit(9_999, dtype=pl.Int64))
    assert np.isfinite(fitted.predict(log, queries_of(log, unknown)).mean).all()


def test_residuals_near_in_time_equal_those_computed_by_hand() -> None:
    starts, times = np.array([0, 3]), np.array([100, 110, 130])
    residual = np.array([1.0, -1.0, 0.5])
    found = residuals_near_in_time(
        np.array([0, -1]), np.array([110, 110]), starts, times, residual, np.array([10.0])
    )
    weights = np.array([0.5, 1.0, 0.2])
    mean = (weights * residual).sum() / (weights.sum() + 1)
    np.testing.assert_allclose(found[0], [mean, np.log1p(weights.sum()), 1.0, -1.0])
    np.testing.assert_array_equal(found[1], 0)
