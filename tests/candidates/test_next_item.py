"""The next-item model: its examples, its fit, and its probabilities."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.candidates.built_in import CANDIDATE_FEATURES
from foreseen.candidates.examples import (
    NextItemExample,
    candidate_queries,
    sample_examples,
)
from foreseen.candidates.generator import Candidates, find_candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.next_item import UNTRAINED, NextItemModel, fit_next_item
from foreseen.candidates.popularity import Popularity
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.features.interaction_log import InteractionLog

PREDICTED_RATING = CANDIDATE_FEATURES.index("predicted_rating")


def candidates_of(index: CandidateIndex, row: int, before: int) -> Candidates:
    return find_candidates(index, index.log.view, row, before, Popularity.of(index.log, before))


@pytest.fixture(scope="module")
def sequel_index() -> CandidateIndex:
    """Eighty users who each watch eight consecutive movies of a sequence of 38 in order."""
    generator = np.random.default_rng(0)
    firsts = generator.integers(1, 31, 80).tolist()
    rows = [
        (user + 1, first + n, 4.0, 100_000 * user + 60 * n)
        for user, first in enumerate(firsts)
        for n in range(8)
    ]
    tables = tables_of(pl.DataFrame(rows, schema=RATINGS_SCHEMA, orient="row"))
    return CandidateIndex(InteractionLog.of(tables.ratings, Catalogue.of(tables.movies)))


@pytest.fixture(scope="module")
def fitted(sequel_index: CandidateIndex) -> NextItemModel:
    return fit_next_item(sample_examples(sequel_index, seed=0))


def test_the_next_movie_of_a_sequence_has_the_highest_probability(
    sequel_index: CandidateIndex, fitted: NextItemModel
) -> None:
    log = sequel_index.log
    histories = log.histories
    hits = 0
    for user in range(50, 80):
        before = int(histories.times[histories.starts[user] + 3]) + 1
        p_next = fitted.next.probabilities(candidates_of(sequel_index, user, before))
        hits += int(np.argmax(p_next)) == int(histories.movie[histories.starts[user] + 4])
    assert hits >= 24


def test_probabilities_sum_to_one_and_that_of_the_unknown_movie_is_zero(
    sequel_index: CandidateIndex, fitted: NextItemModel
) -> None:
    log = sequel_index.log
    for probabilities in fitted.probabilities(sequel_index, log.view, 20, log.end):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        assert (probabilities[:, -1] == 0).all()
        assert (probabilities[:, :-1] >= 0).all()


def test_later_ratings_do_not_change_probabilities_by_a_bit(
    index: CandidateIndex, examples: list[NextItemExample]
) -> None:
    log = index.log
    moment = int(log.timestamp[len(log.timestamp) // 2])
    rating = np.where(log.timestamp >= moment, 5.5 - log.rating, log.rating)
    changed = log.ratings.with_columns(pl.Series("rating", rating))
    other = CandidateIndex(InteractionLog(log.catalogue, log.users, changed))
    model = fit_next_item(examples)
    first, second = (
        model.probabilities(which, which.log.view, 10, moment) for which in (index, other)
    )
    np.testing.assert_array_equal(first, second)


def test_a_new_user_gets_popular_movies(
    index: CandidateIndex, examples: list[NextItemExample]
) -> None:
    histories = index.log.histories
    user = int(histories.times[histories.starts[:-1]].argmax())
    before = int(histories.times[histories.starts[user]])
    model = fit_next_item(examples)
    p_next_liked = model.liked.probabilities(candidates_of(index, user, before))
    views = Popularity.of(index.log, before).views
    best = np.argsort(-p_next_liked)[:10]
    assert views[best].mean() > 5 * views.mean()


def test_the_untrained_model_gives_all_candidates_the_same_probability(
    index: CandidateIndex,
) -> None:
    candidates = candidates_of(index, 0, index.log.end)
    probabilities = UNTRAINED.next.probabilities(candidates)
    assert np.ptp(probabilities[candidates.movies]) < 1e-12
    assert probabilities[candidates.movies].sum() == pytest.approx(0.5)


def test_without_examples_the_weights_are_zero() -> None:
    assert len(candidate_queries([])) == 0
    assert fit_next_item([], np.empty(0)) == fit_next_item([]) == UNTRAINED


def test_informative_predictions_get_a_positive_weight(examples: list[NextItemExample]) -> None:
    generator = np.random.default_rng(0)
    liked = np.concatenate([example.liked for example in examples])
    rating = 3 + liked + 0.3 * generator.standard_normal(len(liked))
    assert fit_next_item(examples, rating).liked.weights[PREDICTED_RATING] > 0.5
    assert fit_next_item(examples).liked.weights[PREDICTED_RATING] == 0
