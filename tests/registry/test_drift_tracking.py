"""Updates measure the error of new ratings, record findings, and close them once it is back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import ratings_of, tables_of
from tests.findings import FOUND

from foreseen.data.canonical import Tables
from foreseen.drift.finding import Finding
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
        named=second(measured, 0.5),
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


def changed_log() -> Tables:
    """Return 8,000 ratings of 400 users, one after the other; the last half rates otherwise.

    From user 201 on, the better half of the movies gets two stars less and the other half more.
    """
    generator = np.random.default_rng(0)
    rows: list[tuple[int, int, float, int]] = []
    for user in range(400):
        for place, movie in enumerate(generator.choice(60, 20, replace=False).tolist()):
            merit = 1.5 if (movie < 30) == (user < 200) else -0.5
            rating = 2.5 + merit + generator.normal(0, 0.6)
            stars = float(np.clip(np.round(2 * rating) / 2, 0.5, 5))
            rows.append((user + 1, movie + 1, stars, 1_000_000_000 + 86_400 * user + place))
    return tables_of(ratings_of(*rows))


@pytest.mark.parametrize("retrained", [False, True])
def test_a_finding_is_closed_only_if_the_error_is_back(retrained: bool, tmp_path: Path) -> None:
    tables = changed_log()
    times, change = tables.ratings["timestamp"].to_numpy(), 4000
    old = train(tables_of(tables.ratings[:2000], tables.movies), "bias")
    versions.save_model(old, tmp_path / "m")
    version = versions.read_version(tmp_path / "m")
    begin, found = int(times[change]), change + 2000
    at = int(times[found - 1])
    drift = replace(FOUND, since=begin, earliest=begin, latest=begin, found=at, named=at)

    known = NewRatings.of(old.with_ratings(tables.ratings[2000:found]), version)
    log = with_findings(DriftLog(), [drift], known, "kept", promoted=False)
    effect = log.findings[0].effect
    assert effect.found is not None
    assert effect.expected is not None
    assert effect.found > 1.3 * effect.expected
    # Observing alone keeps what half of all ratings say of the movies; training anew drops it.
    first = tables.ratings[change:found] if retrained else tables.ratings[:2000]
    model = train(tables_of(first, tables.movies), "bias")
    rest = tables.ratings[found:] if retrained else tables.ratings[2000:]
    measured = NewRatings.of(model.with_ratings(rest), version)
    (record,) = with_findings(log, [], measured, "kept", promoted=False).findings
    excess = record.effect.excess
    assert excess is not None
    assert record.state == ("closed" if retrained else "open")
    assert (excess.low > 1) is not retrained
    if retrained:
        assert record.closed_at is not None
        assert with_findings(log, [], measured, "x", promoted=True).findings == (
            record.model_copy(update={"done": "kept"}),
        )


def test_too_few_ratings_since_the_action_show_no_effect(measured: NewRatings) -> None:
    old = recorded(measured)
    assert after_update(measured, old) == old


def test_a_promoted_version_is_what_was_done_about_an_open_finding(measured: NewRatings) -> None:
    old = recorded(measured, effect=Effect(expected=0.01))
    found = after_update(measured, old, promoted=True)
    assert found.done == "promoted version 2"
    assert found.done_until == measured.model.log.end
