import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.evaluation.intervals import Estimate
from foreseen.evaluation.metrics import (
    as_dicts,
    ndcg,
    order_metrics,
    paired_differences,
    pairwise_accuracy,
    rating_errors,
    recovered_fraction,
)


def test_rating_errors_equal_those_computed_by_hand() -> None:
    events = pl.DataFrame(
        {"userId": [1, 1, 2], "rating": [4.0, 2.0, 5.0], "prediction": [3.0, 2.0, 3.0]}
    )
    errors = rating_errors(events)
    assert errors["rmse"].value == pytest.approx(np.sqrt(5 / 3))
    assert errors["mae"].value == pytest.approx(1)
    assert errors["rmse_user"].value == pytest.approx((np.sqrt(0.5) + 2) / 2)
    assert errors["rmse"].low <= errors["rmse"].value <= errors["rmse"].high


def test_ndcg_and_pairwise_accuracy_equal_those_computed_by_hand() -> None:
    rating = np.array([3.0, 5.0, 1.0])
    predicted = np.array([0.9, 0.5, 0.1])
    gain = 2**rating - 1
    ideal = gain[1] + gain[0] / np.log2(3) + gain[2] / 2
    assert ndcg(gain, predicted) == pytest.approx(
        (gain[0] + gain[1] / np.log2(3) + gain[2] / 2) / ideal
    )
    assert pairwise_accuracy(rating, predicted) == pytest.approx(2 / 3)
    assert pairwise_accuracy(rating, np.zeros(3)) == 0.5


def test_paired_differences_equal_those_computed_by_hand() -> None:
    rating = [4.0, 2.0, 5.0, 1.0]
    events = pl.DataFrame({"userId": [1, 1, 2, 2], "rating": rating})
    first = events.with_columns(pl.Series("prediction", [4.0, 3.0, 4.0, 1.0]))
    second = events.with_columns(pl.Series("prediction", [2.0, 4.0, 4.0, 3.0]))
    found = paired_differences(first, second)
    assert found["rmse"].value == pytest.approx(np.sqrt(13 / 4) - np.sqrt(2 / 4))
    assert found["rmse_user"].value == pytest.approx(
        (2 + np.sqrt(2.5)) / 2 - (np.sqrt(0.5) + np.sqrt(0.5)) / 2
    )
    assert found["ndcg10"].value < 0


def test_full_retraining_recovers_its_whole_gain() -> None:
    events = pl.DataFrame({"userId": [1, 1, 2, 2], "rating": [4.0, 2.0, 5.0, 1.0]})
    full = events.with_columns(pl.Series("prediction", [4.0, 3.0, 4.0, 1.0]))
    frozen = events.with_columns(pl.Series("prediction", [1.0, 5.0, 1.0, 5.0]))
    recovered = recovered_fraction(frozen, full, full)
    assert recovered is not None
    assert recovered.value == pytest.approx(1)
    nothing = recovered_fraction(frozen, full, frozen)
    assert nothing is not None
    assert nothing.value == pytest.approx(0)


def test_nothing_is_recovered_where_retraining_gains_nothing() -> None:
    events = pl.DataFrame({"userId": [1, 2], "rating": [4.0, 2.0], "prediction": [3.0, 3.0]})
    assert recovered_fraction(events, events, events) is None


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_pairwise_accuracy_equals_a_count_over_all_pairs(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    rating = generator.integers(1, 11, count) / 2
    rating[0] = 0.0
    predicted = np.round(generator.normal(size=count), 1)
    points = [
        0.5 * ((predicted[a] > predicted[b]) + float(predicted[a] >= predicted[b]))
        for a in range(count)
        for b in range(count)
        if rating[a] > rating[b]
    ]
    assert pairwise_accuracy(rating, predicted) == pytest.approx(np.mean(points))


@given(st.lists(st.floats(0.5, 31, allow_nan=False), min_size=1, max_size=30), st.integers(0, 99))
def test_ndcg_is_between_zero_and_one_and_one_for_the_ideal_order(
    gains: list[float], seed: int
) -> None:
    gain = np.array(gains)
    assert ndcg(gain, gain) == pytest.approx(1)
    score = np.random.default_rng(seed).normal(size=len(gain))
    assert 0 < ndcg(gain, score) <= 1 + 1e-12


def test_users_with_equal_ratings_are_left_out_of_order_metrics() -> None:
    equal = pl.DataFrame({"userId": [1, 1], "rating": [4.0, 4.0], "prediction": [3.0, 2.0]})
    assert order_metrics(equal) == {}
    ordered = pl.DataFrame({"userId": [2, 2], "rating": [4.0, 2.0], "prediction": [3.0, 2.0]})
    metrics = order_metrics(pl.concat([equal, ordered]))
    assert metrics["pairwise"] == Estimate(1.0, 1.0, 1.0)


def test_estimates_become_dictionaries_and_text() -> None:
    estimate = Estimate(1.0, 0.5, 1.5)
    assert as_dicts({"rmse": estimate}) == {"rmse": {"value": 1.0, "low": 0.5, "high": 1.5}}
    assert str(estimate) == "1.0000 [0.5000, 1.5000]"
