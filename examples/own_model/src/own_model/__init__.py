"""The model `popularity`: damped mean of the movie plus a weight times its popularity."""

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


class PopularitySettings(Settings):
    """Settings of the model.

    Attributes:
        ridge: Penalty on the weight.
    """

    ridge: float = 10.0


@dataclass(frozen=True)
class PopularityPredictor:
    """The fitted model.

    Attributes:
        settings: The settings it was fitted with.
        weight: Stars per unit of log popularity, of shape 1.
    """

    settings: PopularitySettings
    weight: NDArray[np.float64]

    def observed(self, log: InteractionLog) -> "PopularityPredictor":
        """Return itself: new ratings enter through the features."""
        del log
        return self

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        del view, queries
        return encoded.expected + self.weight * encoded.column("movie_popularity")

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weight by name."""
        return {"weight": self.weight}


def fit(
    settings: PopularitySettings,
    log: InteractionLog,
    train: Examples,
    validation: Examples | None,
    seed: int,
    extra: Queries,
) -> Fit:
    """Fit the weight by ridge regression."""
    del log, validation, seed, extra
    popularity = train.encoded.column("movie_popularity").astype(np.float64)
    residual = train.rating - train.encoded.expected
    weight = popularity @ residual / (popularity @ popularity + settings.ridge)
    return Fit(PopularityPredictor(settings, np.array([weight])))


def load(
    settings: PopularitySettings, arrays: Mapping[str, NDArray[np.generic]]
) -> PopularityPredictor:
    """Return the predictor of saved arrays."""
    return PopularityPredictor(settings, arrays["weight"].astype(np.float64))


SPEC: Final = ModelSpec(
    name="popularity",
    settings=PopularitySettings,
    fit=fit,
    load=load,
    search_space=(SearchRange(("ridge",), 1.0, 1000.0, log=True),),
)
