"""Naming: alarms of many streams become changes, each with a name that the evidence settles.

An alarm comes as soon as one stream has moved beyond chance. By then the streams that distinguish
explanations, such as a fall of the level and a group of users who turn, are often within chance. A
change is therefore found at its alarm, but named when its evidence is large, or a number of ratings
later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from foreseen.drift.attribution import Change, best_explanation, is_settled
from foreseen.drift.streams import Stream

_WAIT: Final = 200
"""Ratings after an alarm by which its change is named at the latest."""
_STEP: Final = 25
"""Ratings after which the evidence is judged again."""


@dataclass(frozen=True)
class Named:
    """A change with its name.

    Attributes:
        change: The change of the stream that names it, or is its most likely name until then.
        named: Position in the log of the last rating that the name depends on; None if the log
            ends before.
        alarm: The first alarm.
        later: Later alarms of the same moment.
    """

    change: Change
    named: int | None
    alarm: Change
    later: list[Change] = field(default_factory=list[Change])

    @property
    def explained(self) -> list[Change]:
        """Return the alarms that the change explains: the first only if another stream names it."""
        first = [] if self.alarm.stream.spec == self.change.stream.spec else [self.alarm]
        return [*first, *self.later]

    def explains(self, alarm: Change) -> bool:
        """Return whether an alarm shows this change, as known when the alarm was raised.

        Concept drift is never listed under a change that is none: it calls for retraining.
        """
        known = [self.alarm, *self.later]
        is_same = self.alarm.is_same(alarm)
        if self.named is not None and self.named <= alarm.found:
            known.append(self.change)
            is_same = is_same or self.change.is_same(alarm)
        return is_same and any(c.is_concept_drift for c in known) >= alarm.is_concept_drift

    def includes(self, other: "Named", named: int) -> bool:
        """Return whether a change that was named later, at `named`, is this one, as known then."""
        known = [c for c in (self.change, self.alarm, *self.later) if c.found <= named]
        drift = other.change.is_concept_drift or other.alarm.is_concept_drift
        return self.change.is_same(other.change) and any(c.is_concept_drift for c in known) >= drift


def named_changes(alarms: Sequence[Change], streams: Sequence[Stream], count: int) -> list[Named]:
    """Return the changes that alarms show, in the order in which they were named.

    Those that are not named yet come last, in the order of their alarms: each may turn out to be
    one of the others.

    Args:
        alarms: In the order in which they were raised.
        streams: All streams.
        count: Ratings of the log.
    """
    changes: list[Named] = []
    for alarm in alarms:
        same = [change for change in changes if change.explains(alarm)]
        if same:
            same[-1].later.append(alarm)
            continue
        earlier = [other for other in alarms if other.found < alarm.found]
        changes.append(_named(alarm, streams, earlier, count))
    named: list[Named] = []
    moments = [(change.named, change) for change in changes if change.named is not None]
    for moment, change in sorted(moments, key=lambda pair: pair[0]):
        # Two alarms that were no evidence of one change when they were raised may get one name.
        same = [other for other in named if other.includes(change, moment)]
        if same:
            same[-1].later.extend([change.alarm, *change.later])
        else:
            named.append(change)
    return named + [change for change in changes if change.named is None]


def _named(
    alarm: Change, streams: Sequence[Stream], earlier: Sequence[Change], count: int
) -> Named:
    """Return the change that an alarm shows."""
    best, until = alarm, alarm.found
    for until in range(alarm.found, alarm.found + _WAIT + 1, _STEP):
        if until >= count:
            return Named(best, None, alarm)
        best = best_explanation(alarm, streams, earlier, until)
        if is_settled(best):
            break
    return Named(best, until, alarm)
