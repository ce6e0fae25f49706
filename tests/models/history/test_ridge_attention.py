"""Ridge attention and rating-level frequencies, against direct computation."""

import numpy as np
import pytest

from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.history.ridge_attention import (
    RidgeAttention,
    attend,
    rating_level_frequencies,
)


@pytest.fixture(scope="module")
def attention(log: InteractionLog) -> RidgeAttention:
    generator = np.random.default_rng(0)
    keys = generator.normal(size=(len(log.catalogue) + 1, 4))
    return RidgeAttention(keys, np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.1, -0.2, 0.0, 0.3]))


def test_attention_is_the_ridge_regression_of_the_residuals_on_the_keys(
    log: InteractionLog, attention: RidgeAttention
) -> None:
    histories = log.histories
    user, movie = 7, np.array([3, 900], dtype=np.int32)
    first = int(histories.starts[user])
    moment = int(histories.times[first + 11])
    times = histories.times[first : histories.starts[user + 1]]
    rows = slice(first, first + int(np.searchsorted(times, moment)))
    design, residual = attention.keys[histories.movie[rows]], histories.residual[rows]
    gram = design.T @ design + np.diag(attention.ridge)
    weights = np.linalg.solve(gram, design.T @ residual + attention.ridge * attention.prior)
    row = np.full(2, user, dtype=np.int32)
    attended, log_variance = attend(
        attention, log.view, Queries(row, row, movie, np.full(2, moment))
    )
    query = attention.keys[movie]
    np.testing.assert_allclose(attended, query @ weights)
    variance = np.einsum("nd,de,ne->n", query, np.linalg.inv(gram), query)
    np.testing.assert_allclose(log_variance, np.log(variance))


def test_without_a_history_the_prior_is_returned(
    log: InteractionLog, attention: RidgeAttention
) -> None:
    unknown = np.array([-1], dtype=np.int32)
    queries = Queries(unknown, unknown, np.array([3], np.int32), np.array([log.end]))
    attended, _ = attend(attention, log.view, queries)
    assert attended[0] == pytest.approx(attention.keys[3] @ attention.prior)


def test_attention_does_not_depend_on_the_other_queries(
    log: InteractionLog, attention: RidgeAttention
) -> None:
    queries = log.rating_queries().part(slice(0, 1000))
    whole, _ = attend(attention, log.view, queries)
    rows = np.array([999, 5, 17])
    part, _ = attend(attention, log.view, queries.part(rows))
    np.testing.assert_array_equal(part, whole[rows])


def test_movies_beyond_the_keys_use_the_key_of_the_unknown_movie(
    log: InteractionLog, attention: RidgeAttention
) -> None:
    fewer = RidgeAttention(attention.keys[:100], attention.ridge, attention.prior)
    row = np.array([7, 7], dtype=np.int32)
    movie = np.array([99, 500], dtype=np.int32)
    attended, _ = attend(fewer, log.view, Queries(row, row, movie, np.full(2, log.end)))
    assert attended[0] == attended[1]


def test_level_frequencies_sum_to_one_and_follow_the_users_ratings(log: InteractionLog) -> None:
    levels = np.unique(log.rating)
    prior = np.full(len(levels), 1 / len(levels))
    user, movie = np.full(2, 5, dtype=np.int32), np.zeros(2, dtype=np.int32)
    queries = Queries(user, user, movie, np.array([0, log.end]))
    before, after = rating_level_frequencies(log.view, queries, levels, prior)
    np.testing.assert_allclose(before, prior)
    histories = log.histories
    given = histories.rating[histories.starts[5] : histories.starts[6]]
    weight = 0.98 ** np.arange(len(given))[::-1]
    counts = np.array([weight[given == level].sum() for level in levels])
    np.testing.assert_allclose(after, (counts + 5 * prior) / (weight.sum() + 5))
    assert after.sum() == pytest.approx(1)
