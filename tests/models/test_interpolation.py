"""Questions asked in the middle of what is known are answered by both sides of their moment."""

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
QUICK = EnsembleSettings(
    factors=(FactorSettings(rank=3, directions=0, sweeps=20, burn_in=10, samples=4),), networks=1
)


def moody(users: int = 60, days: int = 8, each: int = 6) -> pl.DataFrame:
    """Return ratings of users who are a star kinder on some days and a star less so on others."""
    generator = np.random.default_rng(0)
    worth: NDArray[np.float64] = generator.normal(3, 0.3, 100)
    rows: list[tuple[int, int, float, int]] = []
    for user in range(users):
        movies = generator.permutation(100)[: days * each]
        moods: NDArray[np.float64] = generator.choice(np.array([-1.0, 1.0]), days)
        for n, movie in enumerate(map(int, movies)):
            stars = round(2 * float(worth[movie] + moods[n // each])) / 2
            rows.append((user, movie, min(max(stars, 0.5), 5.0), n // each * DAY + n % each * 10))
    return ratings_of(*rows)


@pytest.fixture(scope="module")
def parts() -> tuple[InteractionLog, pl.DataFrame]:
    ratings = tables_of(moody()).ratings
    left_out = np.random.default_rng(1).random(ratings.height) < 0.2
    known = tables_of(ratings.filter(~left_out))
    return InteractionLog.of(known.ratings, Catalogue.of(known.movies)), ratings.filter(left_out)


def asked(log: InteractionLog, held: pl.DataFrame) -> Queries:
    user = log.users.rows(held["userId"].to_numpy())
    movie = log.catalogue.movies.rows(held["movieId"].to_numpy())
    return Queries(user, user, movie, held["timestamp"].to_numpy().astype(np.int64))


def test_the_mood_of_the_day_is_read_from_what_was_rated_around_it(
    parts: tuple[InteractionLog, pl.DataFrame],
) -> None:
    log, held = parts
    answers = TransductiveEnsemble.fitted(QUICK, log, 0).predict_queries(log, asked(log, held))
    error = np.sqrt(np.mean((answers.rating - held["rating"].to_numpy()) ** 2))
    assert error < 0.6
    assert (answers.low <= answers.rating).all()
    assert (answers.rating <= answers.high).all()
    inside = (answers.low <= held["rating"].to_numpy()) & (
        held["rating"].to_numpy() <= answers.high
    )
    assert 0.6 < inside.mean() < 0.95


def test_two_seeded_runs_are_equal(parts: tuple[InteractionLog, pl.DataFrame]) -> None:
    log, held = parts
    first, second = (
        TransductiveEnsemble.fitted(QUICK, log, 3).predict_queries(log, asked(log, held))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.rating, second.rating)


def test_an_unknown_user_is_answered(parts: tuple[InteractionLog, pl.DataFrame]) -> None:
    log, held = parts
    stranger = held.head(1).with_columns(userId=pl.lit(9_999, dtype=pl.Int64))
    fitted = TransductiveEnsemble.fitted(QUICK, log, 0)
    assert np.isfinite(fitted.predict_queries(log, asked(log, stranger)).rating).all()


def test_what_is_near_in_time_is_as_computed_by_hand() -> None:
    starts, times = np.array([0, 3]), np.array([100, 110, 130])
    surplus = np.array([1.0, -1.0, 0.5])
    found = residuals_near_in_time(
        np.array([0, -1]), np.array([110, 110]), starts, times, surplus, np.array([10.0])
    )
    weights = np.array([0.5, 1.0, 0.2])
    mean = (weights * surplus).sum() / (weights.sum() + 1)
    np.testing.assert_allclose(found[0], [mean, np.log1p(weights.sum()), 1.0, -1.0])
    np.testing.assert_array_equal(found[1], 0)
