"""Protocols of the literature on the next movie."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.identifiers import UNKNOWN
from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER
from foreseen.evaluation import temporal_splits as splits
from foreseen.evaluation.evaluator import (
    Evaluator,
    TrainingData,
    global_mean_result,
    predict_at_end,
    with_popularity,
    with_rankings,
)
from foreseen.evaluation.rankings import EvalUser, eval_users, model_scorer
from foreseen.evaluation.results import (
    ALL,
    LAST,
    LAST_DAYS,
    MOMENT_KNOWN,
    MOMENT_UNKNOWN,
    SUCCESSIVE,
    Result,
)
from foreseen.evaluation.splits import leave_last_out
from foreseen.features.queries import History
from foreseen.models.predictor import Settings

_MOMENTS: Final[Mapping[str, bool]] = {MOMENT_UNKNOWN: False, MOMENT_KNOWN: True}
"""Whether models get the moment of the rating to predict, by setting."""


def leave_last(tables: Tables) -> Evaluator:
    """Fit on all but each user's last rating; rank its movie among all that are not yet rated.

    The protocol of SASRec (Kang and McAuley, 2018). Ratings of one second are in the order of the
    tables: by movie id, or as in the file, as RecTools, SASRec and HSTU sort them (stably by time).
    Two settings: `MOMENT_UNKNOWN`; and `MOMENT_KNOWN`, where models get the second of the last
    rating, as HSTU (Zhai et al., 2024) and its relatives do. Both know all other ratings.

    Raises:
        InputError: If no user has two ratings.
    """
    known, last, tied = leave_last_out(tables.ratings)
    data = TrainingData(tables, known)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        if settings is None:
            users = eval_users(data.log, last, relevant_from=0)
            mean = replace(global_mean_result(known, last, MOMENT_UNKNOWN), tied=tied)
            return [
                with_popularity(replace(mean, setting=setting), data.log, users, is_known)
                for setting, is_known in _MOMENTS.items()
            ]
        fitted = data.fit_for_ranking(name, settings, seed)
        predicted = replace(predict_at_end(fitted, last, name, MOMENT_UNKNOWN), tied=tied)
        users = eval_users(fitted.log, last, relevant_from=0)
        return [
            with_rankings(
                replace(predicted, setting=setting),
                fitted.log,
                users,
                model_scorer(fitted, is_known),
            )
            for setting, is_known in _MOMENTS.items()
        ]

    return evaluate


def time_to_split(tables: Tables) -> Evaluator:
    """Fit on the ratings up to the 0.9 quantile of time; rank the later ones of each user.

    The protocol of Gusak et al. (2025, "Time to Split"); see `temporal_splits.time_to_split`. Three
    settings, by the movies to find among those that the user has not rated: `LAST`, the user's last
    one, with all ratings before it known; `SUCCESSIVE`, each later one, with all before it known;
    `ALL`, all later ones at once, with those up to the cut known. Users without an earlier rating
    are left out of `ALL`, and their first rating is only known in the others. Only movies of the
    5-core are ranked. Ratings are predicted as of the cut.

    Raises:
        InputError: If there are too few ratings.
    """
    split = splits.time_to_split(tables.ratings)
    movies = tables.movies.filter(pl.col(MOVIE).is_in(split.ratings[MOVIE].unique().to_list()))
    data = TrainingData(replace(tables, movies=movies), split.known)
    cases = targets(split, data.log.end - 1)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        fitted = None if settings is None else data.fit_for_ranking(name, settings, seed)
        return [
            with_popularity(global_mean_result(split.known, events, setting), data.log, users)
            if fitted is None
            else with_rankings(
                predict_at_end(fitted, events, name, setting),
                fitted.log,
                users,
                model_scorer(fitted),
            )
            for setting, (events, users) in cases.items()
        ]

    return evaluate


def targets(split: splits.TimeToSplit, end: int) -> dict[str, tuple[pl.DataFrame, list[EvalUser]]]:
    """Return the test ratings and the rankings of each setting.

    Args:
        split: The split.
        end: The last second that models were fitted to.
    """
    events: dict[str, list[pl.DataFrame]] = {LAST: [], SUCCESSIVE: [], ALL: []}
    users: dict[str, list[EvalUser]] = {LAST: [], SUCCESSIVE: [], ALL: []}
    for ratings in split.ratings.partition_by(USER, maintain_order=True):
        columns = (ratings[name].to_numpy() for name in (MOVIE, RATING, TIMESTAMP))
        history = History(*columns, user=int(ratings[USER][0]))
        count = ratings.height
        before = int(np.searchsorted(history.timestamps, split.until, side="right"))
        if before == count:
            continue
        for setting, first in ((LAST, count - 1), (SUCCESSIVE, max(before, 1))):
            events[setting].append(ratings[first:])
            for place in range(first, count):
                users[setting].append(_case(history, place, place + 1, end))
        if before:
            events[ALL].append(ratings[before:])
            users[ALL].append(_case(history, before, count, end))
    return {
        setting: (pl.concat(events[setting]), users[setting])
        for setting in events
        if users[setting]
    }


def _case(history: History, known: int, stop: int, end: int) -> EvalUser:
    """Return the ranking for a user whose first ratings are known, and those up to `stop` not."""
    return EvalUser(
        user=UNKNOWN if history.user is None else history.user,
        history=history.part(slice(0, known)),
        relevant=history.movies[known:stop],
        next=int(history.movies[known]),
        at=max(end, int(history.timestamps[known - 1])),
        moment=int(history.timestamps[known]),
    )


def last_60_days(tables: Tables) -> Evaluator:
    """Fit on all but the last 60 days; rank for each user who has a rating in both parts.

    The protocol of eSASRec (Tikhonovich et al., 2025); see `temporal_splits.last_days`. All later
    ratings are relevant. Only movies with an earlier rating are ranked.

    Raises:
        InputError: If no user has a rating in both parts.
    """
    known, later = splits.last_days(tables.ratings)
    movies = tables.movies.filter(pl.col(MOVIE).is_in(known[MOVIE].unique().to_list()))
    data = TrainingData(replace(tables, movies=movies), known)

    def evaluate(name: str, settings: Settings | None, seed: int) -> list[Result]:
        users = eval_users(data.log, later, relevant_from=0)
        if settings is None:
            return [with_popularity(global_mean_result(known, later, LAST_DAYS), data.log, users)]
        fitted = data.fit_for_ranking(name, settings, seed)
        result = predict_at_end(fitted, later, name, LAST_DAYS)
        return [with_rankings(result, fitted.log, users, model_scorer(fitted))]

    return evaluate
