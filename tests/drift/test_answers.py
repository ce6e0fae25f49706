"""The first screen of the report: an answer to each question, for every choice of policies."""

from typing import Any

import pytest

from foreseen.drift.answers import answer, shown_result, subject, tiles
from foreseen.reports.page import Tile

SENTENCE = "rating level: all down since 1970-01-02: 0.00 stars before, -0.50 stars after"
ESTIMATE = {"value": 0.9, "low": 0.8, "high": 1.0}
SHARE = {"value": 0.96, "low": 0.94, "high": 0.98}


def result(policy: str, last: float = 0.85, **more: object) -> dict[str, Any]:
    first: dict[str, Any] = {
        "window": 0, "begins": 0, "trained": True, "finetuned": False, "reasons": [],
        "rmse": ESTIMATE, "expected": {"rmse": 0.9},
    }  # fmt: skip
    second: dict[str, Any] = {
        **first, "window": 1, "begins": 86_400, "trained": False, "finetuned": True,
        "rmse": {**ESTIMATE, "value": last}, "expected": {"rmse": 0.85},
    }  # fmt: skip
    seconds = 4.0 if policy == "full" else 1.0
    return {
        "policy": policy, "rmse": {**ESTIMATE, "value": last}, "windows": [first, second],
        "seconds_after_start": seconds, **more,
    }  # fmt: skip


def document(*results: dict[str, Any], findings: int = 0) -> dict[str, Any]:
    dates = {
        "since": 86_400,
        "earliest": 43_200,
        "latest": 129_600,
        "found": 259_200,
        "named": 259_200,
    }
    return {
        "model": "bias",
        "results": list(results),
        "findings": [{"sentence": SENTENCE, **dates}] * findings,
        "placebo": {"alarms_per_year": 0.08},
    }


def test_a_change_without_a_name_is_marked() -> None:
    given = document(result("adaptive"), findings=1)
    given["findings"][0]["named"] = None
    assert (
        "rating level: all ↓, not named for certain yet" in by_question(given)["What moved?"].note
    )


def by_question(given: dict[str, Any]) -> dict[str, Tile]:
    return {tile.label: tile for tile in tiles(given)}


def test_all_questions_are_answered_for_the_adaptive_policy() -> None:
    adaptive = result("adaptive", recovered=SHARE)
    given = document(result("frozen", 1.0), result("full"), adaptive, findings=1)
    assert answer(given).startswith("bias is still good under the policy adaptive: its error")
    found = by_question(given)
    assert [tile.value for tile in found.values()] == [
        "RMSE 0.850", "1 change", "2 January 1970", "0 retrainings", "96.0%", "1 s",
    ]  # fmt: skip
    assert found["Is the model still good?"].verdict == "good"
    assert "rating level: all ↓" in found["What moved?"].note
    assert "between 1 January 1970 and 2 January 1970" in found["Since when?"].note
    assert "found on 4 January 1970" in found["Since when?"].note
    assert "in 1 window after the start; fine-tuned in 1" in found["What was done?"].note
    assert found["Did it help?"].note.startswith("(94.0% to 98.0%) of the gain of full retraining")
    assert "RMSE 0.150 below a frozen model" in found["Did it help?"].note
    assert found["What did it cost?"].note.endswith("25% of full retraining")


@pytest.mark.parametrize(
    ("low", "verdict", "text"),
    [(0.84, "fair", "may have become worse"), (0.86, "poor", "is no longer good")],
)
def test_an_error_above_the_expected_one_is_not_good(low: float, verdict: str, text: str) -> None:
    adaptive = result("adaptive", last=0.9)
    adaptive["windows"][-1]["rmse"]["low"] = low
    assert text in answer(document(adaptive))
    assert "5.9% above the expected one" in answer(document(adaptive))
    assert tiles(document(adaptive))[0].verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(0.97, "good"), (0.9, "fair"), (0.3, "poor")])
def test_the_recovered_share_has_a_verdict(value: float, verdict: str) -> None:
    adaptive = result("adaptive", recovered={**SHARE, "value": value})
    given = document(result("frozen"), result("full"), adaptive)
    assert by_question(given)["Did it help?"].verdict == verdict


def test_without_full_retraining_the_frozen_model_is_what_it_is_compared_with() -> None:
    tile = by_question(document(result("frozen", 1.0), result("adaptive")))["Did it help?"]
    assert tile.value == "-0.150"
    assert "frozen model" in tile.note
    assert by_question(document(result("frozen")))["Did it help?"].value == "unknown"


def test_a_log_without_drift_has_nothing_to_recover() -> None:
    found = by_question(document(result("frozen"), result("full"), result("adaptive")))
    assert found["What moved?"].value == "nothing"
    assert "Since when?" not in found
    assert "nothing to recover" in found["Did it help?"].note


def test_reasons_to_retrain_are_stated() -> None:
    adaptive = result("adaptive")
    adaptive["windows"][1] |= {"trained": True, "finetuned": False, "reasons": [SENTENCE]}
    done = by_question(document(adaptive))["What was done?"]
    assert done.value == "1 retraining"
    assert done.note.endswith("reasons: rating level: all down")


@pytest.mark.parametrize(
    "policies", [("frozen",), ("full",), ("sliding", "frozen"), ("full", "frozen")]
)
def test_any_policies_have_answers(policies: tuple[str, ...]) -> None:
    given = document(*map(result, policies))
    assert answer(given).endswith(".")
    assert len(tiles(given)) == 5
    assert all(tile.value and tile.note for tile in tiles(given))


def test_the_adaptive_policy_is_shown_first() -> None:
    given = document(result("frozen"), result("adaptive"))
    assert shown_result(given)["policy"] == "adaptive"


def test_the_direction_of_a_change_is_an_arrow() -> None:
    assert subject({"sentence": SENTENCE}) == "rating level: all ↓"
    assert subject({"sentence": "ratings of a movie: Up (2009) up since 2"}).endswith("(2009) ↑")
