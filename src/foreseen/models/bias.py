"""Biases as of the moment: the world's level, the movie's worth, the user's kindness and mood.

The damped means are those of the BellKor solution's baseline predictors (Koren, 2009), taken
point in time, with moving means of the user's latest residuals beside them. How much each of
these counts is found by ridge regression.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded
from foreseen.features.examples import Examples
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.models.predictor import Settings

_TERMS: Final = (
    "movie_worth",
    "movie_recent_worth",
    "user_kindness",
    "user_mood_fast",
    "user_mood_medium",
    "user_mood_slow",
)


class BiasSettings(Settings):
    """Settings of the biases.

    Attributes:
        ridge: Penalty on the weights, in examples.
    """

    ridge: float = 100.0


@dataclass(frozen=True)
class BiasPredictor:
    """The expected rating plus a weighted sum of the terms.

    Attributes:
        settings: What it was fitted with.
        weights: One per term and a constant, of shape T + 1.
    """

    settings: BiasSettings
    weights: NDArray[np.float64]

    def observed(self, timeline: Timeline) -> "BiasPredictor":
        """Return itself: what is new reaches it through the features."""
        del timeline
        return self

    def estimate(
        self, timeline: Timeline, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        del timeline, queries
        return encoded.expected + _terms(encoded) @ self.weights

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights, by name."""
        return {"weights": self.weights}

    @classmethod
    def from_arrays(
        cls, settings: BiasSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "BiasPredictor":
        """Return the predictor its weights were taken from."""
        return cls(settings, arrays["weights"].astype(np.float64))


def fit_bias(
    settings: BiasSettings, timeline: Timeline, learn: Examples, later: Examples | None, seed: int
) -> BiasPredictor:
    """Fit the weights of the terms; later examples and the seed have no part in it."""
    del timeline, later, seed
    terms = _terms(learn.encoded)
    penalty = settings.ridge * np.eye(terms.shape[1])
    penalty[-1, -1] = 0
    residual = learn.rating - learn.encoded.expected
    weights = np.linalg.solve(terms.T @ terms + penalty, terms.T @ residual)
    return BiasPredictor(settings, weights.astype(np.float64))


def _terms(encoded: Encoded) -> NDArray[np.float64]:
    columns = [encoded.column(name).astype(np.float64) for name in _TERMS]
    return np.stack([*columns, np.ones(len(encoded.expected))], axis=1)
