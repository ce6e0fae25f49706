"""What the page of the model shows over time: ratings, error by window, and drift."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from foreseen.errors import ModelFolderError
from foreseen.messages import Message, message_of
from foreseen.registry import drift_log
from foreseen.registry.drift_log import ChangeRecord, DriftFinding, DriftLog, MeasuredWindow
from foreseen.serving.languages import Language
from foreseen.serving.snapshot import ModelSnapshot

STATES: Final = {
    "open": Message("open"),
    "acknowledged": Message("acknowledged"),
    "closed": Message("closed"),
}
"""States of a finding, as the page shows them."""
ACTIONS: Final = {
    "update": Message("update"),
    "promote": Message("promotion"),
    "rollback": Message("rollback"),
    "acknowledge": Message("acknowledgement"),
}
"""Entries of the audit log, as the page shows them."""
_MOST_BARS: Final = 48
_LEAST_RANGE: Final = 0.05
"""Least range of the axis of errors, so that small differences do not look large."""
_WIDTH: Final = 100.0


class Bar(NamedTuple):
    """The number of ratings of a period: from a month on, or from a year on."""

    label: str
    ratings: int
    share: float


class Point(NamedTuple):
    """The error of a window, and its position in a picture of width 100 and height 1."""

    x: float
    realised: float
    estimated: float
    window: MeasuredWindow


class Span(NamedTuple):
    """A change of the ratings: its bounds and its confirmation, in a picture of width 100."""

    earliest: float
    latest: float
    found: float
    finding: DriftFinding


@dataclass(frozen=True)
class ModelHistory:
    """What the pictures show.

    Attributes:
        ratings: Ratings per period, the oldest first.
        trained: Position of the end of the training, from 0 to 100; None if no ratings follow.
        points: Error per window; empty before an update has measured one.
        lowest, highest: Bounds of the axis of errors.
        unnamed: Changes that are found but not named.
        spans: Findings of drift, the latest first.
        begins, ends: Bounds of the time of the spans.
        fault: Why there are no windows and findings to show; empty if there are.
    """

    ratings: tuple[Bar, ...]
    trained: float | None
    points: tuple[Point, ...]
    lowest: float
    highest: float
    unnamed: tuple[ChangeRecord, ...]
    spans: tuple[Span, ...]
    begins: int
    ends: int
    fault: str


def model_history(snapshot: ModelSnapshot, folder: Path, chosen: Language) -> ModelHistory:
    """Return the history of the model in a folder, with the labels in a language."""
    log, fault = DriftLog(), ""
    try:
        log = drift_log.read(folder)
    except ModelFolderError as error:
        fault = message_of(error)
    times = snapshot.model.log.timestamp
    begins, ends = int(times[0]), int(times[-1])
    lowest, highest = _bounds(log.windows)

    def height(error: float) -> float:
        return (highest - error) / (highest - lowest)

    points = tuple(
        Point(
            _WIDTH * (number + 0.5) / len(log.windows),
            height(window.rmse),
            height(window.estimated),
            window,
        )
        for number, window in enumerate(log.windows)
    )
    trained = _position(snapshot.version.until, begins, ends)
    return ModelHistory(
        ratings=_ratings(snapshot, chosen),
        trained=trained if snapshot.version.until <= ends else None,
        points=points,
        lowest=lowest,
        highest=highest,
        unnamed=log.unnamed,
        spans=tuple(
            Span(
                *(_position(at, begins, ends) for at in (f.earliest, f.latest, f.found)), finding=f
            )
            for f in reversed(log.findings)
        ),
        begins=begins,
        ends=ends,
        fault=fault,
    )


def _ratings(snapshot: ModelSnapshot, chosen: Language) -> tuple[Bar, ...]:
    """Return the ratings per month, or per year if that would be too many bars."""
    times = snapshot.model.log.timestamp
    months = times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    by_month = int(months[-1] - months[0]) < _MOST_BARS
    periods = months if by_month else months // 12
    counts = np.bincount(periods - periods[0])
    names = [int(periods[0]) + number for number in range(len(counts))]
    return tuple(
        Bar(
            chosen.month(1970 + name // 12, name % 12 + 1) if by_month else str(1970 + name),
            int(count),
            float(count / counts.max()),
        )
        for name, count in zip(names, counts, strict=True)
    )


def _bounds(windows: tuple[MeasuredWindow, ...]) -> tuple[float, float]:
    """Return the bounds of the axis of errors, with a tenth of their range to spare."""
    errors = [error for window in windows for error in (window.rmse, window.estimated)]
    if not errors:
        return 0.0, 1.0
    middle = (min(errors) + max(errors)) / 2
    half = max(max(errors) - min(errors), _LEAST_RANGE) * 0.6
    return middle - half, middle + half


def _position(second: int, begins: int, ends: int) -> float:
    share = (second - begins) / max(ends - begins, 1)
    return _WIDTH * min(max(share, 0.0), 1.0)
