"""The next movie and the next liked movie: two conditional logits over candidates.

Both assign each candidate a probability from the same features. The first is fitted to the very
next movie of real histories, the second to all later movies that were liked. Examples are taken as
of moments of the log, with features, predicted ratings and scores of a sequence model that was not
fitted to what they are about.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.conditional_logit import (
    UNTRAINED_LOGIT,
    ConditionalLogit,
    fit_logit,
    with_sequence,
)
from foreseen.candidates.examples import NextItemExample, with_predictions
from foreseen.candidates.generator import Candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.source import SequenceScores
from foreseen.compute.threads import run_both
from foreseen.features.interaction_log import LogView

CandidateRatings = Callable[[int, NDArray[np.intp]], NDArray[np.float64]]
"""Predicted stars of N movies, of shape N, for the history in a row of a view."""


@dataclass(frozen=True)
class NextItemModel:
    """The two logits.

    Attributes:
        next: Of the next movie.
        liked: Of a later movie that is liked.
        sources: Names of the sources of candidates of other packages that they were fitted with.
    """

    next: ConditionalLogit
    liked: ConditionalLogit
    sources: tuple[str, ...] = ()

    def probabilities(
        self,
        index: CandidateIndex,
        view: LogView,
        count: int,
        before: int,
        rating: CandidateRatings | None = None,
        sequence: Sequence[SequenceScores] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return probabilities for the first `count` histories of a view, as of a moment.

        Args:
            index: Over the log of the other users.
            view: The view of that log that holds the histories.
            count: B, the number of histories.
            before: Only ratings strictly older count.
            rating: Returns predicted stars, if the model was fitted with them.
            sequence: Of each history by a sequence model, if the model was fitted with them.

        Returns:
            Two arrays of shape B x (C + 1), the last movie being the unknown one: of being
            watched next, and of being watched and liked.
        """
        found = np.zeros((2, count, len(view.catalogue) + 1))
        rows = np.arange(count, dtype=np.int32)
        for row, candidates in enumerate(index.before(before).find(view, rows, sequence)):
            rated = candidates
            if rating is not None:
                rated = candidates.with_ratings(rating(row, candidates.movies))
            found[0, row, :-1] = self.next.probabilities(rated)
            found[1, row, :-1] = self.liked.probabilities(rated)
        return found[0], found[1]


UNTRAINED: Final = NextItemModel(UNTRAINED_LOGIT, UNTRAINED_LOGIT)
"""Gives all candidates the same probability; for models that only predict ratings."""


def fit_next_item(
    examples: Sequence[NextItemExample],
    rating: NDArray[np.float64] | None = None,
    sources: tuple[str, ...] = (),
) -> NextItemModel:
    """Fit both logits.

    Args:
        examples: See `sample_examples`; some of them may have scores of a sequence model.
        rating: Out-of-sample predictions for `candidate_queries(examples)`, in stars.
        sources: Names of the other packages' sources of candidates in the examples.
    """
    candidates = with_predictions(examples, rating)
    if not candidates:
        return UNTRAINED
    features = candidates[0].values.shape[1]
    scored = [example.scored for example in examples]

    def fit(positives: Sequence[NDArray[np.bool_]]) -> ConditionalLogit:
        def part(with_scores: bool) -> tuple[list[Candidates], list[NDArray[np.bool_]]]:
            rows = [row for row, flag in enumerate(scored) if flag == with_scores]
            return [candidates[row] for row in rows], [positives[row] for row in rows]

        return with_sequence(fit_logit(*part(with_scores=False), features), *part(with_scores=True))

    return NextItemModel(
        *run_both(
            lambda: fit([example.next for example in examples]),
            lambda: fit([example.liked for example in examples]),
        ),
        sources,
    )


def within_next(p_next: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability to be among the next ten movies from that to be the next one."""
    # By squares: a power of an array takes twenty times as long.
    missed = 1 - p_next
    missed_twice = missed * missed
    return 1 - (missed_twice * missed_twice) ** 2 * missed_twice
