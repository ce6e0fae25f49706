import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATING, TIMESTAMP
from foreseen.features.examples import training_examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.ensemble.model import EnsembleSettings, fit_ensemble, fit_out_of_sample
from foreseen.models.ensemble.out_of_sample import fold_in_held_out, foretell
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.fold_in import FactorPredictions

QUICK = (
    FactorSettings(rank=2, directions=2, sweeps=8, burn_in=4, samples=2),
    FactorSettings(rank=3, directions=0, sweeps=8, burn_in=4, samples=2),
)


def log_of(tables: Tables) -> InteractionLog:
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


def test_a_question_is_answered_by_factors_that_know_nothing_after_its_moment(
    small: Tables,
) -> None:
    log = log_of(small)
    count = len(log.timestamp)
    first, moment = (int(log.timestamp[int(share * count)]) for share in (0.25, 0.6))
    turned = small.ratings.with_columns(
        pl.when(pl.col(TIMESTAMP) >= moment).then(5.5 - pl.col(RATING)).otherwise(pl.col(RATING))
    )
    answers: list[FactorPredictions] = []
    for log in (log, log_of(tables_of(turned, small.movies))):
        learn = training_examples(log, 0)
        past = np.ones(count, dtype=np.bool_)
        found = foretell(QUICK, (0.25, 0.5), 3, log, learn.queries, past, 1)
        assert len(found.rating) == len(learn)
        asked = (first <= learn.queries.before) & (learn.queries.before <= moment)
        assert (asked & (learn.queries.before > log.timestamp[count // 2])).sum() > 50
        answers.append(FactorPredictions(found.rating[asked], found.values[asked]))
    np.testing.assert_array_equal(answers[0].rating, answers[1].rating)
    np.testing.assert_array_equal(answers[0].values, answers[1].values)


def test_where_nothing_came_before_users_are_held_out(small: Tables) -> None:
    once = tables_of(small.ratings.head(40).with_columns(pl.lit(1000).alias(TIMESTAMP)))
    log = log_of(once)
    learn = training_examples(log, 0)
    past = np.ones(len(log.rating), dtype=np.bool_)
    found = foretell(QUICK, (0.25, 0.5), 3, log, learn.queries, past, 1)
    held_out = fold_in_held_out(QUICK, 3, log, learn.queries, 40, 1)
    np.testing.assert_array_equal(found.rating, held_out.rating)


def test_held_out_answers_do_not_rest_on_the_users_own_later_ratings(small: Tables) -> None:
    log = log_of(small)
    user = int(np.bincount(log.user).argmax())
    middle = int(np.median(log.timestamp[log.user == user]))
    later = (log.user == user) & (log.timestamp >= middle)
    turned = small.ratings.with_columns(
        pl.Series(RATING, np.where(later, 5.5 - log.rating, log.rating))
    )
    answers: list[np.ndarray] = []
    for log in (log, log_of(tables_of(turned, small.movies))):
        learn = training_examples(log, 0)
        folded = fold_in_held_out(QUICK, 3, log, learn.queries, len(log.rating), 1)
        own = (learn.queries.user == user) & (learn.queries.before <= middle)
        assert own.any()
        answers.append(folded.rating[own])
    assert answers[0] == pytest.approx(answers[1], abs=1e-12)


def test_what_is_asked_beside_its_learning_leaves_the_ensemble_as_it_is(small: Tables) -> None:
    log = log_of(small)
    learn = training_examples(log, 0)
    settings = EnsembleSettings(factors=QUICK, cuts=(0.25, 0.5), folds=2, networks=1)
    beside = Queries(*(rows[-50:] for rows in vars(learn.queries).values()))
    alone = fit_ensemble(settings, log, learn, None, 1)
    asked, foretold = fit_out_of_sample(settings, log, learn, 1, beside)
    for name, values in alone.arrays().items():
        np.testing.assert_array_equal(values, asked.arrays()[name], err_msg=name)
    past = np.ones(len(log.timestamp), dtype=np.bool_)
    found = foretell(QUICK, (0.25, 0.5), 2, log, learn.queries, past, 1)
    np.testing.assert_allclose(foretold, found.rating[-50:], rtol=1e-9)
