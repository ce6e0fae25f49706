"""The model of histories: what it recalls is a ridge regression, what it says a distribution."""

import numpy as np
import pytest

from foreseen.data.canonical import Tables
from foreseen.features.encoder import encode
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.base import Model
from foreseen.models.history.model import HistoryPredictor
from foreseen.models.history.ridge_attention import RidgeAttention, attend, rating_level_frequencies
from foreseen.models.spec import parse_settings
from foreseen.models.train import train


@pytest.fixture(scope="module")
def trained(small: Tables) -> Model:
    settings = {"networks": 1, "loop": {"epochs": 3, "learning_rate": 2e-3, "one_cycle": True}}
    return train(small, "history", parse_settings("history", settings), seed=0)


def memory_of(log: InteractionLog) -> RidgeAttention:
    generator = np.random.default_rng(0)
    keys = generator.normal(size=(len(log.catalogue) + 1, 4))
    return RidgeAttention(keys, np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.1, -0.2, 0.0, 0.3]))


def test_what_is_recalled_is_the_ridge_regression_of_the_residuals(log: InteractionLog) -> None:
    memory, own = memory_of(log), log.histories
    user, movie = 7, np.array([3, 900], dtype=np.int32)
    cut = int(own.starts[user]) + 11
    moment = int(own.times[cut])
    stop = int(np.searchsorted(own.times[own.starts[user] : own.starts[user + 1]], moment))
    rows = slice(int(own.starts[user]), int(own.starts[user]) + stop)
    design, residual = memory.keys[own.movie[rows]], own.residual[rows]
    gram = design.T @ design + np.diag(memory.ridge)
    weights = np.linalg.solve(gram, design.T @ residual + memory.ridge * memory.prior)
    row = np.full(2, user, dtype=np.int32)
    queries = Queries(row, row, movie, np.full(2, moment))
    foretold, doubt = attend(memory, log, queries)
    asked = memory.keys[movie]
    np.testing.assert_allclose(foretold, asked @ weights)
    variance = np.einsum("nd,de,ne->n", asked, np.linalg.inv(gram), asked)
    np.testing.assert_allclose(doubt, np.log(variance))


def test_of_a_nobody_the_prior_is_recalled(log: InteractionLog) -> None:
    memory = memory_of(log)
    nobody = np.array([-1], dtype=np.int32)
    queries = Queries(nobody, nobody, np.array([3], np.int32), np.array([log.end]))
    foretold, _ = attend(memory, log, queries)
    assert foretold[0] == pytest.approx(memory.keys[3] @ memory.prior)


def test_habits_are_shares_that_follow_what_the_user_gives(log: InteractionLog) -> None:
    levels = np.unique(log.rating)
    usual = np.full(len(levels), 1 / len(levels))
    user = np.array([5], dtype=np.int32)
    movie = np.array([0], dtype=np.int32)
    known = rating_level_frequencies(
        log, Queries(user, user, movie, np.array([log.end])), levels, usual
    )[0]
    none = rating_level_frequencies(log, Queries(user, user, movie, np.array([0])), levels, usual)[
        0
    ]
    np.testing.assert_allclose(none, usual)
    assert known.sum() == pytest.approx(1)
    own = log.histories
    given = own.rating[own.starts[5] : own.starts[6]]
    favourite = levels[np.argmax([(given == level).sum() for level in levels])]
    assert known[levels == favourite] > 1 / len(levels)


def test_the_answer_is_a_distribution_whose_mean_is_the_prediction(trained: Model) -> None:
    predictor = trained.predictor
    assert isinstance(predictor, HistoryPredictor)
    queries = trained.log.rating_queries().part(slice(4000, 4300))
    encoded = encode(trained.log, queries)
    predict_proba = predictor.predict_proba(trained.log, queries, encoded)
    levels = np.unique(trained.log.rating)
    np.testing.assert_allclose(predict_proba.sum(axis=1), 1, rtol=1e-5)
    assert (predict_proba >= 0).all()
    answers = trained.predict_queries(queries)
    np.testing.assert_allclose(answers.rating, np.clip(predict_proba @ levels, *trained.scale))


def test_it_has_no_table_of_users(trained: Model) -> None:
    """The same history foretells the same, whoever it belongs to."""
    ids = trained.log.catalogue.movies.ids[:200]
    user = int(trained.log.users.ids[3])
    history = trained.history(user)
    stranger = type(history)(history.movies, history.ratings, history.timestamps, 987_654)
    at = trained.log.end
    np.testing.assert_array_equal(
        trained.score([history], ids, at).rating, trained.score([stranger], ids, at).rating
    )
