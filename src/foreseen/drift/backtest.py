"""Prequential backtest over windows of a log: predict first, learn afterwards (Dawid, 1984).

Every rating after the start is predicted from ratings strictly older than its second, or than a
delay before it. Windows begin between two seconds, so that ties stay together. Each window is
written once it is finished: an interrupted backtest resumes there, with the same result.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.fingerprint import fingerprint
from foreseen.data.schema import TIMESTAMP
from foreseen.drift.detectors import detect
from foreseen.drift.expected_error import DEVIATION, predict_with_deviation
from foreseen.drift.finding import Finding
from foreseen.drift.policies import POLICIES, Policy, calls_for_training, should_finetune
from foreseen.drift.windows import WINDOWS, Window, read_window, window_bounds, write_window
from foreseen.errors import InputError
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically
from foreseen.models.base import Model
from foreseen.models.predictor import Settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

PREDICTIONS: Final = "predictions.parquet"
_PARTS: Final = "windows"


@dataclass(frozen=True)
class BacktestConfig:
    """Configuration of a backtest.

    Attributes:
        tables: The data.
        model: Name of the model.
        settings: Its settings.
        policies: Names of update policies.
        start: Share of the ratings that are known at the start.
        delay: Seconds from a rating to its use by the model; 0 for strictly older.
        seed: Random seed.
        windows: Number of windows.
    """

    tables: Tables
    model: str
    settings: Settings
    policies: Sequence[str]
    start: float
    delay: int
    seed: int
    windows: int = WINDOWS

    @cached_property
    def fingerprint(self) -> str:
        """Return a fingerprint of the data and of everything that a window depends on."""
        return fingerprint(
            self.tables,
            self.model,
            self.settings.model_dump(mode="json"),
            self.start,
            self.delay,
            self.seed,
            self.windows,
            DEVIATION,
        )


def backtest(config: BacktestConfig, out: Path) -> tuple[pl.DataFrame, list[Window]]:
    """Run a backtest; windows that are finished in `out` are read from there.

    Returns:
        All predictions, with columns policy, window, userId, movieId, timestamp, rating,
        prediction, low, high, liked, deviation, in time order for each policy; and the windows'
        records.

    Raises:
        InputError: If no rating is left to predict, no rating is older than the delay, or a policy
            is unknown.
    """
    for name in config.policies:
        if name not in POLICIES:
            raise InputError(f"no policy is called '{name}'; there are {', '.join(POLICIES)}")
    bounds = window_bounds(config.tables.ratings, config.start, config.windows)
    times = config.tables.ratings[TIMESTAMP]
    if config.delay and int(times[0]) >= int(times[bounds[0]]) - config.delay:
        raise InputError(f"no rating is {config.delay} seconds old at the start of the backtest")
    (out / _PARTS).mkdir(parents=True, exist_ok=True)
    frames: list[pl.DataFrame] = []
    windows: list[Window] = []
    # All policies begin with the same model; it is trained when one first needs it.
    train_first = lru_cache(1)(partial(_trained, config, 0))
    with progress_bar("backtest", len(config.policies) * (len(bounds) - 1)) as advance:
        for name in config.policies:
            for frame, window in _run_policy(config, name, train_first, bounds, out / _PARTS):
                frames.append(frame)
                windows.append(window)
                advance(1)
    predictions = pl.concat(frames)
    write_atomically(out / PREDICTIONS, predictions.write_parquet)
    return predictions, windows


def _run_policy(
    config: BacktestConfig,
    name: str,
    train_first: Callable[[int], tuple[Model, float]],
    bounds: Sequence[int],
    folder: Path,
) -> Iterator[tuple[pl.DataFrame, Window]]:
    backtester = _Backtester(config, POLICIES[name], bounds[0], train_first)
    for number, (first, stop) in enumerate(pairwise(bounds)):
        finished = read_window(folder, config.fingerprint, name, number)
        if finished is None:
            begun = time.perf_counter()
            events, step = backtester.predict(first, stop)
            predictions = events.select(
                pl.lit(name).alias("policy"), pl.lit(number).alias("window"), pl.all()
            )
            window = Window(
                config=config.fingerprint,
                policy=name,
                window=number,
                trained=step.train_seconds > 0,
                finetuned=step.finetuned,
                trained_on=backtester.trained_on,
                reasons=step.reasons,
                findings=[finding.as_json() for finding in step.findings],
                train_seconds=step.train_seconds,
                keep_seconds=step.keep_seconds,
                seconds=time.perf_counter() - begun,
            )
            write_window(folder, window, predictions)
            finished = predictions, window
        else:
            backtester.skip(first, finished[1].trained)
        yield finished


@dataclass
class _Step:
    """What was done at the start of a window."""

    reasons: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    finetuned: bool = False
    train_seconds: float = 0.0
    keep_seconds: float = 0.0


def _trained(config: BacktestConfig, begin: int, known: int) -> tuple[Model, float]:
    """Return the model trained on some of the ratings, and the processor seconds it took."""
    begun = time.process_time()
    log = InteractionLog.of(config.tables.ratings[begin:known], Catalogue.of(config.tables.movies))
    model = train_on(log, config.model, config.settings, config.seed, next_item=UNTRAINED)
    return model, time.process_time() - begun


class _Backtester:
    """State of a backtest of one policy; the model is trained when a window first needs it."""

    def __init__(
        self,
        config: BacktestConfig,
        policy: Policy,
        start: int,
        train_first: Callable[[int], tuple[Model, float]],
    ) -> None:
        self._config = config
        self._policy = policy
        self._start = start
        self._train_first = train_first
        self._second: NDArray[np.int64] = (
            config.tables.ratings[TIMESTAMP].to_numpy().astype(np.int64)
        )
        self._catalogue = Catalogue.of(config.tables.movies)
        self._model: Model | None = None
        self._trained_at = start
        self._finetune_at: list[int] = []
        self._finetuned_on = self._known(start)
        self._monitored_until = self._limit(start)
        self.trained_on = start

    def skip(self, first: int, trained: bool) -> None:
        """Pass a finished window; record when the model was trained and fine-tuned."""
        if trained:
            self._retrain_at(first)
        elif self._policy.adapts:
            self._finetune_if_due(first)
        self._monitored_until = self._limit(first)
        self.trained_on = self._known(self._trained_at)

    def predict(self, first: int, stop: int) -> tuple[pl.DataFrame, _Step]:
        """Return a window's ratings with predictions, and what was done before them."""
        step = _Step()
        begun = time.process_time()
        if self._policy.adapts and first != self._start:
            self._monitor(first, step)
        known = self._known(first)
        if step.reasons or (self._policy.retrains and known > self.trained_on):
            self._retrain_at(first)
        elif self._policy.adapts and first != self._start:
            step.finetuned = self._finetune_if_due(first)
        monitored = time.process_time()
        if self._model is None:
            self._model, seconds = self._train(self._trained_at)
            step.train_seconds = seconds * (self._trained_at == first)
        trained = time.process_time()
        ratings = self._config.tables.ratings
        if self._policy.reveals:
            # All ratings up to the window's end; the moment of a query limits which of them count.
            self._model = self._model.with_ratings(ratings[self._known(self._trained_at) : stop])
        for position in self._finetune_at:
            self._model = self._model.finetuned(self._limit(position))
        self._finetune_at = []
        step.keep_seconds = monitored - begun + time.process_time() - trained
        second, delay = self._second[first:stop], self._config.delay
        before = second - delay + 1 if delay else second
        return predict_with_deviation(self._model, ratings[first:stop], before), step

    def _retrain_at(self, position: int) -> None:
        if position != self._trained_at:
            self._trained_at, self._model = position, None
        self._finetune_at = []
        self._finetuned_on = self._known(position)

    def _finetune_if_due(self, position: int) -> bool:
        """Note that the model is fine-tuned at a window's start if it is due; return whether."""
        is_due = should_finetune(self._finetuned_on, self._known(position))
        if is_due:
            self._finetune_at.append(position)
            self._finetuned_on = self._known(position)
        return is_due

    def _monitor(self, first: int, step: _Step) -> None:
        """Detect changes since the last window, from the ratings known at this one's start."""
        known = self._known(first)
        log = self._model.log if self._model is not None else None
        if log is None or log.ratings.height != known:
            log = InteractionLog.of(self._config.tables.ratings[:known], self._catalogue)
        findings = detect(log, scale=self._config.tables.encoding.scale)
        step.findings = [found for found in findings if found.is_named_since(self._monitored_until)]
        step.reasons = calls_for_training(self.trained_on, known, step.findings)
        self._monitored_until = self._limit(first)

    def _limit(self, position: int) -> int:
        """Return the first second of which no rating is known at a window's start."""
        return int(self._second[position]) - self._config.delay

    def _known(self, position: int) -> int:
        """Return the number of ratings known at a window's start."""
        if position == self._start and self._config.delay == 0:
            return position
        return min(position, int(np.searchsorted(self._second, self._limit(position))))

    def _train(self, position: int) -> tuple[Model, float]:
        """Return the model trained at a position, and the processor seconds of its training."""
        known = self._known(position)
        self.trained_on = known
        begin = max(0, known - self._known(self._start)) if self._policy.slides else 0
        if position == self._start:
            return self._train_first(known)
        return _trained(self._config, begin, known)
