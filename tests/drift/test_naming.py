"""Naming: a change is named when its evidence is large, or a number of ratings after its alarm."""

from dataclasses import replace

import numpy as np
from tests.drift.test_attribution import CHANGE, COUNT, END, stream

from foreseen.drift.attribution import Change, locate
from foreseen.drift.naming import Named, named_changes
from foreseen.drift.streams import Stream


def alarm(of: Stream, after: int) -> Change:
    """Return the alarm of a stream a number of values after the change."""
    found = locate(of, 0, CHANGE + after - 1)
    assert found is not None
    return found


def named(alarms: list[Change], *streams: Stream, count: int = END + 1) -> list[Named]:
    return named_changes(sorted(alarms, key=lambda alarm: alarm.found), streams, count)


def turned() -> tuple[Stream, Stream]:
    """Return streams in which the level falls at once, and agreement a hundred ratings later."""
    return stream("level", -1.6), stream("agreement", -3.0, change=CHANGE + 8)


def test_a_change_is_named_by_what_is_evident_some_ratings_after_its_alarm() -> None:
    level, agreement = turned()
    first = alarm(level, 8)
    assert abs(first.deviations) < 7
    (change,) = named([first], level, agreement)
    assert change.change.kind == "agreement"
    assert [other.kind for other in change.explained] == ["level"]
    assert change.named is not None
    assert first.found < change.named <= first.found + 200


def test_a_change_of_large_evidence_is_named_at_its_alarm() -> None:
    level = stream("level", -4.0)
    first = alarm(level, 8)
    (change,) = named([first], level, stream("agreement", -3.0, change=CHANGE + 8))
    assert (change.change.kind, change.named) == ("level", first.found)
    assert change.explained == []


def test_half_stars_that_were_not_given_before_are_named_at_once() -> None:
    half = stream("scale", 1.6)
    half = replace(half, spec=replace(half.spec, label="half stars"))
    known, new = half, replace(half, levels=np.where(np.arange(COUNT) < CHANGE, 0.0, 0.5))
    for of, waits in ((known, True), (new, False)):
        (change,) = named([alarm(of, 8)], of)
        assert abs(change.alarm.deviations) < 7
        assert change.named is not None
        assert (change.named > change.alarm.found) == waits


def test_a_change_that_the_log_does_not_settle_is_found_but_not_named() -> None:
    level, agreement = turned()
    first = alarm(level, 8)
    (change,) = named([first], level, agreement, count=first.found + 20)
    assert (change.alarm, change.named) == (first, None)
    assert change.change.kind == "level"
    (change,) = named([first], level, agreement, count=first.found + 201)
    assert change.named is not None


def test_changes_that_are_not_named_come_last() -> None:
    level, share = stream("level", -1.6), stream("share", 4.0, change=CHANGE + 2)
    first, second = alarm(level, 8), alarm(share, 10)
    assert first.found < second.found
    changes = named([first, second], level, share, count=second.found + 1)
    assert [change.alarm for change in changes] == [second, first]
    assert [change.named for change in changes] == [second.found, None]


def test_later_ratings_change_no_name() -> None:
    level, agreement = turned()
    first = alarm(level, 8)
    moments = {
        (change.named, change.change.kind)
        for count in range(first.found, END, 10)
        for change in named([first], level, agreement, count=count)
        if change.named is not None
    }
    assert len(moments) == 1


def test_alarms_of_one_moment_are_one_change() -> None:
    level, agreement = turned()
    taste = stream("taste", -2.0)
    (change,) = named(
        [alarm(level, 8), alarm(taste, 12), alarm(agreement, 30)], level, agreement, taste
    )
    assert [other.kind for other in change.explained] == ["level", "taste", "agreement"]


def test_alarms_that_get_the_same_name_are_one_change() -> None:
    # A taste explains no change of the level when the alarm of the level is raised.
    taste, level = stream("taste", -1.6), stream("level", -3.0, change=CHANGE + 4)
    (change,) = named([alarm(taste, 9), alarm(level, 9)], taste, level)
    assert change.change.kind == "level"
    assert {other.kind for other in change.explained} == {"taste", "level"}


def test_changes_of_two_moments_have_two_names() -> None:
    earlier, later = stream("level", -2.0, change=150), stream("taste", 2.0)
    first = locate(earlier, 0, 180)
    assert first is not None
    kinds = [change.change.kind for change in named([first, alarm(later, 20)], earlier, later)]
    assert kinds == ["level", "taste"]
