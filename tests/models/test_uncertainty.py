"""Intervals and probabilities of liking, against later ratings and against planted errors."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features.encoder import Encoded, encode
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.base import Model
from foreseen.models.predictor import ProbabilisticPredictor
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.models.uncertainty import COVERAGE, Uncertainty, fit_uncertainty

QUICK: Mapping[str, Mapping[str, object]] = {
    "bias": {},
    "history": {"networks": 1, "loop": {"epochs": 2}},
}
TRUE = Uncertainty(noise=0.5, user=1.0, movie=0.3, reach=1.28, edge=3.75)


@pytest.fixture(scope="module")
def encoded(log: InteractionLog) -> Encoded:
    return encode(log.view, log.rating_queries())


@pytest.fixture(scope="module", params=QUICK)
def observed(request: pytest.FixtureRequest, small: Tables) -> tuple[Model, pl.DataFrame]:
    """A model fitted to nine tenths of the ratings that has observed the rest, and the rest."""
    moment = small.ratings["timestamp"][int(0.9 * small.ratings.height)]
    past, later = (small.ratings.filter(rows) for rows in _split(moment))
    log = InteractionLog.of(past, Catalogue.of(small.movies))
    settings = parse_settings(request.param, QUICK[request.param])
    model = train_on(log, request.param, settings, 0, next_item=UNTRAINED)
    return model.observe(later), later


def _split(moment: int) -> tuple[pl.Expr, pl.Expr]:
    return pl.col("timestamp") < moment, pl.col("timestamp") >= moment


def later_queries(model: Model, later: pl.DataFrame) -> Queries:
    return model.log.queries(later, later["timestamp"].to_numpy().astype(np.int64))


def test_later_ratings_lie_in_their_intervals_and_are_liked_as_often_as_predicted(
    observed: tuple[Model, pl.DataFrame],
) -> None:
    model, later = observed
    predictions = model.predict_queries(later_queries(model, later))
    rating = later["rating"].to_numpy()
    inside = (predictions.low <= rating) & (rating <= predictions.high)
    assert 0.7 < inside.mean() < 0.9
    liked = rating >= 4
    assert ((predictions.liked >= 0) & (predictions.liked <= 1)).all()
    assert abs(predictions.liked.mean() - liked.mean()) < 0.12
    # A lower Brier score than the same probability for all ratings.
    assert np.mean((predictions.liked - liked) ** 2) < np.var(liked)


def test_a_probabilistic_model_has_its_own_deviations(
    observed: tuple[Model, pl.DataFrame],
) -> None:
    model, later = observed
    if not isinstance(model.predictor, ProbabilisticPredictor):
        assert model.name == "bias"
        return
    queries = later_queries(model, later.head(200))
    encoded = encode(model.log.view, queries)
    probability = model.predictor.predict_proba(model.log.view, queries, encoded)
    levels = model.predictor.levels
    mean = probability @ levels
    deviation = np.sqrt(((levels - mean[:, None]) ** 2 * probability).sum(axis=1))
    predictions = model.predict_queries(queries)
    np.testing.assert_allclose(predictions.deviation, deviation, rtol=1e-3)
    half = model.uncertainty.reach * deviation
    np.testing.assert_allclose(
        predictions.low, np.clip(predictions.mean - half, *model.scale), rtol=1e-3
    )
    np.testing.assert_allclose(predictions.liked, probability[:, levels >= 4].sum(axis=1))


def test_planted_variances_and_the_edge_are_recovered(encoded: Encoded) -> None:
    generator = np.random.default_rng(0)
    repeated = encoded.part(np.tile(np.arange(len(encoded.expected)), 5))
    mean = generator.uniform(2.5, 4.5, len(repeated.expected))
    rating = mean + TRUE.deviation(repeated) * generator.normal(size=len(mean))
    fitted = fit_uncertainty(repeated, mean, rating)
    assert fitted.noise == pytest.approx(TRUE.noise, abs=0.1)
    assert fitted.user == pytest.approx(TRUE.user, abs=0.4)
    assert fitted.movie == pytest.approx(TRUE.movie, abs=0.3)
    # The quantile of a normal distribution with 80 % inside.
    assert fitted.reach == pytest.approx(1.28, abs=0.05)
    inside = np.abs(rating - mean) <= fitted.reach * fitted.deviation(repeated)
    assert inside.mean() == pytest.approx(COVERAGE, abs=0.01)
    liked = fitted.liked(mean, fitted.deviation(repeated))
    assert liked.mean() == pytest.approx((rating >= 4).mean(), abs=1e-3)


def test_given_deviations_are_used_for_the_reach(encoded: Encoded) -> None:
    mean = np.full(len(encoded.expected), 3.0)
    rating = mean + np.random.default_rng(0).normal(0, 0.7, len(mean))
    fitted = fit_uncertainty(encoded, mean, rating, np.full(len(mean), 0.35))
    assert fitted.reach == pytest.approx(2 * 1.28, abs=0.1)


def test_the_standard_error_falls_with_ratings_and_views(encoded: Encoded) -> None:
    views = np.array([0.0, 10.0, 1000.0])
    few, many = (TRUE.standard_error_of(ratings, views) for ratings in (0, 200))
    assert (np.diff(few) < 0).all()
    assert (many < few).all()
    row = encoded.part(slice(0, 1))
    ratings, movie_views = (
        float(np.expm1(row.column(name).astype(np.float64))[0])
        for name in ("user_ratings", "movie_views")
    )
    expected = TRUE.standard_error_of(round(ratings), np.array([movie_views]))
    assert TRUE.standard_error(row) == pytest.approx(expected)
