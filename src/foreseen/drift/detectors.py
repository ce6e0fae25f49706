"""Detectors of drift: what moved, since when, by how much.

Every stream of `foreseen.drift.streams` is watched by the Page-Hinkley test (Page, 1954) of river.
Its word alone is not taken: an alarm is confirmed, and dated, by the split of what was seen since
the last alarm whose two means differ most (two-sample CUSUM scan), if they differ by more standard
errors than chance would bring forth over all streams, values and splits together.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from river.drift import PageHinkley

from foreseen.drift.streams import Stream, What, streams_of
from foreseen.features.interaction_log import InteractionLog

_SLACK: Final = 0.25
_THRESHOLD: Final = 12.0
_FEWEST_BEFORE: Final = 30
_CONFIRMING: Final = 5.0
"""Standard errors between the means before and after. Shuffled logs had one such alarm a year at
most, of all streams together; `benchmarks/drift_injected.py` measures it."""
_PATIENCE: Final = 60
_AFTER: Final = np.unique(np.round(5 * 1.25 ** np.arange(20)).astype(np.int64))
"""Values after the split that are tried."""


@dataclass(frozen=True)
class Finding:
    """Something that moved.

    Attributes:
        what: What kind of thing.
        which: Which of them.
        since: Second of the first rating after the change.
        found: Second of the rating with which it was found.
        before, after: The measured level, in stars or as a share.
        ratings: Ratings of the log between the change and its finding.
        evidence: Ratings of this stream after the change that it rests on.
        deviations: How many standard errors before and after are apart.
    """

    what: What
    which: str
    since: int
    found: int
    before: float
    after: float
    ratings: int
    evidence: int
    deviations: float

    def __str__(self) -> str:
        return (
            f"{self._subject()} since {_day(self.since)}: {self._level(self.before)} before, "
            f"{self._level(self.after)} after (found {_day(self.found)} on {self.evidence:,} "
            f"ratings, {abs(self.deviations):.1f} standard errors)"
        )

    @property
    def serious(self) -> bool:
        """Whether it is about how people rate, not what: then what was learned may be wrong."""
        return self.what in {"scale", "level", "agreement"} or (
            self.what == "error" and self.after > self.before
        )

    def as_json(self) -> dict[str, Any]:
        """Return the finding for programs."""
        return {**vars(self), "sentence": str(self)}

    def _subject(self) -> str:
        move = "up" if self.after > self.before else "down"
        return {
            "scale": f"rating scale, {self.which} {move}",
            "level": f"level of ratings, {self.which}, {move}",
            "error": f"error of prediction, {self.which}, {move}",
            "agreement": f"agreement with the crowd, {self.which}, {move}",
            "taste": f"taste for {self.which} {move}",
            "share": f"share of {self.which} {move}",
            "catalogue": f"catalogue, {self.which} {move}",
        }[self.what]

    def _level(self, value: float) -> str:
        if self.what in {"scale", "share", "catalogue"}:
            return f"{value:.1%}"
        return f"{value:.2f} stars" if self.what == "error" else f"{value:+.2f} stars"


def detect(log: InteractionLog) -> list[Finding]:
    """Return all that moved in a log, in the order it was found.

    A finding rests on ratings up to `found` alone: what comes later changes no finding. What one
    of its parts has told already a stream put together of several does not tell again.
    """
    findings: list[Finding] = []
    for stream in streams_of(log):
        told = [found for found in findings if (found.what, found.which) in stream.parts]
        findings += [
            found
            for found in _watch(stream, log)
            if not any(found.since <= part.found <= found.found for part in told)
        ]
    return sorted(findings, key=lambda found: (found.found, found.what, found.which))


def _watch(stream: Stream, log: InteractionLog) -> list[Finding]:
    findings: list[Finding] = []
    times = log.timestamp
    test = _test()
    start, alert = 0, 0
    for n, value in enumerate(stream.values.tolist()):
        test.update(value)
        alert = _PATIENCE if test.drift_detected else alert - 1
        if alert <= 0:
            continue
        split, deviations = _widest_split(stream.values[start : n + 1])
        if abs(deviations) < _CONFIRMING:
            continue
        old, new = slice(start, start + split), slice(start + split, n + 1)
        findings.append(
            Finding(
                stream.what,
                stream.which,
                int(times[stream.begins[start + split]]),
                int(times[stream.ends[n]]),
                _mean(stream, old),
                _mean(stream, new),
                int(stream.ends[n] - stream.begins[start + split]) + 1,
                int(stream.weights[new].sum()),
                deviations,
            )
        )
        start, alert, test = n + 1, 0, _test()
    return findings


def _test() -> PageHinkley:
    return PageHinkley(
        min_instances=_FEWEST_BEFORE, delta=_SLACK, threshold=_THRESHOLD, alpha=1.0, mode="both"
    )


def _widest_split(values: NDArray[np.float64]) -> tuple[int, float]:
    """Return where values are split best in two, and by how many standard errors."""
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
