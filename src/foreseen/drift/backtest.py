"""A walk through the timeline in windows: predict first, learn after (prequential: Dawid, 1984).

Every rating after the start is predicted by what was known strictly before its second, or a delay
earlier. Windows begin at seconds, never within one, so that no tie is torn apart. Each finished
window is written down at once: a walk that was killed goes on where it was, with the same result.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.fingerprint import fingerprint
from foreseen.data.schema import TIMESTAMP
from foreseen.drift.detectors import Finding, detect
from foreseen.drift.policies import POLICIES, Policy, calls_for_training, should_finetune
from foreseen.errors import InputError
from foreseen.evaluation.protocols import answer_events
from foreseen.evaluation.splits import cut
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically
from foreseen.models.base import Model
from foreseen.models.predictor import Settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

WINDOWS: Final = 10
PREDICTIONS: Final = "predictions.parquet"
_PARTS: Final = "windows"


@dataclass(frozen=True)
class Walk:
    """What to walk, and how.

    Attributes:
        tables: The data.
        model: Name of the kind of model.
        settings: Its settings.
        policies: Names of policies.
        start: Share of the ratings that are known to begin with.
        delay: Seconds a rating must be old to be known; 0 for strictly before.
        seed: Of all chance.
    """

    tables: Tables
    model: str
    settings: Settings
    policies: Sequence[str]
    start: float
    delay: int
    seed: int

    @cached_property
    def fingerprint(self) -> str:
        """Return what tells this walk from any other over other data or with other settings."""
        return fingerprint(
            self.tables,
            self.model,
            self.settings.model_dump(mode="json"),
            self.start,
            self.delay,
            self.seed,
            WINDOWS,
        )


class Window(BaseModel):
    """What one window cost.

    Attributes:
        walk: Fingerprint of the walk.
        policy: The policy.
        window: Its number, from 0.
        trained: Whether the model was trained at its beginning.
        trained_on: Ratings the model had been trained on.
        reasons: What called for training, where it was not a matter of course.
        findings: What had moved, found since the window before.
        train_seconds: Seconds of processor time, all cores together, spent training.
        keep_seconds: Those spent on keeping up otherwise: observing, watching, learning.
        seconds: Seconds that the whole window took.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    walk: str
    policy: str
    window: int
    trained: bool
    trained_on: int
    reasons: list[str]
    findings: list[dict[str, Any]]
    train_seconds: float
    keep_seconds: float
    seconds: float


def backtest(walk: Walk, out: Path) -> tuple[pl.DataFrame, list[Window]]:
    """Walk through the timeline; windows found finished in `out` are not walked again.

    Returns:
        All predictions, with columns policy, window, userId, movieId, timestamp, rating,
        prediction, low, high, liked, in time order for each policy; and what each window cost.

    Raises:
        InputError: If nothing is left to walk through, or a policy is not known.
    """
    for name in walk.policies:
        if name not in POLICIES:
            raise InputError(f"no policy is called '{name}'; there are {', '.join(POLICIES)}")
    places = window_places(walk.tables.ratings, walk.start)
    times = walk.tables.ratings[TIMESTAMP]
    if walk.delay and int(times[0]) >= int(times[places[0]]) - walk.delay:
        raise InputError(f"no rating is {walk.delay} seconds old where the walk begins")
    (out / _PARTS).mkdir(parents=True, exist_ok=True)
    frames: list[pl.DataFrame] = []
    costs: list[Window] = []
    with progress_bar("walking", len(walk.policies) * (len(places) - 1)) as advance:
        for name in walk.policies:
            for frame, cost in _walk_policy(walk, name, places, out / _PARTS):
                frames.append(frame)
                costs.append(cost)
                advance(1)
    predictions = pl.concat(frames)
    write_atomically(out / PREDICTIONS, predictions.write_parquet)
    return predictions, costs


def window_places(ratings: pl.DataFrame, start: float) -> list[int]:
    """Return where the windows of a log begin, and the log's length.

    The first begins exactly at floor(start n); the others never within a second.

    Raises:
        InputError: If nothing is left on either side of the start.
    """
    known, _ = cut(ratings, start)
    second: NDArray[np.int64] = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    even = np.linspace(known.height, ratings.height, WINDOWS + 1).astype(np.int64)[1:-1]
    later = np.searchsorted(second, second[even])
    inner = sorted({int(place) for place in later if place > known.height})
    return [known.height, *inner, ratings.height]


def _walk_policy(
    walk: Walk, name: str, places: Sequence[int], parts: Path
) -> Iterator[tuple[pl.DataFrame, Window]]:
    policy = POLICIES[name]
    walker = _Walker(walk, policy, places[0])
    for number, (first, stop) in enumerate(pairwise(places)):
        part = parts / f"{name}-{number:02d}.parquet"
        card = part.with_suffix(".json")
        done = _finished(walk, part, card)
        if done is None:
            begun = time.perf_counter()
            events, step = walker.predict(first, stop)
            frame = events.select(
                pl.lit(name).alias("policy"), pl.lit(number).alias("window"), pl.all()
            )
            cost = Window(
                walk=walk.fingerprint,
                policy=name,
                window=number,
                trained=step.train_seconds > 0,
                trained_on=walker.trained_on,
                reasons=step.reasons,
                findings=[finding.as_json() for finding in step.findings],
                train_seconds=step.train_seconds,
                keep_seconds=step.keep_seconds,
                seconds=time.perf_counter() - begun,
            )
            # The card tells whose the part is: an older one must not tell it of this.
            card.unlink(missing_ok=True)
            write_atomically(part, frame.write_parquet)
            text = cost.model_dump_json()
            write_atomically(card, partial(Path.write_text, data=text, encoding="utf-8"))
            done = frame, cost
        else:
            walker.skip(first, done[1].trained)
        yield done


def _finished(walk: Walk, part: Path, card: Path) -> tuple[pl.DataFrame, Window] | None:
    try:
        cost = Window.model_validate_json(card.read_text(encoding="utf-8"))
        frame = pl.read_parquet(part)
    except (OSError, ValidationError, pl.exceptions.PolarsError):
        return None
    return (frame, cost) if cost.walk == walk.fingerprint else None


@dataclass
class _Step:
    """What was done at the beginning of a window."""

    reasons: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    train_seconds: float = 0.0
    keep_seconds: float = 0.0


class _Walker:
    """A model on its way; it is trained no earlier than a window asks for it."""

    def __init__(self, walk: Walk, policy: Policy, first: int) -> None:
        self._walk = walk
        self._policy = policy
        self._first = first
        self._model: Model | None = None
        self._trained_at = first
        self._lessons: list[int] = []
        self._learned = self._known(first)
        self._watched_until = self._limit(first)
        self.trained_on = first

    def skip(self, first: int, trained: bool) -> None:
        """Pass a window that is finished, remembering when the model was trained and learned."""
        if trained:
            self._train_at(first)
        elif self._policy.adapts:
            self._learn_at(first)
        self._watched_until = self._limit(first)
        self.trained_on = self._known(self._trained_at)

    def predict(self, first: int, stop: int) -> tuple[pl.DataFrame, _Step]:
        """Return the answers to a window's ratings, and what was done before."""
        step = _Step()
        begun = time.process_time()
        if self._policy.adapts and first != self._first:
            self._watch(first, step)
        known = self._known(first)
        if step.reasons or (self._policy.retrains and known > self.trained_on):
            self._train_at(first)
        elif self._policy.adapts and first != self._first:
            self._learn_at(first)
        watched = time.process_time()
        if self._model is None:
            self._model = self._train(self._trained_at)
            fresh = self._trained_at == first
            step.train_seconds = (time.process_time() - watched) * fresh
        trained = time.process_time()
        ratings = self._walk.tables.ratings
        if self._policy.reveals:
            # All ratings up to the window's end: which of them count is told by each moment.
            self._model = self._model.observe(ratings[self._known(self._trained_at) : stop])
        for place in self._lessons:
            self._model = self._model.finetuned(self._limit(place))
        self._lessons = []
        step.keep_seconds = watched - begun + time.process_time() - trained
        events = ratings[first:stop]
        second = events[TIMESTAMP].to_numpy().astype(np.int64)
        before = second - self._walk.delay + 1 if self._walk.delay else second
        return answer_events(self._model, events, before), step

    def _train_at(self, place: int) -> None:
        if place != self._trained_at:
            self._trained_at, self._model = place, None
        self._lessons = []
        self._learned = self._known(place)

    def _learn_at(self, place: int) -> None:
        if should_finetune(self._learned, self._known(place)):
            self._lessons.append(place)
            self._learned = self._known(place)

    def _watch(self, first: int, step: _Step) -> None:
        """Look for what has moved since the last look, by what is known at a window's beginning."""
        known = self._known(first)
        log = self._model.log if self._model is not None else None
        if log is None or log.ratings.height != known:
            log = InteractionLog.of(
                self._walk.tables.ratings[:known], Catalogue.of(self._walk.tables.movies)
            )
        step.findings = [found for found in detect(log) if found.found >= self._watched_until]
        step.reasons = calls_for_training(self.trained_on, known, step.findings)
        self._watched_until = self._limit(first)

    def _limit(self, place: int) -> int:
        """Return the first second of which nothing was known at a window's beginning."""
        second: NDArray[np.int64] = self._walk.tables.ratings[TIMESTAMP].to_numpy().astype(np.int64)
        return int(second[place]) - self._walk.delay

    def _known(self, place: int) -> int:
        """Return how many ratings were known at the second of a window's first rating."""
        if place == self._first and self._walk.delay == 0:
            return place
        second: NDArray[np.int64] = self._walk.tables.ratings[TIMESTAMP].to_numpy().astype(np.int64)
        return min(place, int(np.searchsorted(second, self._limit(place))))

    def _train(self, place: int) -> Model:
        known = self._known(place)
        self.trained_on = known
        begin = max(0, known - self._known(self._first)) if self._policy.slides else 0
        ratings = self._walk.tables.ratings[begin:known]
        log = InteractionLog.of(ratings, Catalogue.of(self._walk.tables.movies))
        walk = self._walk
        return train_on(log, walk.model, walk.settings, walk.seed, next_item=UNTRAINED)
