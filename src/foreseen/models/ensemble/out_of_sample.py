"""What networks over factors learn from: answers of factors that have not seen the questions'.

There are two ways not to have seen them. Factors fitted to a beginning of the log, which follow
it as it grows, answer the questions since as they will have to when they are asked of the future.
Where there is no beginning yet, factors fitted without a user answer that user's questions
(cross-validation: Wolpert, 1992), though of the movies they know what came later.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.models.factors.factor_ensemble import COMMITTEE_FEATURES, Committee
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.fold_in import Folded
from foreseen.models.training import Inputs
from foreseen.compute.threads import in_parallel


def foretell(
    settings: Sequence[FactorSettings],
    cuts: Sequence[float],
    folds: int,
    timeline: Timeline,
    queries: Queries,
    past: NDArray[np.bool_],
    seed: int,
) -> Folded:
    """Answer questions by factors of their time, as a model in use would have answered them.

    Factors are fitted to what came before each cut, and follow what comes up to the next. What
    was asked before the first cut has no past to speak of: it is answered by factors of that
    time that have not seen its user.

    Args:
        settings: Those of the factor models.
        cuts: Shares of the log, rising.
        folds: Parts the users before the first cut are split into.
        timeline: The log.
        queries: N questions.
        past: Which of the log may be learned from: its beginning, up to some moment.
        seed: Of all draws.

    Returns:
        N answers.
    """
    times = timeline.timestamp[past]
    moments = np.unique(times[(np.array(cuts) * len(times)).astype(np.intp)])
    moments = moments[moments > times[0]]
    ends = np.append(np.searchsorted(times, moments), len(times))
    block = np.searchsorted(moments, queries.before, side="right")
    rating = np.empty(len(queries))
    values = np.empty((len(queries), len(COMMITTEE_FEATURES)), dtype=np.float32)

    def answer_block(number: int) -> None:
        rows = np.flatnonzero(block == number)
        asked = queries.part(rows)
        if not len(rows):
            return
        if number:
            before = np.arange(len(past)) < ends[number - 1]
            what = f"factors of the first {ends[number - 1]:,}"
            committee = Committee.fitted(settings, timeline, before, seed + 10 * number, what)
            known = replace(timeline, ratings=timeline.ratings[: int(ends[number])])
            folded = committee.fold_in_following(known, timeline, asked)
        else:
            folded = fold_in_held_out(settings, folds, timeline, asked, int(ends[0]), seed)
        rating[rows], values[rows] = folded.rating, folded.values

    # The longest first, so that the others are done beside it.
    in_parallel(answer_block, reversed(range(len(ends))))
    return Folded(rating, values)


def fold_in_held_out(
    settings: Sequence[FactorSettings],
    folds: int,
    timeline: Timeline,
    queries: Queries,
    end: int,
    seed: int,
) -> Folded:
    """Answer N questions by factors of the log's first ratings that have seen none of their users.

    `end` is how many of the ratings count.
    """
    generator = np.random.default_rng(seed)
    fold = generator.permutation(len(timeline.users)) % folds
    past = np.arange(len(timeline.user)) < end
    rating = np.empty(len(queries))
    values = np.empty((len(queries), len(COMMITTEE_FEATURES)), dtype=np.float32)

    def answer_part(number: int) -> None:
        asked = np.flatnonzero(fold[queries.user] == number)
        if not len(asked):
            return
        others = past & (fold[timeline.user] != number)
        if not others.any():
            others = past
        what = f"factors without part {number + 1} of {folds}"
        committee = Committee.fitted(settings, timeline, others, seed + 10 * number, what)
        folded = committee.fold_in(timeline, queries.part(asked))
        rating[asked], values[asked] = folded.rating, folded.values

    in_parallel(answer_part, range(folds))
    return Folded(rating, values)


def stacking_inputs(
    timeline: Timeline, queries: Queries, encoded: Encoded, folded: Folded
) -> Inputs:
    """Return what the networks read about N questions."""
    surplus = folded.rating - encoded.expected
    attributes = np.column_stack([encoded.values, folded.values, surplus, folded.rating])
    return {
        "attributes": torch.from_numpy(attributes.astype(np.float32)),
        "genres": torch.from_numpy(timeline.catalogue.genres[queries.movie]),
        "foretold": torch.from_numpy(folded.rating.astype(np.float32)),
    }
