"""Standardised residuals have mean zero and variance one, and move with a change."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from foreseen.drift.standardise import Standardisation, standardise

USERS, CHUNKS, RATINGS = 100, 3000, 10
USER = np.arange(CHUNKS, dtype=np.int64) % USERS
PLAIN = Standardisation(prior=4, between=0.0)
Result = tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int64],
]


def run(
    total: NDArray[np.float64],
    count: NDArray[np.float64] | None = None,
    rest: NDArray[np.float64] | None = None,
    rest_total: NDArray[np.float64] | None = None,
    used: NDArray[np.bool_] | None = None,
    parameters: Standardisation = PLAIN,
    share: bool = False,
    lag: int = 0,
) -> Result:
    size = len(total)
    return standardise(
        USER[:size],
        np.full(size, float(RATINGS)) if count is None else count,
        total,
        np.zeros(0) if rest is None else rest,
        np.zeros(size) if rest_total is None else rest_total,
        np.ones(size, np.bool_) if used is None else used,
        np.maximum(np.arange(1, size + 1) - lag, 0),
        parameters.prior,
        parameters.between,
        share,
        parameters.floor,
        parameters.least_variance,
    )


@pytest.fixture(scope="module")
def noise() -> NDArray[np.float64]:
    """Sums of ten independent values of mean 3 per chunk, and a constant bias per user."""
    generator = np.random.default_rng(0)
    bias = generator.normal(0, 0.5, USERS)
    return (3 + bias[USER]) * RATINGS + generator.normal(0, 0.7 * np.sqrt(RATINGS), CHUNKS)


def test_a_slow_rise_is_seen_only_against_expected_values_that_lag_behind(
    noise: NDArray[np.float64],
) -> None:
    rising = noise + RATINGS * np.linspace(0, 1, len(noise))
    late = slice(len(noise) // 2, None)
    assert run(rising, lag=400)[0][late].mean() > 2 * run(rising)[0][late].mean()


def test_values_have_mean_zero_and_variance_one_while_nothing_changes(
    noise: NDArray[np.float64],
) -> None:
    values, levels, weights, first, last = run(noise)
    late = values[1000:]
    assert abs(late.mean()) < 0.1
    assert 0.9 < late.std() < 1.1
    assert np.average(levels, weights=weights) == pytest.approx(3, abs=0.2)
    assert (weights >= RATINGS).all()
    assert (first <= last).all()
    assert (first[1:] > last[:-1]).all()


def test_values_rise_when_all_users_rate_higher(noise: NDArray[np.float64]) -> None:
    changed = noise + 0.5 * RATINGS * (np.arange(CHUNKS) >= 2000)
    values, _, _, first, last = run(changed)
    assert values[first >= 2000][:50].mean() > 1
    assert abs(values[last < 2000][1000:].mean()) < 0.1


def test_shares_have_mean_zero_and_variance_one_while_nothing_changes() -> None:
    hits = np.random.default_rng(0).binomial(RATINGS, 0.2, CHUNKS).astype(np.float64)
    values, levels, _, _, _ = run(hits, share=True)
    assert abs(values[1000:].mean()) < 0.1
    assert 0.9 < values[1000:].std() < 1.1
    assert levels.mean() == pytest.approx(0.2, abs=0.01)


def test_a_change_of_all_ratings_of_a_chunk_does_not_show_in_a_contrast(
    noise: NDArray[np.float64],
) -> None:
    other: NDArray[np.float64] = np.random.default_rng(1).permutation(noise)
    rest = np.full(CHUNKS, float(RATINGS))
    change = np.where(np.arange(CHUNKS) >= 2000, 2.0 * RATINGS, 0.0)
    values, _, _, first, _ = run(noise + change, rest=rest, rest_total=other + change)
    assert abs(values[first >= 2100].mean()) < 0.2
    values, _, _, first, _ = run(noise + change, rest=rest, rest_total=other)
    assert values[first >= 2000][:50].mean() > 1


def test_chunks_are_pooled_until_there_is_enough_variance_behind_a_value(
    noise: NDArray[np.float64],
) -> None:
    few = run(noise, parameters=replace(PLAIN, least_variance=50.0))
    assert len(few[0]) == len(run(noise)[0]) // 5
    assert (few[2] >= 50).all()


def test_later_chunks_change_no_earlier_value(noise: NDArray[np.float64]) -> None:
    whole, prefix = run(noise), run(noise[:2000])
    for one, two in zip(whole, prefix, strict=True):
        np.testing.assert_array_equal(one[: len(two)], two)


def test_chunks_without_ratings_of_the_stream_and_unused_ones_are_behind_no_value(
    noise: NDArray[np.float64],
) -> None:
    even = np.arange(CHUNKS) % 2 == 0
    count = np.where(even, float(RATINGS), 0.0)
    *_, first, last = run(np.where(even, noise, 0.0), count=count)
    assert even[first].all()
    assert even[last].all()
    *_, first, last = run(noise, used=even)
    assert even[first].all()
    assert even[last].all()


def test_no_chunks_have_no_values() -> None:
    assert [len(part) for part in run(np.zeros(0))] == [0] * 5
