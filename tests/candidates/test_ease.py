"""The linear autoencoder: its weights, its scores, and which ratings it is fitted to."""

import numpy as np
import polars as pl
from tests.conftest import tables_of

from foreseen.candidates.ease import EASE_FEATURES, EaseModels, fit_ease
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.features.interaction_log import InteractionLog

EQUAL = EASE_FEATURES.index("ease_equal")
LIKED = EASE_FEATURES.index("ease_liked")


def test_weights_equal_a_ridge_regression_of_each_movie_on_the_others() -> None:
    generator = np.random.default_rng(0)
    watched = generator.random((200, 12)) < 0.4
    user, movie = (positions.astype(np.int32) for positions in np.nonzero(watched))
    fitted = fit_ease(user, movie, 12)
    for target in range(12):
        others = np.delete(watched, target, axis=1).astype(np.float64)
        ridge = others.T @ others + 300 * np.eye(11)
        expected = np.linalg.solve(ridge, others.T @ watched[:, target])
        found = np.delete(fitted.weights[:, target], target)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (np.diag(fitted.weights) == 0).all()


def test_movies_watched_together_score_high_and_recent_and_liked_ones_count_most() -> None:
    # Movies 0 to 4 are watched together, and 5 to 9.
    user = np.repeat(np.arange(400, dtype=np.int32), 5)
    movie = np.where(user % 2 == 0, 0, 5).astype(np.int32) + np.tile(np.arange(5), 400)
    fitted = fit_ease(user, movie.astype(np.int32), 11)
    one = fitted.scores(np.array([0, 1], np.int32), np.array([3.0, 5.0]), 11)
    assert one[2:5, EQUAL].min() > 0.1 > abs(one[5:, EQUAL]).max()
    mixed = fitted.scores(np.array([0, 5], np.int32), np.array([2.0, 5.0]), 11)
    for name in ("ease_sqrt", "ease"):
        column = EASE_FEATURES.index(name)
        assert mixed[6, column] > mixed[1, column] > 0
    assert mixed[6, LIKED] > 0 > mixed[1, LIKED]


def test_a_small_log_has_no_model_and_an_empty_history_scores_zero(log: InteractionLog) -> None:
    models = EaseModels(log)
    assert models.before(int(log.timestamp[500])) is None
    fitted = models.before(log.end)
    assert fitted is not None
    scores = fitted.scores(np.empty(0, np.int32), np.empty(0), len(log.catalogue))
    assert scores.shape == (len(log.catalogue), len(EASE_FEATURES))
    assert not scores.any()


def test_the_model_of_a_moment_is_fitted_to_earlier_ratings_only(small: Tables) -> None:
    ratings, catalogue = small.ratings, Catalogue.of(small.movies)
    whole = EaseModels(InteractionLog.of(ratings, catalogue))
    for share in (0.3, 0.55):
        moment = int(ratings["timestamp"][int(share * len(ratings))])
        earlier = ratings.filter(pl.col("timestamp") < moment)
        past = EaseModels(InteractionLog.of(earlier, catalogue))
        first, second = whole.before(moment), past.before(moment)
        assert first is not None
        assert second is not None
        np.testing.assert_array_equal(first.movies, second.movies)
        np.testing.assert_array_equal(first.weights, second.weights)


def test_a_log_of_one_second_has_a_model_without_movies() -> None:
    rows = [(user, movie, 4.0, 7) for user in range(1, 60) for movie in range(1, 30)]
    tables = tables_of(pl.DataFrame(rows, schema=RATINGS_SCHEMA, orient="row"))
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    fitted = EaseModels(log).before(log.end)
    assert fitted is not None
    assert not fitted.scores(np.array([0], np.int32), np.array([4.0]), 29).any()
