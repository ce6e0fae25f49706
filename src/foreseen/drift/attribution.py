"""Attribution: which of many streams names a change that several of them show.

A change of the rating level moves the agreement with item means and the ratings of some genres as
well. Each stream is one explanation of the change: its mean moved at one moment and stayed. The
explanation with the greatest likelihood ratio over that of no change names the change; alarms of
other streams that date to the same moment are listed under it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.drift.stream_spec import FRACTIONS, TOP, WIDTH
from foreseen.drift.streams import Stream

FEWEST_BEFORE: Final = 30
"""Values before a change from which the mean before it is known."""
_FEWEST_AFTER: Final = 5
_FEWEST_AFTER_SLOW: Final = 30
"""The same in a stream whose expected values lag behind: a slow change lasts."""
_PROFILE: Final = 3.0
"""Log-likelihood below its maximum to which the interval of a change point extends. Twice that is
the 98.6 % quantile of chi-square with one degree of freedom: the profile is not smooth."""
_RATING_KINDS: Final = frozenset(
    {"scale", "spread", "level", "error", "agreement", "taste", "movie"}
)
_BROAD: Final = frozenset({"scale", "spread", "level", "agreement"})
"""Kinds that concern all movies: they explain a larger error before a genre or a movie does."""
_NOT_OF_AGREEMENT: Final = frozenset({"taste", "spread"})
_EVIDENT: Final = 3.5
"""Standard errors from which a change is a cause."""
_SETTLED: Final = 7.0
"""Standard errors from which no other explanation is waited for."""
_TIE: Final = 2.0
"""Log-likelihood by which the share of half stars must explain more than a change of level, which
turns whole stars into half stars."""
_AGREEMENT_SHARE: Final = 0.5
"""Share of the log-likelihood of a change of another kind that one of agreement must explain."""
_TURNED: Final = 2.5
"""Standard errors by which agreement falls at the moment of a change of level if users turned."""
_ABSENT: Final = 0.01
"""Share of ratings between whole numbers below which they were not given."""
_NEARBY: Final = 1500
"""Ratings around the interval of a change within which another stream dates the same change."""


@dataclass(frozen=True)
class Change:
    """A change of the mean of a stream, and the interval of its moment.

    Attributes:
        stream: The stream.
        start: Value from which the stream was searched.
        split: First value after the change.
        last: Last value.
        deviations: Difference of the means before and after, in standard errors.
        earliest: Position in the log of the first rating that the change may have begun with.
        latest: Position of the last such rating.
    """

    stream: Stream
    start: int
    split: int
    last: int
    deviations: float
    earliest: int
    latest: int

    @property
    def kind(self) -> str:
        """Return the kind of the stream."""
        return self.stream.spec.kind

    @property
    def since(self) -> int:
        """Return the position in the log of the first rating after the change."""
        return int(self.stream.begins[self.split])

    @property
    def found(self) -> int:
        """Return the position in the log of the rating that completes the last value."""
        return int(self.stream.ends[self.last])

    @property
    def is_concept_drift(self) -> bool:
        """Return whether users rate differently, so that the model has to be retrained."""
        spec = self.stream.spec
        return spec.is_concept_drift and (self.deviations > 0 or not spec.only_rise)

    def is_same(self, other: "Change") -> bool:
        """Return whether two changes concern the same sort of streams and may share a moment."""
        same_sort = (self.kind in _RATING_KINDS) == (other.kind in _RATING_KINDS)
        return (
            same_sort
            and self.earliest <= other.latest + _NEARBY
            and other.earliest <= self.latest + _NEARBY
        )


def fewest_after(stream: Stream) -> int:
    """Return the values after a change of a stream from which the change may be confirmed."""
    return _FEWEST_AFTER_SLOW if stream.lag else _FEWEST_AFTER


def locate(stream: Stream, start: int, last: int) -> Change | None:
    """Return the most likely change of a stream between two of its values.

    Args:
        stream: The stream.
        start: First value that is searched.
        last: Last value.

    Returns:
        None if there are too few values.
    """
    values = stream.values[start : last + 1]
    splits = np.arange(FEWEST_BEFORE, len(values) - fewest_after(stream) + 1)
    if not len(splits):
        return None
    deviations = split_deviations(values, splits)
    best = int(np.argmax(np.abs(deviations)))
    likely = np.flatnonzero(deviations**2 >= deviations[best] ** 2 - 2 * _PROFILE)
    # A value may straddle the change, so that both its neighbours count.
    first, final = start + int(splits[likely[0]]), start + int(splits[likely[-1]])
    return Change(
        stream=stream,
        start=start,
        split=start + int(splits[best]),
        last=last,
        deviations=float(deviations[best]),
        earliest=int(stream.begins[first - 1 : final + 1].min()),
        latest=int(stream.ends[min(final + 1, last)]),
    )


def best_explanation(
    alarm: Change, streams: Sequence[Stream], earlier: Sequence[Change], until: int
) -> Change:
    """Return the change of the stream that explains an alarm best.

    Args:
        alarm: The change that was found.
        streams: All streams; those with another lag explain nothing.
        earlier: Earlier alarms; each ends the values before a change of its stream.
        until: Position in the log of the last rating that counts.
    """
    begin = int(alarm.stream.ends[alarm.start])
    lag = alarm.stream.lag
    begins = {
        change.stream.spec: change.found + 1 for change in earlier if change.stream.lag == lag
    }

    def start_of(stream: Stream) -> int:
        if stream.spec == alarm.stream.spec:
            return alarm.start
        return int(np.searchsorted(stream.ends, max(begin, begins.get(stream.spec, 0))))

    of_lag = [stream for stream in streams if stream.lag == lag]
    found: list[Change] = []
    for stream in of_lag:
        change = locate(stream, start_of(stream), _last(stream, until))
        if stream.spec == alarm.stream.spec:
            found.append(change or alarm)
        elif change is not None and change.is_same(alarm):
            found.append(change)
    best = _cause(found, Counter(stream.spec.kind for stream in of_lag))
    if best.kind == "level":
        # Users who turn lower the level. Agreement has fewer values, but its moment is known.
        for stream in of_lag:
            if stream.spec.kind == "agreement" and stream.spec.is_concept_drift:
                turn = _at(best, stream, start_of(stream), _last(stream, until))
                best = turn if turn and turn.deviations <= -_TURNED else best
    return best


def _at(change: Change, stream: Stream, start: int, last: int) -> Change | None:
    """Return the change of a stream at the moment of another; None if it has too few values."""
    split = int(np.searchsorted(stream.begins, change.since))
    values = stream.values[start : last + 1]
    if split - start < FEWEST_BEFORE or last + 1 - split < _FEWEST_AFTER:
        return None
    deviations = float(split_deviations(values, np.array([split - start]))[0])
    return Change(stream, start, split, last, deviations, change.earliest, change.latest)


def _last(stream: Stream, until: int) -> int:
    """Return the last value of a stream that depends on ratings up to a position alone."""
    return int(np.searchsorted(stream.ends, until, side="right")) - 1


def _cause(found: Sequence[Change], streams: Mapping[str, int]) -> Change:
    """Return the change that names several changes of one moment.

    Args:
        found: The changes.
        streams: Number of streams of each kind: the more there are, the greater is the likelihood
            of the best of them by chance.
    """
    evident = [change for change in found if abs(change.deviations) >= _EVIDENT]
    best = max(found, key=lambda change: _likelihood(change) - log(streams[change.kind]))
    if best.kind == "error":
        broad = [change for change in evident if change.kind in _BROAD]
        other = [change for change in evident if change.kind != "error"]
        best = max(broad or other or [best], key=_likelihood)
    if (best.kind, best.stream.spec.label) == ("scale", TOP):
        # A wider or narrower scale changes the share of top ratings as well.
        width = [change for change in evident if change.stream.spec.label == WIDTH]
        best = max(width or [best], key=_likelihood)
    if best.kind == "scale":
        level = [change for change in evident if change.kind == "level"]
        best = max([best, *level], key=lambda c: _likelihood(c) + _TIE * (c.kind == "level"))
    if best.kind in _NOT_OF_AGREEMENT:
        # Users who turn change tastes and spread their ratings wider as well, but neither changes
        # agreement. A scale that is narrower or wider changes both.
        spreads = best.kind == "spread"
        enough = _AGREEMENT_SHARE * _likelihood(best)
        agreement = [
            change
            for change in evident
            if change.kind == "agreement"
            and _likelihood(change) >= enough
            and not (spreads and best.deviations * change.deviations > 0)
        ]
        # Of all users, if that is evident, rather than of some.
        best = max(agreement or [best], key=lambda c: (c.is_concept_drift, _likelihood(c)))
    if best.kind == "level":
        introduced = [change for change in evident if _introduces_fractions(change)]
        best = max(introduced or [best], key=_likelihood)
    return best


def is_settled(change: Change) -> bool:
    """Return whether the evidence is so large that a change may be named at once."""
    return abs(change.deviations) >= _SETTLED or _introduces_fractions(change)


def _introduces_fractions(change: Change) -> bool:
    """Return whether ratings between whole numbers appear that were not given before."""
    stream = change.stream
    if stream.spec.kind != "scale" or stream.spec.label not in FRACTIONS:
        return False
    before = slice(change.start, change.split)
    share = np.average(stream.levels[before], weights=stream.weights[before])
    return bool(share < _ABSENT)


def _likelihood(change: Change) -> float:
    """Return the log-likelihood ratio of a change over none."""
    return change.deviations**2 / 2


def split_deviations(values: NDArray[np.float64], splits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the difference of the means after and before each split, in standard errors.

    Args:
        values: Of mean zero and variance one while nothing changes, of shape V.
        splits: Numbers of values before each split, of shape S, from 1 to V - 1.
    """
    sums = np.append(0.0, np.cumsum(values))
    before = sums[splits]
    return standard_errors(before, splits, sums[-1] - before, len(values) - splits)


def standard_errors(
    total_before: NDArray[np.float64],
    before: NDArray[np.int64],
    total_after: NDArray[np.float64],
    after: NDArray[np.int64] | int,
) -> NDArray[np.float64]:
    """Return the difference of two means, after less before, in standard errors, of shape S.

    Args:
        total_before: Sums of values of variance one, of shape S.
        before: Numbers of these values, of shape S.
        total_after: Sums of later values, of shape S.
        after: Numbers of these, of shape S or the same for all.
    """
    difference = total_after / after - total_before / before
    return difference / np.sqrt(1 / after + 1 / before)
