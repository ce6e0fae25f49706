"""What networks over factors learn from: answers of factors that have not seen the questions'.

There are two ways not to have seen them. Factors fitted without a user answer that user's questions
(cross-validation: Wolpert, 1992); but of the movies they know what came later too, and are the
surer for it. Factors fitted to a beginning of the log, which follow it as it grows, answer the
questions since as they will have to when they are asked of the future.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.features.encode import Encoded
from foreseen.features.moments import Examples
from foreseen.features.timeline import Queries, Timeline
from foreseen.models.committee import COMMITTEE_FEATURES, Committee
from foreseen.models.factors import FactorSettings
from foreseen.models.fold_in import Folded
from foreseen.models.training import Inputs
from foreseen.threads import in_parallel


def fold_in_held_out(
    settings: Sequence[FactorSettings],
    folds: int,
    timeline: Timeline,
    learn: Examples,
    past: NDArray[np.bool_],
    seed: int,
) -> Folded:
    """Answer the examples by factors that have seen none of their users."""
    generator = np.random.default_rng(seed)
    fold = generator.permutation(len(timeline.users)) % folds
    rating = np.empty(len(learn))
    values = np.empty((len(learn), len(COMMITTEE_FEATURES)), dtype=np.float32)

    def answer_part(number: int) -> None:
        others = past & (fold[timeline.user] != number)
        if not others.any():
            others = past
        what = f"factors without part {number + 1} of {folds}"
        committee = Committee.fitted(settings, timeline, others, seed + 10 * number, what)
        asked = np.flatnonzero(fold[learn.queries.user] == number)
        folded = committee.fold_in(timeline, learn.queries.part(asked))
        rating[asked], values[asked] = folded.rating, folded.values

    in_parallel(answer_part, range(folds))
    return Folded(rating, values)


def foretell_from_the_past(
    settings: Sequence[FactorSettings],
    share: float,
    timeline: Timeline,
    learn: Examples,
    past: NDArray[np.bool_],
    seed: int,
) -> tuple[Inputs, NDArray[np.intp]] | None:
    """Ask the latest examples of factors that were fitted before, and followed what came since.

    Returns:
        What the networks read about them, and which of the examples they are; None if there are
        none, or nothing came before.
    """
    times = timeline.timestamp[past]
    moment = int(times[min(int(share * len(times)), len(times) - 1)])
    before = past & (timeline.timestamp < moment)
    rows = np.flatnonzero(learn.queries.before >= moment)
    if not before.any() or not len(rows):
        return None
    committee = Committee.fitted(settings, timeline, before, seed, "factors of the past")
    queries, encoded = learn.queries.part(rows), learn.encoded.part(rows)
    folded = committee.observed(timeline).fold_in(timeline, queries)
    return stacking_inputs(timeline, queries, encoded, folded), rows


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
