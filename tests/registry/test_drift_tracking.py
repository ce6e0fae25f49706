"""Updates measure the error of new ratings, record findings, and close them once it is back."""

from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import tables_of
from tests.findings import FOUND

from foreseen.data.canonical import Tables
from foreseen.drift.detectors import Finding
from foreseen.drift.policies import Action
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.registry.drift_log import DriftFinding, DriftLog, Effect
from foreseen.registry.drift_tracking import NewRatings, with_findings, with_window


@pytest.fixture(scope="module")
def measured(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> NewRatings:
    """Predictions of the last 1,000 ratings by a model trained on those before."""
    folder = tmp_path_factory.mktemp("tracking") / "m"
    model = train(tables_of(tables.ratings[:1500], tables.movies), "bias")
    versions.save_model(model, folder)
    return NewRatings.of(model.with_ratings(tables.ratings[1500:]), versions.read_version(folder))


def second(measured: NewRatings, share: float) -> int:
    """Return the timestamp of the rating after a share of the measured ones."""
    return int(measured.events["timestamp"][int(share * measured.events.height)])


def finding(measured: NewRatings, since: float = 0.3) -> Finding:
    begin = second(measured, since)
    return replace(
        FOUND,
        since=begin,
        earliest=begin,
        latest=begin,
        found=second(measured, 0.5),
        ratings=100,
        evidence=100,
    )


def recorded(measured: NewRatings, log: DriftLog | None = None, **more: object) -> DriftFinding:
    """Return the record of a finding after an update."""
    log = with_findings(log or DriftLog(), [finding(measured)], measured, "kept", promoted=False)
    return log.findings[0].model_copy(update=more)


def after_update(
    measured: NewRatings, old: DriftFinding, *, promoted: bool = False
) -> DriftFinding:
    log = DriftLog(findings=(old,))
    return with_findings(log, [], measured, "promoted version 2", promoted=promoted).findings[0]


def test_only_ratings_that_the_version_was_not_trained_on_are_measured(
    measured: NewRatings, tables: Tables
) -> None:
    times = measured.events["timestamp"].to_numpy()
    assert times.min() >= measured.version.until
    assert measured.events.height == (tables.ratings["timestamp"] >= measured.version.until).sum()


def test_the_error_since_the_last_window_is_recorded_once(measured: NewRatings) -> None:
    log = with_window(DriftLog(), measured)
    (window,) = log.windows
    error = (measured.events["rating"] - measured.events["prediction"]).to_numpy()
    assert window.rmse == pytest.approx(np.sqrt(np.mean(error**2)))
    assert window.estimated == window.expected == pytest.approx(window.rmse, rel=0.2)
    assert (window.ratings, window.users) == (measured.events.height, 25)
    assert with_window(log, measured) == log


def test_few_new_ratings_make_no_window(measured: NewRatings) -> None:
    few = replace(measured, events=measured.events[-50:])
    assert with_window(DriftLog(), few) == DriftLog()


def test_later_ratings_change_no_prediction(measured: NewRatings, tables: Tables) -> None:
    moment = second(measured, 0.5)
    model = train(tables_of(tables.ratings[:1500], tables.movies), "bias")
    past = tables.ratings[1500:].filter(tables.ratings[1500:]["timestamp"] < moment)
    earlier = NewRatings.of(model.with_ratings(past), measured.version)
    assert earlier.events.equals(measured.events[: earlier.events.height])


def test_a_new_finding_has_the_error_to_expect_and_the_realised_one(measured: NewRatings) -> None:
    found = recorded(measured)
    assert (found.id, found.state, found.action) == (1, "open", Action.RETRAINING)
    assert found.needs_attention
    assert found.done_until == measured.model.log.end
    assert found.effect.expected is not None
    assert found.effect.found == pytest.approx(found.effect.expected, rel=0.2)
    assert found.effect.after is None


def test_a_finding_that_is_found_again_keeps_its_record(measured: NewRatings) -> None:
    old = recorded(measured, state="acknowledged", acknowledged_by="ada")
    again = replace(finding(measured), explains=(finding(measured, 0.35),))
    log = with_findings(DriftLog(findings=(old,)), [again], measured, "kept", promoted=False)
    (found,) = log.findings
    assert (found.id, found.state, found.acknowledged_by) == (1, "acknowledged", "ada")
    assert len(found.explains) == 1


@pytest.mark.parametrize(("expected", "state"), [(10.0, "closed"), (0.01, "open")])
def test_a_finding_is_closed_once_the_error_is_back(
    measured: NewRatings, expected: float, state: str
) -> None:
    old = recorded(measured, done_until=second(measured, 0.6))
    effect = old.effect.model_copy(update={"expected": expected})
    found = after_update(measured, old.model_copy(update={"effect": effect}))
    assert found.state == state
    assert found.effect.after is not None
    assert found.effect.ratings >= 200
    assert (found.closed_at is not None) is (state == "closed")
    if state == "closed":
        assert after_update(measured, found, promoted=True) == found


def test_too_few_ratings_since_the_action_show_no_effect(measured: NewRatings) -> None:
    old = recorded(measured)
    assert after_update(measured, old) == old


def test_a_promoted_version_is_what_was_done_about_an_open_finding(measured: NewRatings) -> None:
    old = recorded(measured, effect=Effect(expected=0.01))
    found = after_update(measured, old, promoted=True)
    assert found.done == "promoted version 2"
    assert found.done_until == measured.model.log.end
