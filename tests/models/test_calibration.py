"""Everybody's shift reaches newcomers at once, and nobody twice."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.data.identifiers import UNKNOWN
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.base import Model
from foreseen.models.offset_correction import offset_correction
from foreseen.models.train import train

MOVIES = 200
DAY = 86_400
SHIFTS = 120
"""The session, of 160, from which on everybody gives a star more."""
STAYING, BEFORE, SINCE = 1, 2, 3
"""Users who rate on from before the shift, who have rated before it only, and since only."""


def world(sessions: int) -> pl.DataFrame:
    """Return sessions of forty ratings a day apart; from the hundredth on every tenth is of one."""
    generator = np.random.default_rng(0)
    worth = generator.normal(3, 0.4, MOVIES)
    left = generator.permutation(MOVIES)
    rows: list[tuple[int, int, float, int]] = []
    for session in range(sessions):
        user = 10 + session
        movies = generator.choice(MOVIES, 40, replace=False)
        if session == SHIFTS - 1:
            user = BEFORE
        elif session == SHIFTS + 1:
            user = SINCE
        elif session >= 100 and session % 10 == 0:
            user, movies, left = STAYING, left[:20], left[20:]
        kinder = generator.normal(0, 0.3) + (session >= SHIFTS)
        stars = worth[movies] + kinder + generator.normal(0, 0.6, len(movies))
        stars = np.clip(np.round(2 * stars) / 2, 0.5, 5)
        rows += [
            (user, int(movie) + 1, float(rating), session * DAY + 60 * n)
            for n, (movie, rating) in enumerate(zip(movies, stars, strict=True))
        ]
    return ratings_of(*rows)


@pytest.fixture(scope="module")
def shifted() -> InteractionLog:
    tables = tables_of(world(160))
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


@pytest.fixture(scope="module")
def unaware() -> Model:
    """A model that learned while nothing had moved yet."""
    return train(tables_of(world(SHIFTS)), "bias")


def shift_of(log: InteractionLog, user: int, moment: int) -> float:
    history = log.users.rows([user]).astype(np.int32)
    movie = np.zeros(1, dtype=np.int32)
    return offset_correction(log, Queries(history, history, movie, np.array([moment]))).item()


def test_a_newcomer_is_moved_by_all_of_the_level(shifted: InteractionLog) -> None:
    level = shifted.level.before(np.array([shifted.end])).item()
    assert 0.3 < level < 1
    assert int(shifted.users.rows([999])[0]) == UNKNOWN
    assert shift_of(shifted, 999, shifted.end) == level


def test_who_rated_before_it_moved_is_moved_as_newcomers_are(shifted: InteractionLog) -> None:
    level = shifted.level.before(np.array([shifted.end])).item()
    assert shift_of(shifted, BEFORE, shifted.end) > 0.9 * level


def test_what_is_in_the_users_kindness_does_not_count_twice(shifted: InteractionLog) -> None:
    level = shifted.level.before(np.array([shifted.end])).item()
    own = (
        shifted.ratings.filter(pl.col("userId") == STAYING)["timestamp"].to_numpy().astype(np.int64)
    )
    in_kindness = shifted.level.before(own).sum() / (len(own) + 4)
    assert 0 < in_kindness < level
    assert shift_of(shifted, STAYING, shifted.end) == pytest.approx(level - in_kindness, abs=1e-12)


def test_nobody_is_moved_before_it_shows(shifted: InteractionLog) -> None:
    for user in (STAYING, BEFORE, SINCE, 999):
        assert abs(shift_of(shifted, user, SHIFTS * DAY)) < 0.05


def test_newcomers_after_a_shift_are_answered_by_the_new_level(unaware: Model) -> None:
    later = world(160).filter(pl.col("timestamp") >= SHIFTS * DAY)
    observed = unaware.observe(later)
    asked = pl.DataFrame({"userId": np.full(MOVIES, 999), "movieId": np.arange(MOVIES) + 1})
    gain = observed.predict(asked)["prediction"] - unaware.predict(asked)["prediction"]
    # The movies' worth has followed by a quarter, as a quarter of the ratings are new.
    assert 0.6 < float(gain.to_numpy().mean()) < 1.1


def test_a_log_observed_in_pieces_has_the_same_level(unaware: Model) -> None:
    later = world(160).filter(pl.col("timestamp") >= SHIFTS * DAY)
    whole = unaware.observe(later)
    pieces = unaware
    for start in range(0, later.height, 333):
        pieces = pieces.observe(later[start : start + 333])
    np.testing.assert_array_equal(pieces.log.level.levels, whole.log.level.levels)


def test_a_history_is_moved_as_its_user_is(unaware: Model) -> None:
    observed = unaware.observe(world(160).filter(pl.col("timestamp") >= SHIFTS * DAY))
    log = observed.log
    for user in (STAYING, BEFORE, SINCE):
        view = log.view_of([observed.history(user)])
        row, movie = np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32)
        as_history = offset_correction(view, Queries(row, row, movie, np.array([log.end]))).item()
        assert as_history == shift_of(log, user, log.end)
