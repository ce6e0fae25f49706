"""Drift detection: what changed, since when, and by how much.

Every stream is read by a drift detector, by default the Page-Hinkley test (Page, 1954) of river. An
alarm alone is no finding: it is confirmed, and dated, by the split of the values since the last
finding with the greatest difference of means (two-sample CUSUM scan), if that is more standard
errors than chance produces over all streams, values and splits.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.drift.attribution import (
    FEWEST_BEFORE,
    Change,
    fewest_after,
    locate,
    standard_errors,
)
from foreseen.drift.finding import Finding
from foreseen.drift.naming import Named, named_changes
from foreseen.drift.stream_spec import StreamSpec
from foreseen.drift.streams import Stream, streams_of
from foreseen.features.interaction_log import InteractionLog

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
    """Return the changes of a log, in the order in which they were named.

    A finding depends on ratings up to `named` alone: later ratings only add to what it `explains`.
    Those that are not named yet come last: later ratings name them, or add them to another. A
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
    until = len(times) - 1 if named.named is None else named.named
    finding = _finding(change, times)
    explains = tuple(_finding(other, times) for other in named.explained)
    return replace(
        finding,
        is_concept_drift=finding.is_concept_drift or any(e.is_concept_drift for e in explains),
        found=int(times[named.alarm.found]),
        named=None if named.named is None else int(times[until]),
        ratings=until - change.since + 1,
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
        named=int(times[change.found]),
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
