"""Update policies: when a model is fine-tuned, when it is retrained, and what it sees."""

from dataclasses import replace

import pytest
from tests.findings import FOUND

from foreseen.drift.finding import Finding
from foreseen.drift.policies import (
    ACTIONS,
    POLICIES,
    Action,
    action_for,
    calls_for_training,
    should_finetune,
)
from foreseen.drift.stream_spec import KIND_LABELS


def finding(is_concept_drift: bool) -> Finding:
    return replace(
        FOUND,
        is_concept_drift=is_concept_drift,
        since=0,
        earliest=0,
        latest=0,
        found=86_400,
        named=86_400,
        after=0.5,
        ratings=100,
        evidence=100,
        deviations=6.0,
    )


@pytest.mark.parametrize(("known", "due"), [(1000, False), (1049, False), (1050, True)])
def test_incremental_training_is_due_when_the_log_has_grown_by_a_twentieth(
    known: int, due: bool
) -> None:
    assert should_finetune(1000, known) is due


def test_concept_drift_calls_for_training() -> None:
    drift = finding(is_concept_drift=True)
    assert calls_for_training(1000, 1100, [drift]) == [str(drift)]


def test_other_changes_and_little_growth_do_not_call_for_training() -> None:
    assert calls_for_training(1000, 1999, [finding(is_concept_drift=False)]) == []


def test_a_change_that_incremental_training_has_learned_calls_for_none() -> None:
    old = replace(finding(is_concept_drift=True), ratings=111)
    assert calls_for_training(1000, 1100, [old]) == []
    assert calls_for_training(1000, 1120, [old]) == [str(old)]


def test_every_kind_of_finding_has_an_action() -> None:
    assert set(ACTIONS) == set(KIND_LABELS)


@pytest.mark.parametrize(("kind", "action"), ACTIONS.items())
def test_the_action_of_a_recent_change_is_that_of_its_kind(kind: str, action: Action) -> None:
    change = replace(finding(is_concept_drift=True), kind=kind)
    assert action_for(change, 1100) is action
    assert bool(calls_for_training(1000, 1100, [change])) is (action is Action.RETRAINING)


def test_an_old_change_or_one_of_some_users_is_fine_tuned() -> None:
    drift = finding(is_concept_drift=True)
    assert action_for(replace(drift, ratings=111), 1100) is Action.FINETUNING
    assert action_for(finding(is_concept_drift=False), 1100) is Action.FINETUNING


def test_a_kind_without_an_entry_is_retrained_if_it_is_concept_drift() -> None:
    other = replace(finding(is_concept_drift=True), kind="own")
    assert action_for(other, 1100) is Action.RETRAINING
    assert action_for(replace(other, is_concept_drift=False), 1100) is Action.FINETUNING


def test_a_log_twice_as_long_calls_for_training() -> None:
    assert calls_for_training(1000, 2000, []) == ["2,000 ratings known, 1,000 trained on"]


def test_only_the_frozen_policy_hides_new_ratings() -> None:
    assert {name for name, policy in POLICIES.items() if not policy.reveals} == {"frozen"}
    assert {name for name, policy in POLICIES.items() if policy.retrains} == {"sliding", "full"}
    assert {name for name, policy in POLICIES.items() if policy.adapts} == {"adaptive"}
