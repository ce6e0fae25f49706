import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.canonical import Tables
from foreseen.catalogue import Catalogue
from foreseen.features.moments import training_examples
from foreseen.features.timeline import Timeline
from foreseen.models.factors import FactorSettings
from foreseen.models.stacking import fold_in_held_out, foretell_from_the_past
from foreseen.schema import RATING, TIMESTAMP

QUICK = (
    FactorSettings(rank=2, directions=2, sweeps=8, burn_in=4, samples=2),
    FactorSettings(rank=3, directions=0, sweeps=8, burn_in=4, samples=2),
)


def log_of(tables: Tables) -> Timeline:
    return Timeline.of(tables.ratings, Catalogue.of(tables.movies))


def test_factors_of_the_past_know_nothing_after_a_questions_moment(small: Tables) -> None:
    timeline = log_of(small)
    moment = int(timeline.timestamp[int(0.9 * len(timeline.timestamp))])
    turned = small.ratings.with_columns(
        pl.when(pl.col(TIMESTAMP) >= moment).then(5.5 - pl.col(RATING)).otherwise(pl.col(RATING))
    )
    answers: list[dict[str, np.ndarray]] = []
    for log in (timeline, log_of(tables_of(turned, small.movies))):
        learn = training_examples(log, 0)
        past = np.ones(len(log.rating), dtype=np.bool_)
        found = foretell_from_the_past(QUICK, 0.7, log, learn, past, 1)
        assert found is not None
        inputs, rows = found
        early = learn.queries.before[rows] <= moment
        assert 0 < early.sum() < len(rows)
        assert learn.queries.before[rows].min() >= log.timestamp[int(0.7 * len(log.timestamp))]
        answers.append({name: values.numpy()[early] for name, values in inputs.items()})
    for name, values in answers[0].items():
        np.testing.assert_array_equal(values, answers[1][name])


def test_where_nothing_came_before_there_is_no_past_to_learn_from(small: Tables) -> None:
    once = tables_of(small.ratings.head(40).with_columns(pl.lit(1000).alias(TIMESTAMP)))
    log = log_of(once)
    learn = training_examples(log, 0)
    past = np.ones(len(log.rating), dtype=np.bool_)
    assert foretell_from_the_past(QUICK, 0.7, log, learn, past, 1) is None


def test_held_out_answers_do_not_rest_on_the_users_own_later_ratings(small: Tables) -> None:
    timeline = log_of(small)
    user = int(np.bincount(timeline.user).argmax())
    middle = int(np.median(timeline.timestamp[timeline.user == user]))
    later = (timeline.user == user) & (timeline.timestamp >= middle)
    turned = small.ratings.with_columns(
        pl.Series(RATING, np.where(later, 5.5 - timeline.rating, timeline.rating))
    )
    answers: list[np.ndarray] = []
    for log in (timeline, log_of(tables_of(turned, small.movies))):
        learn = training_examples(log, 0)
        past = np.ones(len(log.rating), dtype=np.bool_)
        folded = fold_in_held_out(QUICK, 3, log, learn, past, 1)
        own = (learn.queries.user == user) & (learn.queries.before <= middle)
        assert own.any()
        answers.append(folded.rating[own])
    assert answers[0] == pytest.approx(answers[1], abs=1e-12)
