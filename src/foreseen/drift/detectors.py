"""Drift detection: what changed, since when, and by how much.

Every stream is read by a drift detector, by default the Page-Hinkley test (Page, 1954) of river. An
alarm alone is no finding: it is confirmed, and dated, by the split of the values since the last
finding with the greatest difference of means (two-sample CUSUM scan), if that is more standard
errors than chance produces over all streams, values and splits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.drift import finding_text
from foreseen.drift.attribution import (
    FEWEST_BEFORE,
    Change,
    fewest_after,
    locate,
    standard_errors,
)
from foreseen.drift.naming import Named, named_changes
from foreseen.drift.stream_spec import IN_STARS, StreamSpec
from foreseen.drift.streams import Stream, streams_of
from foreseen.features.interaction_log import InteractionLog
from foreseen.messages import Day, Figure, Message

_SLACK: Final = 0.25
_THRESHOLD: Final = 12.0
_CONFIRMING: Final = 5.0
"""Standard errors between the means before and after. Shuffled logs had at most one such alarm a
year over all streams; `benchmarks/drift_injected.py` measures it."""
_PATIENCE: Final = 60
"""Values after an alarm within which it may be confirmed."""
_AFTER: Final = np.unique(np.round(5 * 1.25 ** np.arange(20)).astype(np.int64))
"""Numbers of values after the split that are tried."""
_LAG: Final = 10_000
"""Ratings by which expected values lag behind in the second set of streams, for slow changes."""


class DriftDetector(Protocol):
    """A sequential test; those of `river.drift` fit."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value raised an alarm."""
        ...

    def update(self, x: float, /) -> object:
        """Read the next value."""
        ...


@dataclass(frozen=True)
class Finding:
    """A confirmed change of a stream.

    Attributes:
        kind: Kind of the stream.
        label: Name of the stream within its kind.
        unit: Unit of the stream.
        is_concept_drift: Whether users rate differently, so that the model has to be retrained.
        since: Second of the first rating after the change.
        earliest: First second of the interval in which the change lies.
        latest: Last second of it.
        found: Second of the rating at which the change was confirmed.
        before: Mean before the change.
        after: Mean after it.
        ratings: Ratings of the log from the change to its confirmation.
        evidence: Ratings of the stream after the change.
        deviations: Difference of the standardised means, in standard errors.
        explains: Alarms of other streams that the change explains.
    """

    kind: str
    label: str
    unit: str
    is_concept_drift: bool
    since: int
    earliest: int
    latest: int
    found: int
    before: float
    after: float
    ratings: int
    evidence: int
    deviations: float
    explains: "tuple[Finding, ...]" = ()

    def __str__(self) -> str:
        return self.message

    @property
    def message(self) -> Message:
        """The finding in a sentence."""
        values: dict[str, object] = {
            "subject": finding_text.subject(self.kind, self.label),
            "since": Day(self.since),
            "before": finding_text.level(self.before, self.unit),
            "after": finding_text.level(self.after, self.unit),
            "earliest": Day(self.earliest),
            "latest": Day(self.latest),
            "found": Day(self.found),
            "evidence": Figure(self.evidence),
            "deviations": Figure(abs(self.deviations), 1),
        }
        if self.after > self.before:
            return Message(
                "%(subject)s up since %(since)s: %(before)s before, %(after)s after (changed "
                "between %(earliest)s and %(latest)s, found %(found)s on %(evidence)s ratings, "
                "%(deviations)s standard errors)",
                **values,
            )
        return Message(
            "%(subject)s down since %(since)s: %(before)s before, %(after)s after (changed "
            "between %(earliest)s and %(latest)s, found %(found)s on %(evidence)s ratings, "
            "%(deviations)s standard errors)",
            **values,
        )

    def on_scale(self, scale: RatingScale) -> "Finding":
        """Return the finding with means on the scale of the data, where they are in stars."""
        if scale.is_stars:
            return self
        explains = tuple(finding.on_scale(scale) for finding in self.explains)
        if self.unit != IN_STARS:
            return replace(self, explains=explains)
        before, after = self.before * scale.per_star, self.after * scale.per_star
        return replace(
            self, unit=f"on the scale {scale}", before=before, after=after, explains=explains
        )

    def as_json(self) -> dict[str, Any]:
        """Return the finding as `metrics.json` and the command line contain it."""
        return {
            "what": self.kind,
            "which": self.label,
            "since": self.since,
            "earliest": self.earliest,
            "latest": self.latest,
            "found": self.found,
            "before": self.before,
            "after": self.after,
            "ratings": self.ratings,
            "evidence": self.evidence,
            "deviations": self.deviations,
            "sentence": str(self),
            "explains": [str(finding) for finding in self.explains],
        }


def page_hinkley() -> DriftDetector:
    """Return the default detector."""
    # Imported here because it takes a second, which a server that starts would wait for.
    from river.drift import PageHinkley

    return PageHinkley(
        min_instances=FEWEST_BEFORE, delta=_SLACK, threshold=_THRESHOLD, alpha=1.0, mode="both"
    )


def detect(
    log: InteractionLog,
    streams: Sequence[StreamSpec] | None = None,
    detector: Callable[[], DriftDetector] = page_hinkley,
    scale: RatingScale = STARS,
) -> list[Finding]:
    """Return the changes of a log, in the order in which they were found.

    A finding rests on ratings up to `found` alone: later ratings only add to what it `explains`. A
    stream with parts does not repeat a finding of its parts.

    Args:
        log: The log.
        streams: Streams to monitor; None for those of `stream_specs`.
        detector: Returns a new detector; called for every stream, and again after every finding.
        scale: The scale of the data.
    """
    monitored = streams_of(log, streams, scale, (0, _LAG))
    alarms: list[Change] = []
    for stream in monitored:
        parts = {(part.kind, part.label) for part in stream.spec.parts or ()}
        of_parts = [
            alarm for alarm in alarms if alarm.stream.lag == stream.lag and _name(alarm) in parts
        ]
        alarms += [
            alarm
            for alarm in _alarms(stream, detector)
            if not any(alarm.since <= part.found <= alarm.found for part in of_parts)
        ]
    alarms.sort(key=lambda alarm: (alarm.found, alarm.stream.lag, _name(alarm)))
    named = named_changes(alarms, monitored, len(log.timestamp))
    return [_named_finding(change, log.timestamp) for change in named]


def _alarms(stream: Stream, detector: Callable[[], DriftDetector]) -> list[Change]:
    """Return the confirmed alarms of a stream."""
    alarms: list[Change] = []
    start, last = 0, _first_alarm(stream, 0, detector())
    while last is not None:
        change = locate(stream, start, last)
        if change is not None and _is_away(change):
            alarms.append(change)
        start = last + 1
        last = _first_alarm(stream, start, detector())
    return alarms


def _first_alarm(stream: Stream, start: int, test: DriftDetector) -> int | None:
    """Return the first value from `start` on at which an alarm is confirmed; None if none is."""
    values = stream.values[start:]
    confirmed = _evidence(values, fewest_after(stream)) >= _CONFIRMING
    alert = 0
    for n, value in enumerate(values.tolist()):
        test.update(value)
        alert = _PATIENCE if test.drift_detected else alert - 1
        if alert > 0 and confirmed[n]:
            return start + n
    return None


def _evidence(values: NDArray[np.float64], fewest: int) -> NDArray[np.float64]:
    """Return the greatest difference of means before and after a split, in standard errors.

    Args:
        values: Of shape V.
        fewest: Fewest values after the split.

    Returns:
        For each value, of the values up to it; of shape V.
    """
    greatest = np.zeros(len(values))
    sums = np.append(0.0, np.cumsum(values))
    for after in map(int, _AFTER[fewest <= _AFTER]):
        before: NDArray[np.int64] = np.arange(FEWEST_BEFORE, len(values) - after + 1)
        reached = slice(FEWEST_BEFORE + after - 1, None)
        total = sums[before]
        deviations = standard_errors(total, before, sums[before + after] - total, after)
        greatest[reached] = np.maximum(greatest[reached], np.abs(deviations))
    return greatest


def _name(change: Change) -> tuple[str, str]:
    return change.stream.spec.kind, change.stream.spec.label


def _named_finding(named: Named, times: NDArray[np.int64]) -> Finding:
    """Return the finding of a change that was named."""
    change = named.change
    finding = _finding(change, times)
    explains = tuple(_finding(other, times) for other in named.explained)
    return replace(
        finding,
        is_concept_drift=finding.is_concept_drift or any(e.is_concept_drift for e in explains),
        found=int(times[named.found]),
        ratings=named.found - change.since + 1,
        explains=explains,
    )


def _finding(change: Change, times: NDArray[np.int64]) -> Finding:
    """Return the finding of a change at the moment of its last value."""
    stream, spec = change.stream, change.stream.spec
    old, new = slice(change.start, change.split), slice(change.split, change.last + 1)
    before, after = _mean(stream, old), _mean(stream, new)
    return Finding(
        kind=spec.kind,
        label=spec.label,
        unit=spec.unit,
        is_concept_drift=change.is_concept_drift,
        since=int(times[change.since]),
        earliest=int(times[change.earliest]),
        latest=int(times[change.latest]),
        found=int(times[change.found]),
        before=before,
        after=after,
        ratings=change.found - change.since + 1,
        evidence=int(stream.weights[new].sum()),
        deviations=change.deviations,
    )


def _is_away(change: Change) -> bool:
    """Return whether values move away from what is expected.

    Where expected values lag behind, they return to it once the change is expected.
    """
    if not change.stream.lag:
        return True
    values = change.stream.values
    before = values[change.start : change.split].mean()
    after = values[change.split : change.last + 1].mean()
    return bool(abs(after) > abs(before))


def _mean(stream: Stream, part: slice) -> float:
    return float(np.average(stream.levels[part], weights=stream.weights[part]))
