"""The activity clock: equal to the time on a steady log, and unmoved by dates far from it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foreseen.features.activity_clock import ActivityClock

DAY = 86_400
YEAR = 365 * DAY
START = 1_000_000_000


def hourly(count: int) -> NDArray[np.int64]:
    return START + 3_600 * np.arange(count, dtype=np.int64)


def moments(*values: int) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_the_clock_of_a_log_without_long_gaps_is_the_time(seed: int) -> None:
    generator = np.random.default_rng(seed)
    times = START + np.cumsum(generator.integers(0, 7 * DAY, 1_500))
    clock = ActivityClock.of(times)
    asked = generator.integers(times[0] - DAY, times[-1] + DAY, 50)
    np.testing.assert_array_equal(clock.elapsed, times)
    np.testing.assert_array_equal(clock.at(asked), asked)
    np.testing.assert_array_equal(clock.date(asked), asked)
    np.testing.assert_array_equal(clock.between(asked - 100, asked), np.full(50, 100.0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 299))
def test_readings_do_not_depend_on_ratings_at_or_after_the_moment(seed: int, known: int) -> None:
    generator = np.random.default_rng(seed)
    gaps = generator.choice([0, 60, DAY, 30 * DAY, 5 * YEAR], 300)
    times = START + np.cumsum(gaps)
    moment = moments(int(times[known]))
    earlier = ActivityClock.of(times[times < moment])
    whole = ActivityClock.of(times)
    start = moment - 1_000
    assert whole.at(moment) == earlier.at(moment)
    assert whole.date(moment) == earlier.date(moment)
    assert whole.between(start, moment) == earlier.between(start, moment)


def test_one_rating_years_after_the_others_moves_the_clock_by_hours() -> None:
    times = hourly(2_000)
    for years in (2, 10, 90):
        after = int(times[-1]) + years * YEAR
        clock = ActivityClock.of(np.append(times, after))
        asked = moments(after + 1)
        assert 0 < (clock.at(asked) - times[-1])[0] < 3 * DAY
        assert 0 < (clock.date(asked) - times[-1])[0] < 3 * DAY
        assert 0 < clock.between(times[-1:], asked)[0] < 3 * DAY


def test_the_first_rating_decades_before_the_others_moves_no_date() -> None:
    times = np.append(np.int64(0), hourly(2_000))
    clock = ActivityClock.of(times)
    asked = times[[500, 1_500]]
    np.testing.assert_array_equal(clock.date(asked), asked)


def test_a_log_that_begins_anew_has_its_old_recency_and_soon_the_new_date() -> None:
    times = hourly(4_000)
    times[2_000:] += 6 * YEAR
    clock = ActivityClock.of(times)
    assert 0 < clock.elapsed[2_000] - clock.elapsed[1_999] < 3 * DAY
    np.testing.assert_array_equal(np.diff(clock.elapsed[2_000:]), 3_600)
    early, late = times[[2_010, 3_500]]
    assert early - clock.date(moments(early))[0] > 5 * YEAR
    assert clock.date(moments(late))[0] == late


def test_a_gap_no_longer_than_the_period_before_it_counts_in_full() -> None:
    times = hourly(900)
    asked = times[-1] + moments(30 * DAY, 36 * DAY)
    np.testing.assert_array_equal(ActivityClock.of(times).at(asked), asked)


def test_the_time_between_ratings_of_a_user_who_is_not_in_the_log_counts() -> None:
    clock = ActivityClock.of(hourly(1_500))
    rated = moments(START + 10 * YEAR)
    assert clock.between(rated, rated + 3_600).tolist() == [3_600.0]


def test_an_empty_log_has_the_time_as_its_clock() -> None:
    clock = ActivityClock.of(np.empty(0, np.int64))
    asked = moments(5, START)
    np.testing.assert_array_equal(clock.at(asked), asked)
    np.testing.assert_array_equal(clock.date(asked), asked)
    np.testing.assert_array_equal(clock.between(asked - 5, asked), [5.0, 5.0])
