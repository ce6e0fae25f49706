"""Biases as of the moment: global mean, item bias, user bias and short-term user bias.

The damped means are those of the BellKor solution's baseline predictors (Koren, 2009), computed
point in time, with moving means of the user's latest residuals. Their weights are fitted by ridge
regression.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded
from foreseen.features.examples import Examples
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import Queries
from foreseen.models.predictor import Settings
from foreseen.models.spec import Fit, ModelSpec, SearchRange

_TERMS: Final = (
    "movie_bias",
    "movie_recent_bias",
    "user_bias",
    "user_bias_fast",
    "user_bias_medium",
    "user_bias_slow",
)


class BiasSettings(Settings):
    """Settings of the bias model.

    Attributes:
        ridge: Penalty on the weights, in examples.
    """

    ridge: float = 100.0


@dataclass(frozen=True)
class BiasPredictor:
    """The expected rating plus a weighted sum of the terms.

    Attributes:
        settings: The settings it was fitted with.
        weights: One per term and a constant, of shape T + 1.
    """

    settings: BiasSettings
    weights: NDArray[np.float64]

    def observed(self, log: InteractionLog) -> "BiasPredictor":
        """Return itself: new ratings enter through the features."""
        del log
        return self

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        del view, queries
        return encoded.expected + _terms(encoded) @ self.weights

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights by name."""
        return {"weights": self.weights}

    @classmethod
    def from_arrays(
        cls, settings: BiasSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "BiasPredictor":
        """Return the predictor of these arrays."""
        return cls(settings, arrays["weights"].astype(np.float64))


def fit_bias(
    settings: BiasSettings,
    log: InteractionLog,
    train: Examples,
    validation: Examples | None,
    seed: int,
    extra: Queries,
) -> Fit:
    """Fit the weights of the terms; the result depends on the training examples alone."""
    del log, validation, seed, extra
    terms = _terms(train.encoded)
    penalty = settings.ridge * np.eye(terms.shape[1])
    penalty[-1, -1] = 0
    residual = train.rating - train.encoded.expected
    weights = np.linalg.solve(terms.T @ terms + penalty, terms.T @ residual)
    return Fit(BiasPredictor(settings, weights.astype(np.float64)))


def _terms(encoded: Encoded) -> NDArray[np.float64]:
    columns = [encoded.column(name).astype(np.float64) for name in _TERMS]
    return np.stack([*columns, np.ones(len(encoded.expected))], axis=1)


SPEC: Final = ModelSpec(
    name="bias",
    settings=BiasSettings,
    fit=fit_bias,
    load=BiasPredictor.from_arrays,
    search_space=(SearchRange(("ridge",), 1.0, 10_000.0, log=True),),
)
