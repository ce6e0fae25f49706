"""Logs with dates only: their detection, and the order within days that training uses."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.features.day_resolution import (
    has_only_dates,
    in_order_within_days,
    ordered_within_days,
)
from foreseen.features.interaction_log import InteractionLog

DAY = 86_400
START = 12_000 * DAY


def log_of(ratings: pl.DataFrame) -> InteractionLog:
    return InteractionLog.of(ratings, Catalogue.of(tables_of(ratings).movies))


def log_of_days(seed: int = 0) -> InteractionLog:
    day = (pl.col("timestamp") // 10_000).cast(pl.Int64)
    ratings = random_ratings(seed, 200).with_columns(timestamp=START + (day - day.min()) * DAY)
    return log_of(ratings)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([START, START, START + 3 * DAY], True),
        ([START + 7_200, START + DAY + 7_200], True),
        ([START, START + DAY + 1], False),
        ([START, START], False),
        ([], False),
    ],
)
def test_only_several_days_with_the_same_time_of_day_are_dates(
    times: list[int], expected: bool
) -> None:
    assert has_only_dates(np.array(times, dtype=np.int64)) is expected


def test_a_log_with_times_of_day_is_trained_on_as_it_is(log: InteractionLog) -> None:
    assert ordered_within_days(log, 0) is log
    assert in_order_within_days(log, log.timestamp) is log.timestamp


def test_the_ratings_of_a_users_day_get_one_second_each_and_keep_their_day() -> None:
    log = log_of_days()
    ordered = ordered_within_days(log, 0)
    key = ["userId", "movieId"]
    pairs = log.ratings.join(ordered.ratings, on=[*key, "rating"], suffix="_ordered")
    assert len(pairs) == len(log.ratings)
    second = pairs.with_columns(second=pl.col("timestamp_ordered") - pl.col("timestamp"))
    groups = second.group_by("userId", "timestamp").agg(pl.col("second").sort())
    assert all(group.to_list() == list(range(len(group))) for group in groups["second"])


def test_the_order_depends_on_the_seed_alone() -> None:
    log = log_of_days()
    first, again, other = (ordered_within_days(log, seed) for seed in (3, 3, 4))
    assert first.ratings.equals(again.ratings)
    assert not first.ratings.equals(other.ratings)


def test_a_moment_has_the_same_ratings_before_it_in_both_logs() -> None:
    log = log_of_days()
    ordered = ordered_within_days(log, 0)
    moments = np.concatenate([log.timestamp - 1, log.timestamp, log.timestamp + 1])
    in_order = in_order_within_days(log, moments)
    np.testing.assert_array_equal(
        np.searchsorted(log.timestamp, moments), np.searchsorted(ordered.timestamp, in_order)
    )


def test_histories_of_the_same_day_are_seen_in_training() -> None:
    rows = [(1, movie, 4.0, START) for movie in range(1, 6)]
    log = log_of(ratings_of(*rows, (2, 1, 3.0, START + DAY)))
    ordered = ordered_within_days(log, 0)
    known = ordered.histories.known(ordered.user, ordered.timestamp)
    assert sorted(known.tolist()) == [0, 0, 1, 2, 3, 4]
    assert not log.histories.known(log.user, log.timestamp).any()
