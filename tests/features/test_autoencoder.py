"""What goes with what in whole histories."""

import numpy as np
import polars as pl
from tests.conftest import tables_of

from foreseen.candidates.ease import EASE_FEATURES, fit_ease
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.features.interaction_log import InteractionLog

FLAT = EASE_FEATURES.index("reconstructed_flat")
LIKED = EASE_FEATURES.index("reconstructed_liked")


def test_weights_are_those_of_a_ridge_regression_of_each_movie_on_the_others() -> None:
    generator = np.random.default_rng(0)
    watched = generator.random((200, 12)) < 0.4
    user, movie = (places.astype(np.int32) for places in np.nonzero(watched))
    found = fit_ease(user, movie, 12)
    for own in range(12):
        others = np.delete(watched, own, axis=1).astype(np.float64)
        ridge = others.T @ others + 300 * np.eye(11)
        expected = np.linalg.solve(ridge, others.T @ watched[:, own])
        np.testing.assert_allclose(np.delete(found.weights[:, own], own), expected, atol=1e-5)
    assert (np.diag(found.weights) == 0).all()


def test_what_is_watched_together_is_foretold_and_the_newest_and_liked_count_most() -> None:
    # Movies 0 to 4 go together, and 5 to 9.
    user = np.repeat(np.arange(400, dtype=np.int32), 5)
    movie = np.where(user % 2 == 0, 0, 5).astype(np.int32) + np.tile(np.arange(5), 400)
    found = fit_ease(user, movie.astype(np.int32), 11)
    one = found.reconstruct(np.array([0, 1], np.int32), np.array([3.0, 5.0]), 11)
    assert one[2:5, FLAT].min() > 0.1 > abs(one[5:, FLAT]).max()
    mixed = found.reconstruct(np.array([0, 5], np.int32), np.array([2.0, 5.0]), 11)
    for name in ("reconstructed_level", "reconstructed"):
        column = EASE_FEATURES.index(name)
        assert mixed[6, column] > mixed[1, column] > 0
    assert mixed[6, LIKED] > 0 > mixed[1, LIKED]


def test_nothing_is_foretold_from_nothing(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    assert log.ease.before(int(small.ratings["timestamp"][500])) is None
    found = log.ease.before(log.end)
    assert found is not None
    nobody = found.reconstruct(np.empty(0, np.int32), np.empty(0), len(log.catalogue))
    assert nobody.shape == (len(log.catalogue), len(EASE_FEATURES))
    assert not nobody.any()


def test_a_fit_knows_nothing_of_the_moment_it_answers_for(small: Tables) -> None:
    ratings, catalogue = small.ratings, Catalogue.of(small.movies)
    whole = InteractionLog.of(ratings, catalogue).ease
    for share in (0.3, 0.55, 0.9):
        moment = int(ratings["timestamp"][int(share * len(ratings))])
        past = InteractionLog.of(ratings.filter(pl.col("timestamp") < moment), catalogue).ease
        one, other = whole.before(moment), past.before(moment)
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.movies, other.movies)
        np.testing.assert_array_equal(one.weights, other.weights)


def test_a_log_of_one_second_has_a_fit_of_nothing() -> None:
    rows = [(user, movie, 4.0, 7) for user in range(1, 60) for movie in range(1, 30)]
    frame = pl.DataFrame(rows, schema=RATINGS_SCHEMA, orient="row")
    tables = tables_of(frame)
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    found = log.ease.before(log.end)
    assert found is not None
    assert not found.reconstruct(np.array([0], np.int32), np.array([4.0]), 29).any()
