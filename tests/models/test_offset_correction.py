"""A shift of the ratings of all users corrects the predictions for new users at once."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.data.identifiers import UNKNOWN
from foreseen.features.interaction_log import USER_DAMPING, InteractionLog, LogView
from foreseen.features.queries import Queries
from foreseen.models.base import Model
from foreseen.models.offset_correction import offset_correction
from foreseen.models.train import train

MOVIES = 200
DAY = 86_400
SHIFT = 120
"""The session, of 160, from which on all users rate a star higher."""
THROUGHOUT, BEFORE, SINCE, NEW = 1, 2, 3, 999
"""Users who rate before and after the shift, before it only, since it only, and never."""


def shifted_ratings(sessions: int) -> pl.DataFrame:
    """Return sessions of forty ratings, one a day; from the hundredth on each tenth of one user."""
    generator = np.random.default_rng(0)
    quality = generator.normal(3, 0.4, MOVIES)
    unrated = generator.permutation(MOVIES)
    rows: list[tuple[int, int, float, int]] = []
    for session in range(sessions):
        user = 10 + session
        movies = generator.choice(MOVIES, 40, replace=False)
        if session == SHIFT - 1:
            user = BEFORE
        elif session == SHIFT + 1:
            user = SINCE
        elif session >= 100 and session % 10 == 0:
            user, movies, unrated = THROUGHOUT, unrated[:20], unrated[20:]
        bias = generator.normal(0, 0.3) + (session >= SHIFT)
        stars = quality[movies] + bias + generator.normal(0, 0.6, len(movies))
        stars = np.clip(np.round(2 * stars) / 2, 0.5, 5)
        rows += [
            (user, int(movie) + 1, float(rating), session * DAY + 60 * n)
            for n, (movie, rating) in enumerate(zip(movies, stars, strict=True))
        ]
    return ratings_of(*rows)


@pytest.fixture(scope="module")
def shifted() -> InteractionLog:
    tables = tables_of(shifted_ratings(160))
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


@pytest.fixture(scope="module")
def later() -> pl.DataFrame:
    return shifted_ratings(160).filter(pl.col("timestamp") >= SHIFT * DAY)


@pytest.fixture(scope="module")
def model() -> Model:
    """A model fitted before the shift."""
    return train(tables_of(shifted_ratings(SHIFT)), "bias")


def correction(view: LogView, row: int, moment: int) -> float:
    history, movie = np.array([row], dtype=np.int32), np.zeros(1, dtype=np.int32)
    queries = Queries(history, history, movie, np.array([moment]))
    return offset_correction(view, queries).item()


def correction_of(log: InteractionLog, user: int, moment: int) -> float:
    return correction(log.view, int(log.users.rows([user])[0]), moment)


def offset_at_end(log: InteractionLog) -> float:
    return log.global_offset.before(np.array([log.end])).item()


def test_a_new_user_is_corrected_by_the_full_offset(shifted: InteractionLog) -> None:
    offset = offset_at_end(shifted)
    assert 0.3 < offset < 1
    assert int(shifted.users.rows([NEW])[0]) == UNKNOWN
    assert correction_of(shifted, NEW, shifted.end) == offset


def test_a_user_who_rated_before_the_shift_only_is_corrected_like_a_new_one(
    shifted: InteractionLog,
) -> None:
    assert correction_of(shifted, BEFORE, shifted.end) > 0.9 * offset_at_end(shifted)


def test_the_part_of_the_offset_in_the_user_bias_is_not_counted_twice(
    shifted: InteractionLog,
) -> None:
    offset = offset_at_end(shifted)
    ratings = shifted.ratings.filter(pl.col("userId") == THROUGHOUT)
    times = ratings["timestamp"].to_numpy().astype(np.int64)
    in_bias = shifted.global_offset.before(times).sum() / (len(times) + USER_DAMPING)
    assert 0 < in_bias < offset
    found = correction_of(shifted, THROUGHOUT, shifted.end)
    assert found == pytest.approx(offset - in_bias, abs=1e-12)


def test_before_the_shift_nothing_is_corrected(shifted: InteractionLog) -> None:
    for user in (THROUGHOUT, BEFORE, SINCE, NEW):
        assert abs(correction_of(shifted, user, SHIFT * DAY)) < 0.05


def test_predictions_for_a_new_user_follow_the_shift(model: Model, later: pl.DataFrame) -> None:
    observed = model.observe(later)
    pairs = pl.DataFrame({"userId": np.full(MOVIES, NEW), "movieId": np.arange(MOVIES) + 1})
    rise = observed.predict(pairs)["prediction"] - model.predict(pairs)["prediction"]
    # A quarter of the ratings is new, so the item biases have followed by a quarter.
    assert 0.6 < float(rise.to_numpy().mean()) < 1.1


def test_a_log_observed_in_steps_has_the_same_offset(model: Model, later: pl.DataFrame) -> None:
    at_once = model.observe(later)
    in_steps = model
    for start in range(0, later.height, 333):
        in_steps = in_steps.observe(later[start : start + 333])
    np.testing.assert_array_equal(
        in_steps.log.global_offset.offsets, at_once.log.global_offset.offsets
    )


def test_a_history_in_a_view_is_corrected_like_its_user(model: Model, later: pl.DataFrame) -> None:
    observed = model.observe(later)
    log = observed.log
    for user in (THROUGHOUT, BEFORE, SINCE):
        view = log.view_of([observed.history(user)])
        assert correction(view, 0, log.end) == correction_of(log, user, log.end)
