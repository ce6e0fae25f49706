"""First-stage scores of many users at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foreseen.features.interaction_log import LogView
from foreseen.models.ensemble.model import EnsemblePredictor
from foreseen.models.factors.bayesian_mf import Factors
from foreseen.models.factors.user_vectors import user_vectors
from foreseen.models.predictor import FirstStageScorer, Predictor


@dataclass(frozen=True)
class FirstStage:
    """Approximate ratings of all movies for the histories of a view, as of a moment.

    Attributes:
        predictor: The predictor.
        view: The view.
        before: Only ratings strictly older count.
        members: The factor models that are averaged, of an ensemble.
    """

    predictor: FirstStageScorer
    view: LogView
    before: int
    members: Sequence[Factors] = ()

    @classmethod
    def of(cls, predictor: Predictor, view: LogView, before: int) -> Self | None:
        """Return the first stage of a predictor; None if it has none."""
        if not isinstance(predictor, FirstStageScorer):
            return None
        if not isinstance(predictor, EnsemblePredictor):
            return cls(predictor, view, before)
        factors = predictor.factors
        older = [snapshot for snapshot in factors.snapshots if snapshot.moment <= before]
        members = older[-1].members if older else factors.members
        count = len(view.catalogue)
        return cls(predictor, view, before, [member.extended(count) for member in members])

    def scores(self, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the scores of B histories by their rows, of shape B x C."""
        if not self.members:
            return np.stack(
                [self.predictor.first_stage_scores(self.view, int(r), self.before) for r in rows]
            )
        histories = self.view.histories
        ends = histories.ends(rows, np.full(len(rows), self.before, dtype=np.int64))
        total = np.zeros((len(rows), len(self.view.catalogue)))
        for member in self.members:
            users = user_vectors(member, histories, rows, ends)
            vectors = member.by_movie[:-1].reshape(total.shape[1], -1)
            total += users.coefficients @ vectors.T
            total += users.offset[:, None]
        return total / len(self.members)
