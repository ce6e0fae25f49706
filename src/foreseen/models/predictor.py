"""What differs from model to model: the predictor, and the rule for unknown users and movies."""

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from foreseen.features.encoder import Encoded
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.features.queries import Queries

_LEAST_VARIANCE: Final = 1e-4


class Settings(BaseModel):
    """Settings of a model; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Predictor(Protocol):
    """The fitted parameters of a model and how they predict."""

    @property
    def settings(self) -> Settings:
        """The settings it was fitted with."""
        ...

    def observed(self, log: InteractionLog) -> "Predictor":
        """Return the predictor for a log with further ratings, without training."""
        ...

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        """Return expected ratings of shape N, in stars, not clipped to the scale."""
        ...

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the parameters by name."""
        ...


@runtime_checkable
class IncrementallyTrainable(Predictor, Protocol):
    """A predictor whose networks can be fine-tuned on new ratings."""

    @property
    def trained_until(self) -> int:
        """First second whose ratings it has not been trained on."""
        ...

    def finetuned(self, log: InteractionLog, until: int, seed: int) -> Predictor:
        """Return the predictor trained further, on the ratings from `trained_until` to `until`."""
        ...


@runtime_checkable
class FirstStageScorer(Predictor, Protocol):
    """A predictor with fast approximate ratings of all movies at once."""

    def first_stage_scores(
        self, view: LogView, rows: NDArray[np.int32], before: int
    ) -> NDArray[np.float32]:
        """Return approximate ratings of all movies, of shape B x C, for B histories of a view."""
        ...

    def factor_ratings(
        self, view: LogView, row: int, before: int, movies: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return ratings of N movies for one history, which the next-item model was fitted with."""
        ...


@runtime_checkable
class ProbabilisticPredictor(Predictor, Protocol):
    """A predictor of a distribution over L rating levels."""

    @property
    def levels(self) -> NDArray[np.float64]:
        """The rating levels, in stars, ascending, of shape L."""
        ...

    def predict_proba(
        self, view: LogView, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return the probability of every level, of shape N x L."""
        ...


class Estimates(NamedTuple):
    """What a predictor returns for N queries before the scale and the uncertainty are applied.

    Attributes:
        mean: Expected ratings in stars, not clipped, of shape N.
        deviation: Standard deviations, of shape N; None if the predictor has none.
        liked: Probabilities of four stars or more, of shape N; None likewise.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64] | None = None
    liked: NDArray[np.float64] | None = None


def estimate(predictor: Predictor, view: LogView, queries: Queries, encoded: Encoded) -> Estimates:
    """Return the estimates of a predictor for N queries, given their features."""
    if not isinstance(predictor, ProbabilisticPredictor):
        return Estimates(predictor.estimate(view, queries, encoded))
    probability, levels = predictor.predict_proba(view, queries, encoded), predictor.levels
    mean = probability @ levels
    deviation = np.sqrt(np.maximum(probability @ levels**2 - mean**2, _LEAST_VARIANCE))
    return Estimates(mean, deviation, probability[:, levels >= LIKED_FROM].sum(axis=1))


def fall_back(
    estimates: NDArray[np.float64], known: NDArray[np.bool_], encoded: Encoded
) -> NDArray[np.float64]:
    """Return the estimates where user and movie are known to a model, else a common fallback.

    The fallback is the damped mean of the movie plus the user bias; it also replaces an estimate
    that is not finite.
    """
    return np.where(known & np.isfinite(estimates), estimates, encoded.expected)
