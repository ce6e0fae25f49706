"""What differs from model to model, the arithmetic with its weights; the rule for the unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from foreseen.features.encoder import Encoded, encode
from foreseen.features.movie_statistics import LIKING
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline

_LEAST_VARIANCE: Final = 1e-4


class Settings(BaseModel):
    """Settings of a model; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Predictor(Protocol):
    """A fitted model's arithmetic."""

    @property
    def settings(self) -> Settings:
        """What it was fitted with."""
        ...

    def observed(self, timeline: Timeline) -> "Predictor":
        """Return what it becomes when it may follow a timeline's later ratings."""
        ...

    def estimate(
        self, timeline: Timeline, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return expected ratings of shape N, in stars, not yet clipped to the scale."""
        ...

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights, by name."""
        ...


@runtime_checkable
class Refreshable(Predictor, Protocol):
    """A predictor whose networks can be brought up to date without training them anew."""

    @property
    def learned_until(self) -> int:
        """First second that it has not learned from."""
        ...

    def refreshed(self, timeline: Timeline, until: int, seed: int) -> Predictor:
        """Return it with the ratings since then, up to a moment, learned from too."""
        ...


@runtime_checkable
class Outlining(Predictor, Protocol):
    """A predictor that can tell at a glance about what it will say of every movie."""

    def outline(self, timeline: Timeline, history: int, before: int) -> NDArray[np.float64]:
        """Return rough ratings of all movies, of shape C, for one history of a timeline."""
        ...


@runtime_checkable
class Distributing(Predictor, Protocol):
    """A predictor that answers with a distribution over the L rating levels."""

    @property
    def levels(self) -> NDArray[np.float64]:
        """The rating levels, in stars, ascending, of shape L."""
        ...

    def chances(
        self, timeline: Timeline, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return the probability of every level, of shape N x L."""
        ...


@dataclass(frozen=True)
class Told:
    """What a predictor says of N questions.

    Attributes:
        expected: Stars, not clipped, of shape N.
        deviation: Standard deviations in stars, of shape N, if the predictor tells them.
        liked: Probabilities of four stars or more, of shape N, likewise.
        encoded: The features behind them.
    """

    expected: NDArray[np.float64]
    deviation: NDArray[np.float64] | None
    liked: NDArray[np.float64] | None
    encoded: Encoded

    @classmethod
    def joined(cls, parts: Sequence["Told"]) -> "Told":
        """Join what one predictor has said, at least once."""
        deviations = [part.deviation for part in parts if part.deviation is not None]
        liked = [part.liked for part in parts if part.liked is not None]
        return cls(
            np.concatenate([part.expected for part in parts]),
            np.concatenate(deviations) if deviations else None,
            np.concatenate(liked) if liked else None,
            Encoded(
                np.concatenate([part.encoded.expected for part in parts]),
                np.concatenate([part.encoded.values for part in parts]),
            ),
        )


def tell(
    predictor: Predictor, timeline: Timeline, queries: Queries, encoded: Encoded | None = None
) -> Told:
    """Let a predictor answer N questions; their features are worked out if they are not there."""
    encoded = encode(timeline, queries) if encoded is None else encoded
    if not isinstance(predictor, Distributing):
        return Told(predictor.estimate(timeline, queries, encoded), None, None, encoded)
    chances, levels = predictor.chances(timeline, queries, encoded), predictor.levels
    mean = chances @ levels
    deviation = np.sqrt(np.maximum(chances @ levels**2 - mean**2, _LEAST_VARIANCE))
    return Told(mean, deviation, chances[:, levels >= LIKING].sum(axis=1), encoded)


def answer_unknown(
    estimates: NDArray[np.float64], known: NDArray[np.bool_], encoded: Encoded
) -> NDArray[np.float64]:
    """Apply the one rule for users and movies a model has no weights for.

    They get what the movie is worth to everybody plus the user's kindness, as known by then;
    so does an estimate that is not finite.
    """
    return np.where(known & np.isfinite(estimates), estimates, encoded.expected)
