"""Several factor models averaged, and their snapshots as the log grows."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import (
    load,  # pyright: ignore[reportUnknownVariableType]
    save,
)

from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.factor_ensemble import FACTOR_FEATURES, FactorEnsemble
from foreseen.models.factors.fold_in import fold_in

SETTINGS = (
    FactorSettings(rank=3, directions=2, sweeps=8, burn_in=4, samples=2),
    FactorSettings(rank=2, directions=0, sweeps=8, burn_in=4, samples=2),
)


def beginning(log: InteractionLog, share: float) -> InteractionLog:
    """Return the log without its later ratings, with the same users and movies."""
    return replace(log, ratings=log.ratings[: int(share * log.ratings.height)])


@pytest.fixture(scope="module")
def fitted(log: InteractionLog) -> FactorEnsemble:
    rows = np.arange(len(log.rating)) < len(log.rating) // 2
    return FactorEnsemble.fitted(SETTINGS, log, 3, rows)


@pytest.fixture(scope="module")
def observed(fitted: FactorEnsemble, log: InteractionLog) -> FactorEnsemble:
    return fitted.observed(log)


def test_predictions_are_the_mean_of_the_members(
    fitted: FactorEnsemble, log: InteractionLog
) -> None:
    queries = log.rating_queries().part(slice(0, 400))
    members = [fold_in(member, log.view, queries) for member in fitted.members]
    ratings = np.stack([member.rating for member in members])
    found = fitted.fold_in(log.view, queries)
    np.testing.assert_allclose(found.rating, ratings.mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(found.values[:, :-1], members[0].values)
    disagreement = found.values[:, FACTOR_FEATURES.index("factor_disagreement")]
    np.testing.assert_allclose(disagreement, ratings.std(axis=0), rtol=1e-4, atol=1e-6)


def test_predictions_of_all_movies_are_the_mean_of_the_members(
    fitted: FactorEnsemble, log: InteractionLog
) -> None:
    movies = np.arange(len(log.catalogue), dtype=np.int32)
    row = np.full(len(movies), 5, dtype=np.int32)
    queries = Queries(row, row, movies, np.full(len(movies), log.end))
    members = [fold_in(member, log.view, queries, features=False) for member in fitted.members]
    np.testing.assert_allclose(
        fitted.predict_all(log.view, row[:1], log.end)[0],
        np.mean([member.rating for member in members], axis=0),
        atol=1e-5,
    )


def test_members_are_fitted_to_the_given_ratings(
    fitted: FactorEnsemble, log: InteractionLog
) -> None:
    half = len(log.rating) // 2
    assert fitted.size == half
    assert fitted.until == log.timestamp[half - 1] + 1
    assert not fitted.snapshots
    assert [member.movies.shape[2] for member in fitted.members] == [4, 3]


def test_snapshots_are_taken_in_steps_and_are_used_from_their_moment_on(
    fitted: FactorEnsemble, observed: FactorEnsemble, log: InteractionLog
) -> None:
    positions = [snapshot.position for snapshot in observed.snapshots]
    step = max(200, fitted.size // 20)
    assert len(positions) > 5
    assert set(np.diff(positions)) == {step}
    snapshot = observed.snapshots[2]
    assert snapshot.moment == log.timestamp[snapshot.position]
    row = np.flatnonzero(log.timestamp >= snapshot.moment)[:1]
    query = log.rating_queries().part(row)
    before = replace(query, before=np.array([snapshot.moment - 1]))
    at = replace(query, before=np.array([snapshot.moment]))
    for queries, members in ((before, observed.snapshots[1].members), (at, snapshot.members)):
        expected = np.mean([fold_in(m, log.view, queries).rating for m in members], axis=0)
        np.testing.assert_allclose(observed.fold_in(log.view, queries).rating, expected)


def test_ratings_from_the_moment_on_do_not_change_a_prediction_by_a_bit(
    fitted: FactorEnsemble, observed: FactorEnsemble, log: InteractionLog
) -> None:
    moment = int(log.timestamp[int(0.8 * len(log.timestamp))])
    rating = np.where(log.timestamp >= moment, 5.5 - log.rating, log.rating)
    changed = replace(log, ratings=log.ratings.with_columns(pl.Series("rating", rating)))
    first_later = len(log.rating) // 2
    rows = first_later + np.flatnonzero(log.timestamp[first_later:] <= moment)
    queries = log.rating_queries().part(rows)
    one = observed.fold_in(log.view, queries)
    other = fitted.observed(changed).fold_in(changed.view, queries)
    np.testing.assert_array_equal(one.rating, other.rating)
    np.testing.assert_array_equal(one.values, other.values)
    assert (one.rating != fitted.fold_in(log.view, queries).rating).any()


def test_observing_in_steps_equals_observing_at_once(
    fitted: FactorEnsemble, observed: FactorEnsemble, log: InteractionLog
) -> None:
    steps = fitted
    for share in (0.7, 0.85, 1.0):
        steps = steps.observed(beginning(log, share))
    assert len(steps.snapshots) == len(observed.snapshots)
    for one, other in zip(steps.snapshots, observed.snapshots, strict=True):
        assert (one.moment, one.position) == (other.moment, other.position)
        for first, second in zip(one.members, other.members, strict=True):
            np.testing.assert_array_equal(first.movies, second.movies)


def test_rolling_snapshots_give_the_predictions_of_stored_ones(
    fitted: FactorEnsemble, observed: FactorEnsemble, log: InteractionLog
) -> None:
    queries = log.rating_queries().part(slice(len(log.rating) // 2, None))
    stored = observed.fold_in(log.view, queries)
    rolling = fitted.fold_in_rolling(log, log.view, queries)
    np.testing.assert_array_equal(rolling.rating, stored.rating)
    np.testing.assert_array_equal(rolling.values, stored.values)


def test_a_saved_and_loaded_ensemble_predicts_the_same_and_observes_the_same(
    fitted: FactorEnsemble, observed: FactorEnsemble, log: InteractionLog
) -> None:
    arrays = {name: np.ascontiguousarray(a) for name, a in observed.arrays().items()}
    loaded = FactorEnsemble.from_arrays(load(save(arrays)), len(SETTINGS))
    assert (loaded.until, loaded.size) == (fitted.until, fitted.size)
    # Snapshots follow from the log.
    again = loaded.observed(log)
    queries = log.rating_queries().part(slice(-300, None))
    np.testing.assert_array_equal(
        again.fold_in(log.view, queries).values, observed.fold_in(log.view, queries).values
    )


def test_a_grown_catalogue_extends_the_members(fitted: FactorEnsemble, log: InteractionLog) -> None:
    new = log.ratings.tail(1).with_columns(
        pl.lit(10**8, pl.Int64).alias("movieId"), pl.lit(log.end, pl.Int64).alias("timestamp")
    )
    grown = log.with_ratings(new)
    extended = fitted.observed(grown)
    assert all(m.movies.shape[1] == len(grown.catalogue) + 1 for m in extended.members)
    rows = grown.users.rows(new["userId"].to_numpy())
    assert np.isfinite(extended.predict_all(grown.view, rows, grown.end)).all()
