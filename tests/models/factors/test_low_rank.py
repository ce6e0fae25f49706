"""Approximate ratings of all movies."""

import numpy as np
import pytest

from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.factors import low_rank
from foreseen.models.factors.bayesian_mf import Factors, FactorSettings, fit_factors
from foreseen.models.factors.fold_in import fold_in
from foreseen.models.factors.low_rank import LowRankRatings, member_vectors, ratings_of
from foreseen.models.factors.user_vectors import UserVectors

USERS = np.array([0, 7, 31], dtype=np.int32)


@pytest.fixture(scope="module")
def members(log: InteractionLog) -> tuple[Factors, ...]:
    return tuple(
        fit_factors(
            FactorSettings(rank=rank, directions=2, sweeps=8, burn_in=4, samples=4),
            log.catalogue, log.user, log.movie, log.rating, seed=rank,
        )
        for rank in (3, 5)
    )  # fmt: skip


def vectors_of(members: tuple[Factors, ...], log: InteractionLog, moment: int) -> UserVectors:
    ends = log.histories.ends(USERS, np.full(len(USERS), moment, dtype=np.int64))
    return member_vectors(members, log.view, USERS, ends)


def exact(members: tuple[Factors, ...], log: InteractionLog, moment: int) -> np.ndarray:
    movies = np.arange(len(log.catalogue), dtype=np.int32)
    rows = np.repeat(USERS, len(movies))
    queries = Queries(rows, rows, np.tile(movies, len(USERS)), np.full(len(rows), moment))
    parts = [fold_in(member, log.view, queries, features=False).rating for member in members]
    return np.mean(parts, axis=0).reshape(len(USERS), -1)


def test_with_few_numbers_per_movie_the_ratings_are_those_of_one_query_per_movie(
    log: InteractionLog, members: tuple[Factors, ...]
) -> None:
    moment = int(np.median(log.timestamp))
    users = vectors_of(members, log, moment)
    found = LowRankRatings.of(members, log, log.end).for_users(users)
    expected = exact(members, log, moment)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    movies = np.array([5, 0, 9])
    first = UserVectors(users.offset[:1], users.coefficients[:1])
    np.testing.assert_allclose(ratings_of(members, first, movies), expected[0, movies], atol=1e-5)


def test_fewer_directions_than_numbers_leave_a_small_error(
    log: InteractionLog, members: tuple[Factors, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = exact(members, log, log.end)
    users = vectors_of(members, log, log.end)
    errors: list[float] = []
    for rank in (2, 12):
        monkeypatch.setattr(low_rank, "_RANK", rank)
        projection = LowRankRatings.of(members, log, log.end)
        assert projection.movies.shape == (len(log.catalogue), rank)
        errors.append(float((projection.for_users(users) - expected).std()))
    deviation = float(expected.std(axis=1).mean())
    assert errors[1] < errors[0] < deviation
    assert errors[1] < 0.2 * deviation


def test_later_ratings_do_not_change_the_projection(
    log: InteractionLog, members: tuple[Factors, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_rank, "_RANK", 8)
    moment = int(np.median(log.timestamp))
    past = InteractionLog(log.catalogue, log.users, log.ratings.filter(log.timestamp < moment))
    later, earlier = (LowRankRatings.of(members, each, moment).movies for each in (log, past))
    np.testing.assert_array_equal(later, earlier)
