"""Side information of movies and users."""

import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import tables_of

from foreseen.compute.threads import one_thread
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.factors.side_information import side_information, user_features


@pytest.fixture(scope="module")
def first_log(log: InteractionLog) -> InteractionLog:
    """The first 300 ratings, and their movies only."""
    tables = tables_of(log.ratings.head(300))
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


def users_of(log: InteractionLog) -> NDArray[np.intp]:
    return log.user.astype(np.intp)


def test_two_groups_without_a_common_movie_differ_along_the_first_direction() -> None:
    rows = [(u, m, 3.0, u) for u in range(1, 41) for m in range(1, 11) if (u + m) % 2 == 0]
    tables = tables_of(pl.DataFrame(rows, schema=RATINGS_SCHEMA, orient="row"))
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    side = side_information(log.catalogue, users_of(log), log.movie, 1)
    histories = log.histories
    features = user_features(histories.starts, histories.movie, side.content, side.directions)
    coordinate = features[:, -1]
    odd, even = coordinate[log.users.ids % 2 == 1], coordinate[log.users.ids % 2 == 0]
    assert abs(odd.mean() - even.mean()) > 5 * (odd.std() + even.std())


def test_directions_are_optional_and_limited_by_the_size_of_the_log(
    first_log: InteractionLog,
) -> None:
    without = side_information(first_log.catalogue, users_of(first_log), first_log.movie, 0)
    assert without.directions == 0
    most = side_information(first_log.catalogue, users_of(first_log), first_log.movie, 1000)
    assert most.directions == len(first_log.users) - 2
    attributes = without.content.shape[1]
    np.testing.assert_array_equal(most.content[:, :attributes], without.content)


def test_the_unknown_movie_has_no_content(first_log: InteractionLog) -> None:
    side = side_information(first_log.catalogue, users_of(first_log), first_log.movie, 5)
    assert side.movies.shape[0] == side.content.shape[0] == len(first_log.catalogue) + 1
    assert not side.content[-1].any()
    assert (side.movies[:, 0] == 1).all()
    assert np.isfinite(side.movies).all()


def test_the_order_of_the_log_does_not_matter(first_log: InteractionLog) -> None:
    order = np.random.default_rng(0).permutation(len(first_log.movie))
    first = side_information(first_log.catalogue, users_of(first_log), first_log.movie, 5)
    second = side_information(
        first_log.catalogue, users_of(first_log)[order], first_log.movie[order], 5
    )
    np.testing.assert_allclose(first.content, second.content, atol=1e-9)
    np.testing.assert_allclose(first.movies, second.movies, atol=1e-9)


def test_user_features_are_damped_means_and_sums_over_the_root_of_the_length() -> None:
    content = np.array([[1.0, 4.0], [3.0, 2.0], [5.0, 6.0]])
    starts, movie = np.array([0, 2, 2, 3]), np.array([0, 1, 2])
    found = user_features(starts, movie, content, 1)
    expected = [
        [1, (1 + 3) / (2 + 5), (4 + 2) / np.sqrt(2)],
        [1, 0, 0],
        [1, 5 / (1 + 5), 6],
    ]
    np.testing.assert_allclose(found, expected)


@pytest.fixture
def fast_thread_switching() -> Generator[None]:
    """Switch between threads as often as possible, so that a race shows."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("fast_thread_switching")
def test_concurrent_calls_return_the_same_as_one(first_log: InteractionLog) -> None:
    user = users_of(first_log)

    def as_bytes(_: int) -> bytes:
        side = side_information(first_log.catalogue, user, first_log.movie, 5)
        return side.content.tobytes() + side.movies.tobytes()

    with one_thread():
        alone = as_bytes(0)
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(as_bytes, range(100))) == {alone}
