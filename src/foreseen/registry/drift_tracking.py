"""What an update records of drift: the error of new ratings, findings, and effects of actions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.schema import PREDICTION, RATING, TIMESTAMP, USER
from foreseen.drift.affected import affected_ratings
from foreseen.drift.expected_error import (
    ErrorWindow,
    correction,
    error_window,
    predict_with_deviation,
)
from foreseen.drift.finding import Finding
from foreseen.drift.occurrences import earlier_occurrences
from foreseen.drift.policies import action_for
from foreseen.drift.recovery import (
    Errors,
    excess_error,
    expected_error_of,
    is_back,
    usual_error,
)
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.messages import parts_of
from foreseen.models.base import Model
from foreseen.registry.champion import MIN_HOLDOUT_RATINGS, MIN_HOLDOUT_USERS
from foreseen.registry.drift_log import (
    DriftFinding,
    DriftLog,
    Effect,
    MeasuredWindow,
    change_fields,
)
from foreseen.registry.layout import Version

_MOST_MEASURED: Final = 20_000
"""Ratings of the end of the log that are predicted at most."""


@dataclass(frozen=True)
class NewRatings:
    """The newest ratings of a log with predictions of a version that was not trained on them.

    Attributes:
        model: The version, with all ratings.
        version: Its metadata.
        events: The ratings, with prediction and deviation.
    """

    model: Model
    version: Version
    events: pl.DataFrame

    @classmethod
    def of(cls, model: Model, version: Version) -> "NewRatings":
        """Predict each rating since the training of a version, before it is revealed."""
        log = model.log
        start = int(np.searchsorted(log.timestamp, version.until))
        events = log.ratings[max(start, log.ratings.height - _MOST_MEASURED) :]
        before = events[TIMESTAMP].to_numpy().astype(np.int64)
        return cls(model, version, predict_with_deviation(model, events, before))

    @cached_property
    def errors(self) -> Errors:
        """The errors of the ratings."""
        log = self.model.log
        new = slice(len(log.user) - self.events.height, None)
        error = (self.events[RATING] - self.events[PREDICTION]).to_numpy()
        user, movie = log.user.astype(np.int64), log.movie.astype(np.int64)
        counts = [earlier_occurrences(entity)[new] for entity in (user, movie)]
        inverse = np.stack([np.ones(len(error)), *(1 / (1 + count) for count in counts)], axis=1)
        return Errors(user[new], error**2, inverse)

    @cached_property
    def inputs(self) -> StreamInputs:
        """What drift streams read of the log."""
        return StreamInputs(self.model.log)

    def affected(self, kind: str, label: str) -> NDArray[np.bool_] | None:
        """Return which of the ratings a change concerns; None if it concerns all."""
        scale = self.model.encoding.scale
        affected = affected_ratings(self.inputs, kind, label, scale)
        return None if affected is None else affected[len(affected) - self.events.height :]

    def split(
        self, begin: int, end: int, affected: NDArray[np.bool_] | None
    ) -> tuple[Errors, Errors | None]:
        """Return errors from one second to before another, of affected and of other ratings.

        Errors of others are None if there are too few.
        """
        during = self.events[TIMESTAMP].is_between(begin, end, closed="left").to_numpy()
        if affected is None:
            return self.errors.part(during), None
        others = self.errors.part(during & ~affected)
        return self.errors.part(during & affected), others if _suffice(others) else None


def with_window(log: DriftLog, measured: NewRatings) -> DriftLog:
    """Add the error on the ratings since the last window, if there are enough."""
    begin = max(measured.version.until, log.windows[-1].ends if log.windows else 0)
    end, scale = measured.model.log.end, measured.model.encoding.scale
    part = measured.events.filter(pl.col(TIMESTAMP) >= begin)
    if part.height < MIN_HOLDOUT_RATINGS or part[USER].n_unique() < MIN_HOLDOUT_USERS:
        return log
    window = error_window(part)
    earlier = [ErrorWindow(old.ratings, old.rmse, old.expected) for old in log.windows]
    expected = window.expected * scale.per_star
    return log.with_window(
        MeasuredWindow(
            version=measured.version.number,
            begins=int(part[TIMESTAMP][0]),
            ends=end,
            ratings=window.ratings,
            users=part[USER].n_unique(),
            rmse=window.rmse * scale.per_star,
            expected=expected,
            estimated=expected * correction(earlier),
        )
    )


def with_findings(
    log: DriftLog, findings: Sequence[Finding], measured: NewRatings, decision: str, promoted: bool
) -> DriftLog:
    """Add new findings, and measure what was done about those that are not closed.

    Args:
        log: The log of the updates before.
        findings: Of this update, in stars.
        measured: Predictions of the version that was current before it.
        decision: What this update decided.
        promoted: Whether it made another version current.
    """
    done = {
        "done": decision,
        "done_parts": parts_of(decision),
        "done_until": measured.model.log.end,
    }
    known = [_with_effect(old, measured) for old in log.findings]
    if promoted:
        known = [old if old.state == "closed" else old.model_copy(update=done) for old in known]
    for finding in findings:
        same = [number for number, old in enumerate(known) if old.is_of(finding)]
        new = _recorded(finding, len(known) + 1, measured, decision)
        if same:
            # Later alarms add to what a finding explains.
            known[same[0]] = known[same[0]].model_copy(update={"explains": new.explains})
        else:
            known.append(new)
    return log.model_copy(update={"findings": tuple(known)})


def _recorded(finding: Finding, number: int, measured: NewRatings, decision: str) -> DriftFinding:
    """Return the record of a new finding, with the error before the action."""
    model = measured.model
    scale, end = model.encoding.scale, model.log.end
    affected = measured.affected(finding.kind, finding.label)
    before = measured.split(measured.version.until, finding.earliest, affected)
    since, _ = measured.split(finding.since, end, affected)
    fitted = model.uncertainty
    usual = usual_error((fitted.noise, fitted.user, fitted.movie), *before)
    effect = Effect(usual=usual)
    if _suffice(since):
        effect = Effect(
            expected=expected_error_of(usual, since) * scale.per_star,
            found=float(np.sqrt(np.mean(since.squared))) * scale.per_star,
            usual=usual,
        )
    shown = finding.on_scale(scale)
    return DriftFinding(
        id=number,
        state="open",
        **change_fields(shown),
        explains=tuple(map(str, shown.explains)),
        recorded=int(time.time()),
        action=action_for(finding, model.log.ratings.height),
        done=decision,
        done_parts=parts_of(decision),
        done_until=end,
        effect=effect,
    )


def _with_effect(old: DriftFinding, measured: NewRatings) -> DriftFinding:
    """Return a finding with the error since the action, closed if that is back."""
    if old.state == "closed":
        return old
    model = measured.model
    scale = model.encoding.scale
    begin = max(old.done_until, measured.version.until)
    after, others = measured.split(begin, model.log.end, measured.affected(old.what, old.which))
    if not _suffice(after):
        return old
    figures: dict[str, object] = {
        "after": float(np.sqrt(np.mean(after.squared))) * scale.per_star,
        "ratings": len(after.user),
    }
    update: dict[str, object] = {}
    if old.effect.usual is not None:
        figures["excess"] = excess = excess_error(old.effect.usual, after, others)
        if is_back(excess):
            update |= {"state": "closed", "closed_at": int(time.time())}
    return old.model_copy(update=update | {"effect": old.effect.model_copy(update=figures)})


def _suffice(errors: Errors) -> bool:
    return errors.suffice(MIN_HOLDOUT_RATINGS, MIN_HOLDOUT_USERS)
