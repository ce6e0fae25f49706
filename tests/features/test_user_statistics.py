"""User statistics as of any moment, against the same computed from the histories directly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foreseen.features.interaction_log import InteractionLog
from foreseen.features.user_statistics import (
    COUNT,
    DECADES,
    DECAYS,
    FAST,
    LAST,
    RATINGS,
    RECENT_DAMPING,
    RESIDUALS,
    SESSION,
    SESSION_GAP,
    SINCE,
    SQUARES,
    TENURE,
    UserHistories,
    decade_name,
    release_decades,
)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_statistics_equal_sums_over_the_history_before_the_moment(
    log: InteractionLog, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    # Moments in any order: the scan is continued only where it can be.
    row = generator.integers(0, 3, 8).astype(np.int32)
    moment = generator.choice(log.timestamp, 8) + generator.integers(0, 2, 8)
    found = log.view.statistics(row, moment)
    histories = log.histories
    for p in range(8):
        rows = slice(int(histories.starts[row[p]]), int(histories.starts[row[p] + 1]))
        known = histories.times[rows] < moment[p]
        residual, movie = histories.residual[rows][known], histories.movie[rows][known]
        state = found.state[p]
        assert state[COUNT] == len(residual)
        assert state[RATINGS] == histories.rating[rows][known].sum()
        assert state[RESIDUALS] == pytest.approx(residual.sum(), abs=1e-9)
        assert state[SQUARES] == pytest.approx((residual**2).sum())
        genres = log.catalogue.genres[movie]
        np.testing.assert_allclose(found.genre_residuals[p], residual @ genres, atol=1e-9)
        np.testing.assert_array_equal(found.genre_counts[p], genres.sum(axis=0))
        decade = log.decade[movie]
        counts = np.bincount(decade[decade >= 0], minlength=DECADES)
        np.testing.assert_array_equal(found.decade_counts[p], counts)
        if not len(residual):
            assert state[SINCE] == np.inf
            continue
        times = histories.times[rows][known]
        assert state[LAST] == residual[-1]
        asked = np.repeat(moment[p], 1)
        assert state[SINCE] == log.clock.between(times[-1:], asked)[0]
        assert state[TENURE] == log.clock.between(times[:1], asked)[0]
        for speed, decay in enumerate(DECAYS):
            weight = decay ** np.arange(len(residual))[::-1]
            mean = (weight * residual).sum() / (weight.sum() + RECENT_DAMPING)
            assert state[FAST + speed] == pytest.approx(mean, abs=1e-9)


def test_a_session_ends_after_a_gap_without_ratings(log: InteractionLog) -> None:
    times = np.array([0, 60, 120, 120 + SESSION_GAP + 1, 180 + SESSION_GAP + 1])
    user, movie = np.zeros(5, np.int32), np.arange(5, dtype=np.int32)
    histories = UserHistories.of(1, user, movie, np.ones(5), np.zeros(5), times)
    view = type(log.view)(log, histories)
    moments = np.array([61, 121, times[3] + 1, times[4] + 1, times[4] + SESSION_GAP + 1])
    state = view.statistics(np.zeros(5, np.int32), moments).state
    assert state[:, SESSION].tolist() == [2, 3, 1, 2, 0]


def test_an_unknown_user_has_an_empty_history(log: InteractionLog) -> None:
    unknown, moment = np.array([-1], np.int32), np.array([log.end])
    assert log.histories.known(unknown, moment).tolist() == [0]
    found = log.view.statistics(unknown, moment)
    assert found.state[0, COUNT] == 0
    assert not found.genre_counts.any()


def test_known_ratings_are_strictly_older_than_the_moment(log: InteractionLog) -> None:
    histories = log.histories
    first = int(histories.times[histories.starts[4]])
    user = np.full(2, 4, np.int32)
    known = histories.known(user, np.array([first, first + 1]))
    assert known[0] == 0
    assert known[1] >= 1


def test_release_decades_are_numbered_and_an_unknown_year_has_none() -> None:
    years = np.array([1899, 1929, 1930, 1999, 2000, 2016, 2030, np.nan])
    assert release_decades(years).tolist() == [0, 0, 1, 7, 8, 9, 9, -1]


def test_decades_are_named_by_their_years() -> None:
    assert decade_name(0) == "the 1920s or before"
    assert decade_name(7) == "the 1990s"
    assert decade_name(9) == "the 2010s or later"
