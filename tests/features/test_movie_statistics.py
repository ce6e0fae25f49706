"""Movie states as of any moment, against the same computed from the ratings directly."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foreseen.features.activity_clock import ActivityClock
from foreseen.features.movie_statistics import (
    COUNT,
    LIKED,
    LIKED_FROM,
    OFFSETS,
    POPULARITY,
    POPULARITY_HALF_LIFE,
    RECENT_COUNT,
    RECENT_HALF_LIFE,
    RECENT_LIKED,
    RECENT_OFFSETS,
    SQUARES,
    STATE_COLUMNS,
    TOTAL,
    TRENDING,
    TRENDING_HALF_LIFE,
    MovieStatistics,
)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 60))
def test_states_equal_sums_over_the_ratings_before_the_moment(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    movie = generator.integers(0, 4, count).astype(np.int32)
    rating = generator.integers(1, 11, count) / 2
    offset = generator.normal(size=count)
    times = np.sort(generator.integers(0, 20, count)) * 10_000_000
    statistics = MovieStatistics.of(4, movie, rating, offset, ActivityClock.of(times))
    moment = int(generator.integers(0, 21)) * 10_000_000
    rows = np.arange(4, dtype=np.int32)
    states, since = statistics.before(rows, np.full(4, moment))
    for row in rows:
        known = (movie == row) & (times < moment)
        age, stars = moment - times[known], rating[known]
        recent = 0.5 ** (age / RECENT_HALF_LIFE)
        liked = stars >= LIKED_FROM
        expected = np.empty(STATE_COLUMNS)
        expected[COUNT] = known.sum()
        expected[TOTAL] = stars.sum()
        expected[SQUARES] = (stars**2).sum()
        expected[OFFSETS] = offset[known].sum()
        expected[RECENT_COUNT] = recent.sum()
        expected[RECENT_OFFSETS] = (recent * offset[known]).sum()
        expected[POPULARITY] = (0.5 ** (age / POPULARITY_HALF_LIFE)).sum()
        expected[TRENDING] = (0.5 ** (age / TRENDING_HALF_LIFE)).sum()
        expected[LIKED] = liked.sum()
        expected[RECENT_LIKED] = recent[liked].sum()
        np.testing.assert_allclose(states[row], expected, rtol=1e-9, atol=1e-9)
        assert since[row] == (age.min() if known.any() else np.inf)


def test_an_unknown_movie_has_no_ratings() -> None:
    statistics = MovieStatistics.of(
        1, np.zeros(1, np.int32), np.ones(1), np.ones(1), ActivityClock.of(np.array([10]))
    )
    states, since = statistics.before(np.array([-1], np.int32), np.array([20]))
    assert not states.any()
    assert since[0] == np.inf
