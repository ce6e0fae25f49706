"""Out-of-sample predictions of factor models, for the stacking network to be trained on.

There are two ways to predict a rating without having fitted to it. Factors fitted to the beginning
of the log, with snapshots as it grows, predict the queries since then, as they do in use. Before
the first cut, factors fitted without a user predict that user's queries (cross-validation:
Wolpert, 1992), although they contain later ratings of the same movies.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from foreseen.compute.threads import in_parallel
from foreseen.data.catalogue import Catalogue
from foreseen.features.encoder import Encoded
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.factor_ensemble import FACTOR_FEATURES, FactorEnsemble
from foreseen.models.factors.fold_in import FactorPredictions
from foreseen.models.training import Inputs


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
    rating = np.empty(len(queries))
    values = np.empty((len(queries), len(FACTOR_FEATURES)), dtype=np.float32)

    def predict_block(number: int) -> None:
        rows = np.flatnonzero(block == number)
        part = queries.part(rows)
        if not len(rows):
            return
        if number:
            before = np.arange(len(times)) < ends[number - 1]
            label = f"factors of the first {ends[number - 1]:,}"
            factors = FactorEnsemble.fitted(settings, known, seed + 10 * number, before, label)
            until = replace(known, ratings=known.ratings[: int(ends[number])])
            predictions = factors.fold_in_rolling(until, log.view, part)
        else:
            first = replace(known, ratings=known.ratings[: int(ends[0])])
            predictions = predict_held_out_users(settings, folds, log, part, first, seed)
        rating[rows], values[rows] = predictions.rating, predictions.values

    # The longest block first, to balance the threads.
    in_parallel(predict_block, reversed(range(len(ends))))
    return FactorPredictions(rating, values)


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
    generator = np.random.default_rng(seed)
    fold = generator.permutation(len(log.users)) % folds
    rating = np.empty(len(queries))
    values = np.empty((len(queries), len(FACTOR_FEATURES)), dtype=np.float32)

    def predict_fold(number: int) -> None:
        rows = np.flatnonzero(fold[queries.user] == number)
        if not len(rows):
            return
        others = fold[known.user] != number
        if not others.any():
            others[:] = True
        label = f"factors without part {number + 1} of {folds}"
        factors = FactorEnsemble.fitted(settings, known, seed + 10 * number, others, label)
        predictions = factors.fold_in(log.view, queries.part(rows))
        rating[rows], values[rows] = predictions.rating, predictions.values

    in_parallel(predict_fold, range(folds))
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
