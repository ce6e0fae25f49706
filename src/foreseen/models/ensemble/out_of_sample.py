"""Out-of-sample predictions of factor models, for the stacking network to be trained on.

There are two ways to predict a rating without having fitted to it. Factors fitted to the beginning
of the log, with snapshots as it grows, predict the queries since then, as they do in use. Before
the first cut, factors fitted without a user predict that user's queries (cross-validation:
Wolpert, 1992), although they contain later ratings of the same movies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.compute.tasks import run_tasks
from foreseen.data.catalogue import Catalogue
from foreseen.features.encoder import Encoded
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.factor_ensemble import (
    FACTOR_FEATURES,
    FactorEnsemble,
    mean_of_members,
)
from foreseen.models.factors.fold_in import FactorPredictions
from foreseen.models.training import Inputs


@dataclass(frozen=True)
class _Part:
    """Queries, and the ratings that the factors which predict them are fitted to.

    Attributes:
        rows: Which queries, of shape Q.
        end: Number of the ratings that are known.
        fitted_to: Which of these the factors are fitted to, of shape E.
        is_rolling: Whether the factors are refreshed with the known ratings after those.
        seed: Random seed of the first factor model.
        label: Label of the progress bar.
    """

    rows: NDArray[np.intp]
    end: int
    fitted_to: NDArray[np.bool_]
    is_rolling: bool
    seed: int
    label: str


def predict_out_of_sample(
    settings: Sequence[FactorSettings],
    cuts: Sequence[float],
    folds: int,
    log: InteractionLog,
    queries: Queries,
    known: InteractionLog,
    seed: int,
) -> FactorPredictions:
    """Return predictions for N queries by factors that use no rating after them.

    Factors are fitted to the ratings before each cut and refreshed up to the next cut. Queries
    before the first cut are predicted by factors fitted up to it without the query's user.

    Args:
        settings: Of the factor models.
        cuts: Shares of the log, ascending.
        folds: Number of parts the users before the first cut are split into.
        log: The log that is queried.
        queries: The queries.
        known: Its beginning, or a part of that, which factors are fitted to.
        seed: Random seed.
    """
    times = known.timestamp
    moments = np.unique(times[(np.array(cuts) * len(times)).astype(np.intp)])
    moments = moments[moments > times[0]]
    ends = np.append(np.searchsorted(times, moments), len(times))
    block = np.searchsorted(moments, queries.before, side="right")
    # The longest first, to balance the tasks.
    parts = [
        _Part(
            np.flatnonzero(block == number),
            int(ends[number]),
            np.arange(int(ends[number])) < int(ends[number - 1]),
            is_rolling=True,
            seed=seed + 10 * number,
            label=f"factors of the first {ends[number - 1]:,}",
        )
        for number in range(len(ends) - 1, 0, -1)
    ]
    first = np.flatnonzero(block == 0)
    parts += _held_out_users(folds, log, queries, first, known, int(ends[0]), seed)
    return _predict(settings, log, queries, known, parts)


def predict_held_out_users(
    settings: Sequence[FactorSettings],
    folds: int,
    log: InteractionLog,
    queries: Queries,
    known: InteractionLog,
    seed: int,
) -> FactorPredictions:
    """Return predictions for N queries by factors fitted without the query's user.

    Args:
        settings: Of the factor models.
        folds: Number of parts the users are split into.
        log: The log that is queried.
        queries: The queries.
        known: The part of it that factors are fitted to, with the same rows of users.
        seed: Random seed.
    """
    every = np.arange(len(queries))
    parts = _held_out_users(folds, log, queries, every, known, len(known.rating), seed)
    return _predict(settings, log, queries, known, parts)


def _held_out_users(
    folds: int,
    log: InteractionLog,
    queries: Queries,
    rows: NDArray[np.intp],
    known: InteractionLog,
    end: int,
    seed: int,
) -> list[_Part]:
    """Return a part per fold of the users: their queries, and the first ratings of the others."""
    fold = np.random.default_rng(seed).permutation(len(log.users)) % folds
    of_query, of_rating = fold[queries.user[rows]], fold[known.user[:end]]
    parts: list[_Part] = []
    for number in range(folds):
        others = of_rating != number
        if not others.any():
            others[:] = True
        label = f"factors without part {number + 1} of {folds}"
        part = rows[of_query == number]
        parts.append(_Part(part, end, others, False, seed + 10 * number, label))
    return parts


def _predict(
    settings: Sequence[FactorSettings],
    log: InteractionLog,
    queries: Queries,
    known: InteractionLog,
    parts: Sequence[_Part],
) -> FactorPredictions:
    """Return predictions for N queries, each of one part; a task is one factor model of a part."""
    count = len(settings)

    def predict(task: int) -> FactorPredictions:
        part, member = parts[task // count], task % count
        past = replace(known, ratings=known.ratings[: part.end])
        label = f"{part.label}, {member + 1} of {count}"
        factors = FactorEnsemble.fitted(
            settings[member : member + 1], past, part.seed + member, part.fitted_to, label
        )
        queried = queries.part(part.rows)
        if part.is_rolling:
            return factors.fold_in_rolling(past, log.view, queried, features=not member)
        return factors.fold_in(log.view, queried, features=not member)

    tasks = [task for task in range(len(parts) * count) if len(parts[task // count].rows)]
    found = dict(zip(tasks, run_tasks(predict, tasks), strict=True))
    rating = np.empty(len(queries))
    values = np.empty((len(queries), len(FACTOR_FEATURES)), dtype=np.float32)
    for number, part in enumerate(parts):
        if len(part.rows):
            of_part = [found[number * count + member] for member in range(count)]
            predictions = mean_of_members(of_part)
            rating[part.rows], values[part.rows] = predictions.rating, predictions.values
    return FactorPredictions(rating, values)


def stacking_inputs(
    catalogue: Catalogue, queries: Queries, encoded: Encoded, factors: FactorPredictions
) -> Inputs:
    """Return the inputs of the stacking network for N queries."""
    residual = factors.rating - encoded.expected
    attributes = np.column_stack([encoded.values, factors.values, residual, factors.rating])
    return {
        "attributes": torch.from_numpy(attributes.astype(np.float32)),
        "genres": torch.from_numpy(catalogue.genres[queries.movie]),
        "factor_rating": torch.from_numpy(factors.rating.astype(np.float32)),
    }
