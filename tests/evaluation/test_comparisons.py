"""Comparisons of models, with p-values as SciPy has them."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats  # pyright: ignore[reportMissingTypeStubs]
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from foreseen.data.rating_scale import RatingScale
from foreseen.evaluation.comparisons import holm, p_value
from foreseen.evaluation.metrics import differences_per_user
from foreseen.evaluation.rankings import RANKINGS_SCHEMA
from foreseen.evaluation.report import summarise_all
from foreseen.evaluation.results import FOLD_IN, Result


def t_test(differences: NDArray[np.float64]) -> float:
    """Return the p-value of SciPy's t-test."""
    found: Any = scipy.stats.ttest_1samp(differences, 0)
    return float(found.pvalue)


def test_holm_equals_the_example_of_a_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_sequential_test_rejects(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(new >= old for new, old in zip(adjusted, values, strict=True))
    for level in (0.01, 0.05, 0.3):
        rejected: set[int] = set()
        for place, position in enumerate(np.argsort(values, kind="stable").tolist()):
            if values[position] > level / (len(values) - place) * (1 + 1e-12):
                break
            rejected.add(position)
        found = {row for row, value in enumerate(adjusted) if value <= level * (1 + 1e-12)}
        assert found == rejected


@pytest.mark.parametrize("users", [2, 10, 300])
def test_a_p_value_is_that_of_the_paired_t_test(users: int) -> None:
    first, second = np.random.default_rng(0).normal(size=(2, users))
    assert p_value(first - second) == pytest.approx(t_test(first - second))


def test_differences_that_do_not_vary_have_p_values_of_zero_or_one() -> None:
    assert p_value(np.zeros(5)) == 1
    assert p_value(np.full(5, 0.5)) == 0
    assert p_value(np.array([0.5])) == 1


def result(model: str, error: float, seed: int) -> Result:
    """Return predictions of 40 users, and rankings with the relevant movie at random places."""
    generator = np.random.default_rng(seed)
    users = np.repeat(np.arange(40), 4)
    rating = np.tile([1.0, 2.0, 4.0, 5.0], 40)
    events = pl.DataFrame(
        {
            "userId": users,
            "rating": rating,
            "prediction": rating + error * generator.normal(size=160),
        }
    )
    ranks = generator.integers(1, 12, 40)
    rows = [
        ("likely", user, user, 7, int(rank), int(rank), int(rank), True, True)
        for user, rank in enumerate(ranks)
    ]
    rankings = pl.DataFrame(rows, schema=RANKINGS_SCHEMA, orient="row")
    gains = np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0)
    lists = {"likely": {"ndcg10": {"value": float(gains.mean())}}}
    return Result(model, FOLD_IN, events, lists, rankings)


def test_each_model_is_compared_with_the_best_and_p_values_are_adjusted() -> None:
    results = [result("a", 0.9, 1), result("b", 0.5, 2), result("c", 0.6, 3), result("d", 2.0, 4)]
    summaries = summarise_all(results)
    assert [summary.get("best") for summary in summaries] == ["b", None, "b", "b"]
    plain: list[float] = []
    for row in (0, 2, 3):
        difference = differences_per_user(results[1].events, results[row].events)["rmse_user"]
        entry = summaries[row]["less_best"]["rmse_user"]
        assert entry["value"] == pytest.approx(difference.mean())
        assert entry["p"] == pytest.approx(t_test(difference))
        plain.append(entry["p"])
        assert set(summaries[row]["less_best"]["rmse"]) == {"value", "low", "high"}
        assert summaries[row]["less_best"]["ndcg10"]["p_holm"] <= 1
    adjusted = [summaries[row]["less_best"]["rmse_user"]["p_holm"] for row in (0, 2, 3)]
    assert adjusted == pytest.approx(holm(plain))


def test_rankings_are_compared_with_the_best_of_their_criterion() -> None:
    results = [result("a", 0.9, 1), result("b", 0.5, 2), result("c", 0.6, 3)]
    popular = replace(
        results[0],
        model="global mean",
        ranking={"popularity": {"ndcg10": {"value": 0.9}}},
        rankings=results[0].rankings.with_columns(by=pl.lit("popularity"))
        if results[0].rankings is not None
        else None,
    )
    summaries = summarise_all([*results, popular])
    values = [summary["lists"]["likely"]["ndcg10"]["value"] for summary in summaries[:3]]
    best = int(np.argmax(values))
    for row, summary in enumerate(summaries[:3]):
        lists = summary["lists"]["likely"]
        if row == best:
            assert "less_best" not in lists
            continue
        assert lists["best"] == "abc"[best]
        assert lists["less_best"]["ndcg10"]["value"] == pytest.approx(values[row] - values[best])
        assert 0 <= lists["less_best"]["next_hit10"]["p"] <= 1
    assert "less_best" not in summaries[3]["lists"]["popularity"]
    assert results[0].ranking is not None
    assert "less_best" not in results[0].ranking["likely"]


def test_p_values_have_no_unit() -> None:
    results = [result("a", 0.9, 1), result("b", 0.5, 2)]
    stars = summarise_all(results)[0]["less_best"]["rmse_user"]
    points = summarise_all(results, RatingScale(0, 100, 1))[0]["less_best"]["rmse_user"]
    assert points["p_holm"] == stars["p_holm"]
    assert points["value"] != stars["value"]
