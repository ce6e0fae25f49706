"""The fitted sequence model: what it learns, what it reads, and its files."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import ratings_of, tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import History
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import LEAST_RATINGS, SequenceSettings, settings_for

SETTINGS = SequenceSettings(width=16, epochs=12, tokens=256, dropout=0.1)


def log_of(ratings: pl.DataFrame) -> InteractionLog:
    tables = tables_of(ratings)
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


def all_of(log: InteractionLog) -> NDArray[np.bool_]:
    return np.ones(len(log.rating), dtype=np.bool_)


@pytest.fixture(scope="module")
def chain() -> InteractionLog:
    """Two hundred users who each watch twelve consecutive movies of a circle of fifty."""
    firsts = np.random.default_rng(0).integers(0, 50, 200).tolist()
    rows = [
        (user + 1, (first + n) % 50 + 1, 3.0 + n % 3, 1_000_000 * user + 600 * n)
        for user, first in enumerate(firsts)
        for n in range(12)
    ]
    return log_of(pl.DataFrame(rows, schema=RATINGS_SCHEMA, orient="row"))


@pytest.fixture(scope="module")
def fitted(chain: InteractionLog) -> SequenceModel:
    return SequenceModel.fitted(SETTINGS, chain, all_of(chain), seed=0)


def scores(
    model: SequenceModel, view: LogView, before: int, moment: int | None = None, count: int = 1
) -> NDArray[np.float32]:
    rows, times = np.arange(count, dtype=np.int32), np.full(count, before)
    moments = None if moment is None else np.full(count, moment)
    return model.log_probabilities(view, rows, times, moments)


def history_of(*movies: int, step: int = 600) -> History:
    ids = np.array(movies, dtype=np.int64)
    return History(ids, np.full(len(ids), 4.0), 1000 + step * np.arange(len(ids)))


def test_the_next_movie_of_a_sequence_has_the_highest_probability(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    view = chain.view_of([history_of(7, 8, 9), history_of(48, 49, 50), history_of(30, 31)])
    found = scores(fitted, view, chain.end, count=3)[:, :, 0].argmax(axis=1)
    assert chain.catalogue.movies.ids[found].tolist() == [10, 1, 32]


def test_the_movies_of_the_next_thirty_days_share_the_second_probability(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    found = scores(fitted, chain.view_of([history_of(7, 8, 9)]), chain.end)[0]
    probability = np.exp(found)
    np.testing.assert_allclose(probability.sum(axis=0), 1, rtol=1e-4)
    following = chain.catalogue.movies.rows([10, 11, 12, 13, 14, 15, 16])
    assert probability[following, 1].sum() > 0.6
    assert probability[following[0], 1] < probability[following[0], 0]


def test_ratings_from_the_moment_on_do_not_change_scores_by_a_bit(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    moment = int(chain.timestamp[len(chain.timestamp) // 2])
    turned = pl.when(pl.col("timestamp") >= moment).then(5.5 - pl.col("rating"))
    changed = chain.ratings.with_columns(turned.otherwise(pl.col("rating")).alias("rating"))
    other = InteractionLog(chain.catalogue, chain.users, changed)
    first, second = (scores(fitted, log.view, moment, count=150) for log in (chain, other))
    np.testing.assert_array_equal(first, second)
    assert (first != scores(fitted, other.view, other.end, count=150)).any()


def test_a_fit_uses_the_given_ratings_only(chain: InteractionLog) -> None:
    settings = replace_epochs(SETTINGS, 1)
    moment = int(chain.timestamp[1200])
    past = chain.ratings.filter(pl.col("timestamp") < moment)
    cut = InteractionLog(chain.catalogue, chain.users, past)
    whole = SequenceModel.fitted(settings, chain, chain.histories.times < moment, seed=1)
    part = SequenceModel.fitted(settings, cut, all_of(cut), seed=1)
    assert len(whole.users) == past["userId"].n_unique()
    for name, values in whole.arrays().items():
        np.testing.assert_array_equal(values, part.arrays()[name], err_msg=name)


def replace_epochs(settings: SequenceSettings, epochs: int) -> SequenceSettings:
    return settings.model_copy(update={"epochs": epochs})


def test_two_fits_with_one_seed_are_the_same_to_the_bit_and_other_seeds_differ(
    chain: InteractionLog,
) -> None:
    settings = replace_epochs(SETTINGS, 2).model_copy(update={"negatives": 20})
    first, again, other = (
        SequenceModel.fitted(settings, chain, all_of(chain), seed).arrays() for seed in (3, 3, 4)
    )
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)
    assert (first["network.identity.weight"] != other["network.identity.weight"]).any()


def test_a_known_moment_changes_the_scores(chain: InteractionLog, fitted: SequenceModel) -> None:
    view = chain.view_of([history_of(7, 8, 9)])
    unknown, soon, late = (
        scores(fitted, view, chain.end, moment) for moment in (None, 2800, 90_000_000)
    )
    assert np.abs(soon - unknown).max() > 1e-3
    assert np.abs(soon - late).max() > 1e-3


def test_a_new_user_has_the_probabilities_of_the_biases(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    view = chain.view_of([History.empty(), history_of(5, 6)])
    found = scores(fitted, view, chain.end, count=2)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found[0]).sum(axis=0), 1, rtol=1e-4)
    np.testing.assert_allclose(np.exp(found[0]), 1 / 50, atol=0.02)


def test_movies_that_come_after_the_fit_have_scores_and_can_be_in_histories(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    log = chain.with_ratings(ratings_of((1, 900, 4.0, chain.end + 5)))
    view = log.view_of([history_of(7, 8, 9), history_of(7, 900, 9)])
    found = scores(fitted, view, log.end, count=2)
    assert found.shape == (2, 51, 2)
    assert np.isfinite(found).all()
    # Movies known before are ranked as before.
    old = scores(fitted, chain.view_of([history_of(7, 8, 9)]), chain.end)
    assert old[0, :, 0].argsort()[-5:].tolist() == found[0, :50, 0].argsort()[-5:].tolist()


def test_rows_of_a_catalogue_in_another_order_have_the_same_scores(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    turned = Catalogue.of(chain.catalogue.table.reverse())
    other = InteractionLog(turned, chain.users, chain.ratings)
    first = scores(fitted, chain.view, chain.end, count=5)
    second = scores(fitted, other.view, other.end, count=5)
    np.testing.assert_allclose(first, second[:, ::-1], rtol=1e-4, atol=1e-5)


def test_a_batch_has_the_scores_of_single_histories(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    histories = [history_of(*range(1, n)) for n in (2, 40, 3, 12)]
    together = scores(fitted, chain.view_of(histories), chain.end, count=4)
    for row, history in enumerate(histories):
        alone = scores(fitted, chain.view_of([history]), chain.end)
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-4, atol=1e-4)


def test_a_model_of_its_arrays_has_the_same_scores(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    loaded = SequenceModel.from_arrays(fitted.settings, fitted.arrays())
    first, second = (scores(model, chain.view, chain.end, count=9) for model in (fitted, loaded))
    np.testing.assert_array_equal(first, second)
    assert loaded.until == fitted.until


@pytest.mark.parametrize("name", ["movies", "count", "total", "edges", "network.bias", "users"])
def test_arrays_that_do_not_fit_together_are_refused(fitted: SequenceModel, name: str) -> None:
    arrays = fitted.arrays()
    if name == "users":
        del arrays[name]
    else:
        arrays[name] = arrays[name][:-1]
    with pytest.raises((ValueError, RuntimeError, LookupError)):
        SequenceModel.from_arrays(fitted.settings, arrays)


def test_the_trained_share_is_that_of_the_ratings_of_known_users_before_the_end_of_the_fit(
    chain: InteractionLog, fitted: SequenceModel
) -> None:
    later = [(1, 20, 4.0, chain.end + 5), (900, 5, 4.0, 1500), (1, 21, 4.0, chain.end + 6)]
    log = chain.with_ratings(ratings_of(*later))
    rows = log.users.rows([1, 900])
    found = fitted.scores(log.view, rows, np.array([1, 900]), np.full(2, log.end))
    count = log.ratings.filter(pl.col("userId") == 1).height
    assert [part.trained for part in found] == pytest.approx([(count - 2) / count, 0])


@pytest.mark.parametrize("movies", [1, 2, 30])
def test_a_log_of_users_with_one_rating_each_has_scores(movies: int) -> None:
    rows = [(user, 1 + user % movies, 4.0, 1000 + user) for user in range(1, 60)]
    log = log_of(ratings_of(*rows))
    model = SequenceModel.fitted(replace_epochs(SETTINGS, 1), log, all_of(log), seed=0)
    found = scores(model, log.view, log.end, count=5)
    assert found.shape == (5, movies, 2)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, rtol=1e-4)


def test_a_scale_of_a_thousand_ratings_is_read_in_twenty_levels(chain: InteractionLog) -> None:
    values = np.random.default_rng(0).uniform(0.5, 5, chain.ratings.height)
    log = replace(chain, ratings=chain.ratings.with_columns(pl.Series("rating", values)))
    model = SequenceModel.fitted(replace_epochs(SETTINGS, 1), log, all_of(log), seed=0)
    assert len(model.edges) == 19
    counts = np.bincount(np.searchsorted(model.edges, values), minlength=20)
    assert counts.min() > 0


@pytest.mark.parametrize("movies", [50, 1000, 9000, 50_000])
def test_larger_logs_have_less_dropout_and_larger_steps(movies: int) -> None:
    assert settings_for(LEAST_RATINGS - 1, movies) is None
    small, large = settings_for(LEAST_RATINGS, movies), settings_for(1_000_000, movies)
    assert small is not None
    assert large is not None
    assert large.dropout < small.dropout
    assert large.tokens > small.tokens
