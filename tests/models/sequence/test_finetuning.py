"""Fine-tuning of the sequence model: new ratings, new movies, no later ones."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import History
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import SequenceSettings

SETTINGS = SequenceSettings(width=16, epochs=8, tokens=256, dropout=0.1)
UNTIL = 1_000_000_000


def circle(users: range, first: int, movies: int, begin: int) -> list[tuple[int, int, float, int]]:
    """Return ratings of users who each watch ten consecutive movies of a circle."""
    random = np.random.default_rng(begin)
    return [
        (user, first + (place + n) % movies, 3.0 + n % 3, begin + 100_000 * user + 600 * n)
        for user in users
        for place in random.integers(0, movies, 1).tolist()
        for n in range(10)
    ]


def log_of(rows: list[tuple[int, int, float, int]]) -> InteractionLog:
    tables = tables_of(pl.DataFrame(rows, schema=RATINGS_SCHEMA, orient="row"))
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


@pytest.fixture(scope="module")
def log() -> InteractionLog:
    """A circle of thirty movies, and after `UNTIL` one of ten that nobody had rated."""
    later = circle(range(301, 401), 101, 10, UNTIL)
    return log_of([*circle(range(1, 201), 1, 30, 0), *later])


@pytest.fixture(scope="module")
def fitted(log: InteractionLog) -> SequenceModel:
    return SequenceModel.fitted(SETTINGS, log, log.histories.times < UNTIL, seed=0)


@pytest.fixture(scope="module")
def finetuned(log: InteractionLog, fitted: SequenceModel) -> SequenceModel:
    return fitted.finetuned(log, log.end, seed=0)


def next_movies(
    model: SequenceModel, log: InteractionLog, *histories: list[int]
) -> NDArray[np.int64]:
    view = log.view_of(
        [
            History(np.array(movies), np.full(len(movies), 4.0), 600 * np.arange(len(movies)))
            for movies in histories
        ]
    )
    rows = np.arange(len(histories), dtype=np.int32)
    found = model.log_probabilities(view, rows, np.full(len(rows), log.end))
    return log.catalogue.movies.ids[found[:, :, 0].argmax(axis=1)]


def test_new_movies_are_learned_and_old_ones_remembered(
    log: InteractionLog, fitted: SequenceModel, finetuned: SequenceModel
) -> None:
    new, old = [103, 104, 105], [7, 8, 9]
    assert next_movies(fitted, log, old).tolist() == [10]
    assert next_movies(fitted, log, new)[0] < 100
    found = next_movies(finetuned, log, new, old)
    assert found[0] > 100
    assert found[1] == 10


def test_users_and_moment_of_the_training_are_those_of_the_new_ratings(
    log: InteractionLog, fitted: SequenceModel, finetuned: SequenceModel
) -> None:
    assert (len(fitted.users), len(finetuned.users)) == (200, 300)
    assert (fitted.until < UNTIL, finetuned.until) == (True, log.end)


def test_without_new_ratings_the_model_stays_itself(
    log: InteractionLog, fitted: SequenceModel, finetuned: SequenceModel
) -> None:
    assert fitted.finetuned(log, UNTIL, seed=0) is fitted
    assert finetuned.finetuned(log, log.end, seed=0) is finetuned


def test_ratings_from_the_moment_on_change_no_weight(
    log: InteractionLog, fitted: SequenceModel
) -> None:
    moment = int(log.timestamp[-300])
    past = log.ratings.filter(pl.col("timestamp") < moment)
    cut = InteractionLog(log.catalogue, log.users, past)
    whole, part = (fitted.finetuned(each, moment, seed=1) for each in (log, cut))
    assert whole.until == moment
    for name, values in whole.arrays().items():
        np.testing.assert_array_equal(values, part.arrays()[name], err_msg=name)
    assert (whole.arrays()["count"] != fitted.finetuned(log, log.end, 1).statistics.count).any()


def test_the_model_that_is_fine_tuned_is_left_as_it_was(
    log: InteractionLog, fitted: SequenceModel
) -> None:
    before = {name: values.copy() for name, values in fitted.arrays().items()}
    first, again = (fitted.finetuned(log, log.end, seed=2).arrays() for _ in range(2))
    for name, values in fitted.arrays().items():
        np.testing.assert_array_equal(values, before[name], err_msg=name)
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)


def test_movies_of_a_longer_catalogue_join_it() -> None:
    """The catalogue has twelve movies more, in rows before those of the training."""
    old = circle(range(1, 201), 101, 30, 0)
    shorter, longer = log_of(old), log_of([*old, *circle(range(301, 401), 1, 12, UNTIL)])
    every = np.ones(len(shorter.rating), dtype=np.bool_)
    fitted = SequenceModel.fitted(SETTINGS, shorter, every, seed=0)
    model = fitted.finetuned(longer, longer.end, seed=0)
    loaded = SequenceModel.from_arrays(model.settings, model.arrays())
    assert set(loaded.movies.ids.tolist()) == set(longer.catalogue.movies.ids.tolist())
    found = next_movies(loaded, longer, [2, 3, 4], [107, 108, 109])
    assert found[0] < 100
    assert found[1] == 110
