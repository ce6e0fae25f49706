"""Drift detection: what changed, since when, and by how much.

Every stream is read by a drift detector, by default the Page-Hinkley test (Page, 1954) of river. An
alarm alone is no finding: it is confirmed, and dated, by the split of the values since the last
finding with the greatest difference of means (two-sample CUSUM scan), if that is more standard
errors than chance produces over all streams, values and splits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.drift.streams import (
    IN_STARS,
    KIND_LABELS,
    SHARE,
    Stream,
    StreamSpec,
    streams_of,
)
from foreseen.features.interaction_log import InteractionLog

_SLACK: Final = 0.25
_THRESHOLD: Final = 12.0
_FEWEST_BEFORE: Final = 30
_CONFIRMING: Final = 5.0
"""Standard errors between the means before and after. Shuffled logs had at most one such alarm a
year over all streams; `benchmarks/drift_injected.py` measures it."""
_PATIENCE: Final = 60
"""Values after an alarm within which it may be confirmed."""
_AFTER: Final = np.unique(np.round(5 * 1.25 ** np.arange(20)).astype(np.int64))
"""Numbers of values after the split that are tried."""


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
        found: Second of the rating at which the change was confirmed.
        before: Mean before the change.
        after: Mean after it.
        ratings: Ratings of the log from the change to its confirmation.
        evidence: Ratings of the stream after the change.
        deviations: Difference of the standardised means, in standard errors.
    """

    kind: str
    label: str
    unit: str
    is_concept_drift: bool
    since: int
    found: int
    before: float
    after: float
    ratings: int
    evidence: int
    deviations: float

    def __str__(self) -> str:
        subject = f"{KIND_LABELS.get(self.kind, self.kind)}: {self.label}"
        direction = "up" if self.after > self.before else "down"
        return (
            f"{subject} {direction} since {_day(self.since)}: {self._level(self.before)} before, "
            f"{self._level(self.after)} after (found {_day(self.found)} on {self.evidence:,} "
            f"ratings, {abs(self.deviations):.1f} standard errors)"
        )

    def on_scale(self, scale: RatingScale) -> "Finding":
        """Return the finding with means on the scale of the data, where they are in stars."""
        if self.unit != IN_STARS or scale.is_stars:
            return self
        before, after = self.before * scale.per_star, self.after * scale.per_star
        return replace(self, unit=f"on the scale {scale}", before=before, after=after)

    def as_json(self) -> dict[str, Any]:
        """Return the finding as `metrics.json` and the command line contain it."""
        return {
            "what": self.kind,
            "which": self.label,
            "since": self.since,
            "found": self.found,
            "before": self.before,
            "after": self.after,
            "ratings": self.ratings,
            "evidence": self.evidence,
            "deviations": self.deviations,
            "sentence": str(self),
        }

    def _level(self, value: float) -> str:
        return f"{value:.1%}" if self.unit == SHARE else f"{value:.2f} {self.unit}"


def page_hinkley() -> DriftDetector:
    """Return the default detector."""
    # Imported here because it takes a second, which a server that starts would wait for.
    from river.drift import PageHinkley

    return PageHinkley(
        min_instances=_FEWEST_BEFORE, delta=_SLACK, threshold=_THRESHOLD, alpha=1.0, mode="both"
    )


def detect(
    log: InteractionLog,
    streams: Sequence[StreamSpec] | None = None,
    detector: Callable[[], DriftDetector] = page_hinkley,
    scale: RatingScale = STARS,
) -> list[Finding]:
    """Return the changes of a log, in the order in which they were found.

    A finding rests on ratings up to `found` alone: later ratings change no finding. A stream with
    parts does not repeat a finding of its parts.

    Args:
        log: The log.
        streams: Streams to monitor; None for those of `stream_specs`.
        detector: Returns a new detector; called for every stream, and again after every finding.
        scale: The scale of the data.
    """
    findings: list[Finding] = []
    for stream in streams_of(log, streams, scale):
        parts = {(part.kind, part.label) for part in stream.spec.parts or ()}
        of_parts = [found for found in findings if (found.kind, found.label) in parts]
        findings += [
            found
            for found in _findings(stream, log, detector)
            if not any(found.since <= part.found <= found.found for part in of_parts)
        ]
    return sorted(findings, key=lambda found: (found.found, found.kind, found.label))


def _findings(
    stream: Stream, log: InteractionLog, detector: Callable[[], DriftDetector]
) -> list[Finding]:
    findings: list[Finding] = []
    test = detector()
    start, alert = 0, 0
    for n, value in enumerate(stream.values.tolist()):
        test.update(value)
        alert = _PATIENCE if test.drift_detected else alert - 1
        if alert <= 0:
            continue
        split, deviations = _widest_split(stream.values[start : n + 1])
        if abs(deviations) < _CONFIRMING:
            continue
        findings.append(_finding(stream, log.timestamp, start, start + split, n, deviations))
        start, alert, test = n + 1, 0, detector()
    return findings


def _finding(
    stream: Stream,
    times: NDArray[np.int64],
    start: int,
    change: int,
    last: int,
    deviations: float,
) -> Finding:
    """Return the finding that values `change` to `last` differ from those from `start`."""
    spec = stream.spec
    old, new = slice(start, change), slice(change, last + 1)
    before, after = _mean(stream, old), _mean(stream, new)
    return Finding(
        kind=spec.kind,
        label=spec.label,
        unit=spec.unit,
        is_concept_drift=spec.is_concept_drift and (after > before or not spec.only_rise),
        since=int(times[stream.begins[change]]),
        found=int(times[stream.ends[last]]),
        before=before,
        after=after,
        ratings=int(stream.ends[last] - stream.begins[change]) + 1,
        evidence=int(stream.weights[new].sum()),
        deviations=deviations,
    )


def _widest_split(values: NDArray[np.float64]) -> tuple[int, float]:
    """Return the split with the greatest difference of means, and that in standard errors."""
    lengths = _AFTER[len(values) - _FEWEST_BEFORE >= _AFTER]
    if not len(lengths):
        return 0, 0.0
    sums = np.append(0.0, np.cumsum(values))
    splits = len(values) - lengths
    difference = (sums[-1] - sums[splits]) / lengths - sums[splits] / splits
    deviations = difference / np.sqrt(1 / lengths + 1 / splits)
    best = int(np.argmax(np.abs(deviations)))
    return int(splits[best]), float(deviations[best])


def _mean(stream: Stream, part: slice) -> float:
    return float(np.average(stream.levels[part], weights=stream.weights[part]))


def _day(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d")
