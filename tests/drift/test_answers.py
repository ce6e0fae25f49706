"""The first screen of the report: an answer to each question, for every choice of policies."""

from typing import Any

import pytest

from foreseen.drift.answers import answers, shown_result

SENTENCE = "rating level: all down since 1970-01-02: 0.00 stars before, -0.50 stars after"
ESTIMATE = {"value": 0.9, "low": 0.8, "high": 1.0}


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
    finding = {"sentence": SENTENCE, "since": 86_400}
    return {
        "results": list(results),
        "findings": [finding] * findings,
        "placebo": {"alarms_per_year": 0.08},
    }


def test_all_questions_are_answered_for_the_adaptive_policy() -> None:
    adaptive = result("adaptive", recovered={"value": 0.95}, less_full={"rmse": ESTIMATE})
    still, moved, done, helped, cost = answers(
        document(result("frozen", 1.0), result("full"), adaptive, findings=1)
    )
    assert "Yes under adaptive: RMSE 0.850 in the last window from 1970-01-02" in still
    assert "1 change in the log, all: rating level: all down since 1970-01-02 (logs" in moved
    assert "retrained at 0 of 1 later windows and fine-tuned at 1" in done
    assert "RMSE is 0.1500 below that of a frozen model, 95.0% of the gain" in helped
    assert "1 processor seconds after the start, 25.0% of those of full" in cost


def test_an_error_above_the_estimate_is_not_good() -> None:
    still = answers(document(result("adaptive", last=0.9)))[0]
    assert "No under adaptive: RMSE 0.900" in still
    assert "5.9% above the 0.850" in still


def test_a_log_without_drift_has_nothing_to_recover() -> None:
    texts = answers(document(result("frozen"), result("full"), result("adaptive")))
    assert "No change was detected" in texts[1]
    assert "nothing to recover" in texts[3]


def test_only_the_newest_changes_are_named() -> None:
    assert (
        "5 changes in the log, the newest 3: "
        in answers(document(result("adaptive"), findings=5))[1]
    )


def test_reasons_to_retrain_are_stated() -> None:
    adaptive = result("adaptive")
    adaptive["windows"][1] |= {"trained": True, "finetuned": False, "reasons": [SENTENCE]}
    assert "retrained at 1 of 1 later windows" in answers(document(adaptive))[2]
    assert "Reasons: rating level: all down since 1970-01-02." in answers(document(adaptive))[2]


@pytest.mark.parametrize(
    "policies", [("frozen",), ("full",), ("sliding", "frozen"), ("full", "frozen")]
)
def test_any_policies_have_answers(policies: tuple[str, ...]) -> None:
    texts = answers(document(*map(result, policies)))
    assert len(texts) == 5
    assert all(text.endswith(".") for text in texts)


def test_the_adaptive_policy_is_shown_first() -> None:
    given = document(result("frozen"), result("adaptive"))
    assert shown_result(given)["policy"] == "adaptive"
