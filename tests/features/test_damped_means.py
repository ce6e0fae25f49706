"""Damped means, of the values before each event and up to each event."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foreseen.features.damped_means import means_before, running_means, sums_before


def test_means_before_exclude_their_own_event() -> None:
    entity = np.array([0, 1, 0, 0], dtype=np.int32)
    means = means_before(entity, np.array([4.0, 9.0, 2.0, 7.0]), 2, 1.0)
    np.testing.assert_allclose(means, [0, 0, 4 / 2, 6 / 3])


def test_sums_before_exclude_the_second_of_their_event() -> None:
    entity, times = np.array([0, 1, 0, 0, 0], dtype=np.int32), np.array([1, 1, 2, 2, 3])
    numbers, totals = sums_before(entity, np.array([4.0, 9.0, 2.0, 7.0, 5.0]), times, 2)
    assert numbers.tolist() == [0, 0, 1, 1, 3]
    assert totals.tolist() == [0, 0, 4, 4, 13]


def test_running_means_restart_with_each_history() -> None:
    starts = np.array([0, 2, 2, 3])
    means = running_means(starts, np.array([4.0, 2.0, 5.0]), 1.0)
    np.testing.assert_allclose(means, [4 / 2, 6 / 3, 5 / 2])


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(0.5, 10))
def test_means_before_are_the_running_means_one_event_earlier(
    values: list[float], damping: float
) -> None:
    array = np.array(values)
    before = means_before(np.zeros(len(array), np.int32), array, 1, damping)
    running = running_means(np.array([0, len(array)]), array, damping)
    assert before[0] == 0
    np.testing.assert_array_equal(before[1:], running[:-1])
