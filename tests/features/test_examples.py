"""Training examples: their moments are not later than their ratings."""

import numpy as np
import pytest

from foreseen.features.examples import (
    AT_LIST,
    AT_RATING,
    DAY,
    ONE_DAY_BEFORE,
    Examples,
    recent_examples,
    training_examples,
)
from foreseen.features.interaction_log import InteractionLog


@pytest.fixture(scope="module")
def examples(log: InteractionLog) -> Examples:
    return training_examples(log, seed=3)


def test_there_are_three_examples_per_rating_and_none_is_after_its_rating(
    log: InteractionLog, examples: Examples
) -> None:
    assert len(examples) == 3 * len(log.rating)
    before = {
        horizon: examples.queries.before[examples.horizon == horizon]
        for horizon in (AT_RATING, AT_LIST, ONE_DAY_BEFORE)
    }
    np.testing.assert_array_equal(before[AT_RATING], log.timestamp)
    assert (before[AT_LIST] <= log.timestamp).all()
    assert (before[AT_LIST] < log.timestamp).mean() > 0.5
    np.testing.assert_array_equal(before[ONE_DAY_BEFORE], log.timestamp - DAY + 1)
    np.testing.assert_array_equal(examples.rating[examples.horizon == AT_LIST], log.rating)


def test_the_list_moment_is_the_second_after_a_rating_of_the_user(examples: Examples) -> None:
    lists = examples.horizon == AT_LIST
    just_rated = examples.encoded.column("user_just_rated")[lists] > 0
    known = examples.encoded.column("user_ratings")[lists] > 0
    assert just_rated[known].mean() > 0.9


def test_a_split_lies_between_seconds(examples: Examples) -> None:
    early, later = examples.split(0.9)
    assert len(early) + len(later) == len(examples)
    assert early.given.max() < later.given.min()
    assert 0.85 < len(early) / len(examples) <= 0.9


def test_recent_examples_cover_a_half_open_span_at_two_horizons(
    log: InteractionLog, examples: Examples
) -> None:
    since, until = int(log.timestamp[100]), int(log.timestamp[400])
    recent = recent_examples(log, since, until)
    assert recent.given.min() == since
    assert recent.given.max() < until
    assert set(recent.horizon.tolist()) == {AT_RATING, ONE_DAY_BEFORE}
    at_rating = (examples.horizon == AT_RATING) & (examples.given >= since)
    at_rating &= examples.given < until
    np.testing.assert_array_equal(
        recent.encoded.values[recent.horizon == AT_RATING], examples.encoded.values[at_rating]
    )
    assert len(recent_examples(log, log.end, log.end + DAY)) == 0
