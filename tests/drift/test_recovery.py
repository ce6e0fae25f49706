"""Whether an error is back: standardised, compared with other ratings, with an interval."""

import numpy as np
import pytest

from foreseen.drift.recovery import (
    Errors,
    UsualError,
    excess_error,
    expected_error_of,
    is_back,
    usual_error,
)
from foreseen.evaluation.intervals import Estimate

VARIANCE = (0.7, 0.5, 0.3)


def errors(
    generator: np.random.Generator, users: int, factor: float = 1.0, most: int = 40
) -> Errors:
    """Return twenty errors of each user, with the variance `VARIANCE` times a factor.

    Users differ in how predictable they are.
    """
    user = np.repeat(np.arange(users), 20)
    counts = generator.integers(0, most, (len(user), 2))
    inverse = np.column_stack([np.ones(len(user)), 1 / (1 + counts)])
    own = generator.gamma(10, 0.1, users)[user]
    deviation = np.sqrt(inverse @ np.array(VARIANCE) * own * factor)
    return Errors(user, generator.normal(0, deviation) ** 2, inverse)


def test_the_interval_covers_an_unchanged_error_in_most_samples() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        usual = usual_error(VARIANCE, errors(generator, 80))
        excess = excess_error(usual, errors(generator, 50, most=5))
        covered += excess.low <= 1 <= excess.high
    assert 0.9 <= covered / 300 <= 0.99


def test_a_larger_error_is_estimated_whatever_the_users_and_movies_are() -> None:
    generator = np.random.default_rng(1)
    usual = usual_error(VARIANCE, errors(generator, 2000, most=40))
    excess = excess_error(usual, errors(generator, 2000, factor=1.44, most=3))
    assert excess.value == pytest.approx(1.2, abs=0.02)
    assert excess.low > 1.1


def test_what_changes_for_all_ratings_is_no_excess_of_some() -> None:
    generator = np.random.default_rng(2)
    usual = usual_error(VARIANCE, errors(generator, 1000), errors(generator, 1000, 2.0))
    assert usual.others == pytest.approx(2.0, rel=0.1)
    after = [errors(generator, 1000, factor) for factor in (1.5, 3.0)]
    assert excess_error(usual, *after).value == pytest.approx(1, abs=0.04)
    assert excess_error(usual, after[0]).value == pytest.approx(np.sqrt(1.5), abs=0.04)


def test_the_uncertainty_of_the_error_before_widens_the_interval() -> None:
    generator = np.random.default_rng(3)
    after = errors(generator, 500)
    widths = []
    for users in (30, 1000):
        excess = excess_error(usual_error(VARIANCE, errors(generator, users)), after)
        widths.append(excess.high - excess.low)
    assert widths[0] > 1.5 * widths[1]


def test_without_ratings_before_the_model_s_own_estimate_is_the_usual_error() -> None:
    none = errors(np.random.default_rng(4), 0)
    usual = usual_error(VARIANCE, none)
    assert usual == UsualError(*VARIANCE, others=None, standard_error=0.0)
    some = errors(np.random.default_rng(4), 3)
    variance = some.inverse @ np.array(VARIANCE)
    assert expected_error_of(usual, some) == pytest.approx(np.sqrt(variance.mean()))


@pytest.mark.parametrize(
    ("value", "high", "back"), [(1.01, 1.06, True), (1.04, 1.06, False), (1.01, 1.2, False)]
)
def test_an_error_is_back_if_it_is_near_the_usual_one_with_certainty(
    value: float, high: float, back: bool
) -> None:
    assert is_back(Estimate(value, 0.9, high)) is back
