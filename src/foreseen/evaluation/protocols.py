"""The protocols: fit on the past, predict what came later, by what was known then.

Each cuts the ratings and returns a function that asks one model after the other. Answers come
event by event, so that errors can be cut by cell and by activity.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.next_item import UNTRAINED, NextItemModel
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.identifiers import UNKNOWN
from foreseen.data.schema import HIGH, LIKED, LOW, MOVIE, PREDICTION, RATING, TIMESTAMP, USER
from foreseen.evaluation.ranking_metrics import list_quality, wanted_by
from foreseen.evaluation.splits import (
    TEST_FROM,
    FoldIn,
    asked_at,
    cut,
    fold_in,
    leave_last_out,
    random_folds,
)
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.models.base import Model
from foreseen.models.installed import model_spec
from foreseen.models.predictions import Predictions
from foreseen.models.predictor import Settings
from foreseen.models.train import train_on

GLOBAL_MEAN: Final = "global mean"
"""Not a model but what any model must beat: the mean rating of the past, for everybody."""
DAY: Final = 86_400
CELLS: Final = ("new user", "new movie", "known user, known movie")
ACTIVITY: Final = ("0", "1-5", "6-20", "21-100", ">100")
_ACTIVITY_EDGES: Final = (1, 6, 21, 101)


@dataclass(frozen=True)
class Answers:
    """What one model said under one protocol.

    Attributes:
        model: Its name.
        setting: Which variant of the protocol.
        events: userId, movieId, timestamp, rating, prediction, low, high; `liked`, the
            probability of four stars or more; `cell`, whether user and movie were known when the
            model was fitted; `known`, the number of the user's ratings known when asked;
            `activity`, the bucket of that number.
        lists: How good rankings of the whole catalogue are, where the protocol asks for them; see
            `foreseen.evaluation.ranking_metrics.list_quality`.
    """

    model: str
    setting: str
    events: pl.DataFrame
    lists: Mapping[str, Any] | None = None


Ask = Callable[[str, Settings | None, int], list[Answers]]
"""Asks the model of a name, fitted with settings and a seed, or without settings the mean."""


class _Past:
    """What models are fitted to; what they have in common is worked out once."""

    def __init__(self, tables: Tables, ratings: pl.DataFrame) -> None:
        self.ratings = ratings
        self._tables = tables
        self._next_item: dict[int, NextItemModel] = {}

    @cached_property
    def log(self) -> InteractionLog:
        return InteractionLog.of(self.ratings, Catalogue.of(self._tables.movies))

    def fit(self, name: str, settings: Settings, seed: int) -> Model:
        """Fit a model for where only ratings are asked."""
        return train_on(self.log, name, settings, seed, next_item=UNTRAINED)

    def fit_for_lists(self, name: str, settings: Settings, seed: int) -> Model:
        """Fit a model that has learned what follows.

        It is the same for all that do not outline, so the first of them learns it.
        """
        if model_spec(name).capabilities.out_of_sample:
            return train_on(self.log, name, settings, seed)
        fitted = train_on(self.log, name, settings, seed, self._next_item.get(seed))
        self._next_item[seed] = fitted.next_item
        return fitted


def stream(tables: Tables) -> Ask:
    """Fit on the first 90 %; predict the rest in time order, each by all that is older.

    Three settings: `live`, all ratings of an earlier second known; `day late`, only those at
    least a day older; `frozen`, nothing after the 90 %.

    Raises:
        InputError: If there are too few ratings.
    """
    known, later = cut(tables.ratings, TEST_FROM)
    past = _Past(tables, known)
    second = later[TIMESTAMP].to_numpy()

    def ask(name: str, settings: Settings | None, seed: int) -> list[Answers]:
        if settings is None:
            return [_mean_answers(known, later, s) for s in ("live", "day late", "frozen")]
        fitted = past.fit(name, settings, seed)
        observed = fitted.observe(later)
        return [
            _ask(fitted, observed, later, second, name, "live"),
            _ask(fitted, observed, later, second - DAY + 1, name, "day late"),
            # Nothing is revealed, but the clock runs on.
            _ask(fitted, fitted, later, second, name, "frozen"),
        ]

    return ask


def fold_in_users(tables: Tables) -> Ask:
    """Fit on the first 80 %; reveal half of each later user, predict the other half at once.

    Raises:
        InputError: If there are too few ratings or no new users.
    """
    split = fold_in(tables.ratings)
    past = _Past(tables, split.known)

    def ask(name: str, settings: Settings | None, seed: int) -> list[Answers]:
        if settings is None:
            return [_mean_answers(split.known, split.hidden, "half revealed")]
        return [ask_fold_in(past.fit_for_lists(name, settings, seed), split, name)]

    return ask


def ask_fold_in(fitted: Model, split: FoldIn, name: str, lists: bool = True) -> Answers:
    """Reveal and ask a model fitted on the split's known part; measure its lists if wanted."""
    observed = fitted.observe(split.revealed)
    answers = _ask(fitted, observed, split.hidden, asked_at(split) + 1, name, "half revealed")
    if not lists:
        return answers
    return replace(answers, lists=list_quality(observed, wanted_by(observed, split.hidden)))


def calendar_ranking(tables: Tables) -> Ask:
    """Fit on the first 90 %; rank for everybody who likes something later, histories as of then.

    Raises:
        InputError: If there are too few ratings.
    """
    known, later = cut(tables.ratings, TEST_FROM)
    past = _Past(tables, known)

    def ask(name: str, settings: Settings | None, seed: int) -> list[Answers]:
        if settings is None:
            return [_mean_answers(known, later, "as of the cut")]
        fitted = past.fit_for_lists(name, settings, seed)
        answers = _ask_at_end(fitted, later, name, "as of the cut")
        return [replace(answers, lists=list_quality(fitted, wanted_by(fitted, later)))]

    return ask


def leave_last(tables: Tables) -> Ask:
    """Fit on all but each user's last rating; rank it among all they have not rated before.

    Raises:
        InputError: If nobody has two ratings.
    """
    known, last, tied = leave_last_out(tables.ratings)
    setting = f"{tied} of {last.height} tied in time"
    past = _Past(tables, known)

    def ask(name: str, settings: Settings | None, seed: int) -> list[Answers]:
        if settings is None:
            return [_mean_answers(known, last, setting)]
        fitted = past.fit_for_lists(name, settings, seed)
        answers = _ask_at_end(fitted, last, name, setting)
        return [replace(answers, lists=list_quality(fitted, wanted_by(fitted, last, least=0)))]

    return ask


def random_split(tables: Tables) -> Ask:
    """Fit on four fifths drawn at random and predict the rest, five times in turn.

    Only for comparison with published tables: much of what is known is later than the answer.
    `ensemble` is fitted to just that: see `foreseen.models.ensemble.transductive`.

    Raises:
        InputError: If there are too few ratings.
    """
    ratings = tables.ratings.with_columns(random_folds(tables.ratings))
    pairs: list[tuple[_Past, pl.DataFrame]] = []
    for fold in range(5):
        known = ratings.filter(pl.col("fold") != fold).drop("fold")
        held = ratings.filter(pl.col("fold") == fold).drop("fold")
        pairs.append((_Past(tables, known), held))

    def answer(
        past: _Past, held: pl.DataFrame, name: str, settings: Settings, seed: int
    ) -> Answers:
        transductive = model_spec(name).capabilities.transductive
        if transductive is None:
            return _ask_at_end(past.fit(name, settings, seed), held, name, "5 folds")
        fitted = transductive(settings, past.log, seed)
        moments = held[TIMESTAMP].to_numpy().astype(np.int64)
        answers = fitted.predict(past.log, past.log.queries(held, moments))
        known = np.diff(past.log.histories.starts)
        rows = past.log.users.rows(held[USER].to_numpy())
        known = np.where(rows == UNKNOWN, 0, known[rows])
        return _told(past.log, held, answers, known, name, "5 folds")

    def ask(name: str, settings: Settings | None, seed: int) -> list[Answers]:
        parts = [
            _mean_answers(past.ratings, held, "5 folds")
            if settings is None
            else answer(past, held, name, settings, seed)
            for past, held in pairs
        ]
        whole = pl.concat([part.events for part in parts])
        return [Answers(name if settings else GLOBAL_MEAN, "5 folds", whole)]

    return ask


PROTOCOLS: Final[Mapping[str, Callable[[Tables], Ask]]] = {
    "stream": stream,
    "foldin": fold_in_users,
    "random": random_split,
    "leave-last-out": leave_last,
    "calendar-ranking": calendar_ranking,
}


def _ask_at_end(fitted: Model, events: pl.DataFrame, name: str, setting: str) -> Answers:
    moment = np.full(events.height, fitted.log.end, dtype=np.int64)
    return _ask(fitted, fitted, events, moment, name, setting)


def _ask(
    fitted: Model,
    observed: Model,
    events: pl.DataFrame,
    before: NDArray[np.int64],
    name: str,
    setting: str,
) -> Answers:
    queries = observed.log.queries(events, before)
    answers = observed.predict_queries(queries)
    known = observed.log.histories.known(queries.history, before)
    return _told(fitted.log, events, answers, known, name, setting)


def _told(
    fitted: InteractionLog,
    events: pl.DataFrame,
    answers: Predictions,
    known: NDArray[np.int64],
    name: str,
    setting: str,
) -> Answers:
    users, movies = events[USER].to_numpy(), events[MOVIE].to_numpy()
    old_user = fitted.users.rows(users) != UNKNOWN
    rated = np.isin(movies, fitted.ratings[MOVIE].to_numpy())
    cell = np.select([~old_user, ~rated], CELLS[:2], CELLS[2])
    frame = _answered(events, answers).with_columns(
        pl.Series("cell", cell), pl.Series("known", known)
    )
    return Answers(name, setting, with_activity(frame))


def answer_events(model: Model, events: pl.DataFrame, before: NDArray[np.int64]) -> pl.DataFrame:
    """Answer N events, each as of its own moment; add prediction, low, high, liked.

    Returns:
        The events with the answers, and the features behind them.
    """
    answers = model.predict_queries(model.log.queries(events, before))
    return _answered(events, answers)


def _answered(events: pl.DataFrame, answers: Predictions) -> pl.DataFrame:
    return events.with_columns(
        pl.Series(PREDICTION, answers.mean),
        pl.Series(LOW, answers.low),
        pl.Series(HIGH, answers.high),
        pl.Series(LIKED, answers.liked),
    )


def with_activity(events: pl.DataFrame) -> pl.DataFrame:
    """Add the bucket of the number of ratings known."""
    bucket = np.searchsorted(_ACTIVITY_EDGES, events["known"].to_numpy(), side="right")
    names = pl.Series("activity", np.array(ACTIVITY)[bucket])
    return events.with_columns(names)


def _mean_answers(past: pl.DataFrame, events: pl.DataFrame, setting: str) -> Answers:
    mean = float(past[RATING].to_numpy().mean())
    share = float((past[RATING].to_numpy() >= LIKED_FROM).mean())
    columns = [pl.lit(mean).alias(column) for column in (PREDICTION, LOW, HIGH)]
    columns.append(pl.lit(share).alias(LIKED))
    return Answers(GLOBAL_MEAN, setting, events.with_columns(columns))
