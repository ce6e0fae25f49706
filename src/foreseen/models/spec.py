"""The specification of a model: its name, settings, and how it is fitted, loaded and tuned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from foreseen.errors import InputError
from foreseen.features.examples import Examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.installed import model_spec
from foreseen.models.predictions import Predictions
from foreseen.models.predictor import Predictor, Settings


@dataclass(frozen=True)
class Fit:
    """The result of fitting a model.

    Attributes:
        predictor: The fitted predictor.
        epochs: Passes that gave the lowest validation error, for a model that stops early.
        out_of_sample: Predictions for the extra queries of the call, in stars, of shape N, by
            models that were fitted without later ratings; None for a model without them.
    """

    predictor: Predictor
    epochs: int | None = None
    out_of_sample: NDArray[np.float64] | None = None


class FitFunction(Protocol):
    """How a model is fitted."""

    def __call__(
        self,
        settings: Any,  # noqa: ANN401 - each model has its own settings class
        log: InteractionLog,
        train: Examples,
        validation: Examples | None,
        seed: int,
        extra: Queries,
    ) -> Fit:
        """Return a fitted predictor.

        Args:
            settings: An instance of the specification's settings.
            log: The log. Only its ratings up to the last of `train` may be used to fit.
            train: Examples to fit to.
            validation: Later examples, for a preliminary fit that finds the number of passes and
                the errors; None for the final fit.
            seed: Random seed.
            extra: Queries to return out-of-sample predictions for, where the model has the
                capability.
        """
        ...


class TransductivePredictor(Protocol):
    """A model of ratings removed at random from a log that it knows otherwise whole."""

    def predict(self, log: InteractionLog, queries: Queries) -> Predictions:
        """Return predictions for N queries about moments within the log."""
        ...


@dataclass(frozen=True)
class Capabilities:
    """What a model can do beyond predicting ratings.

    Attributes:
        out_of_sample: Whether `fit` returns out-of-sample predictions, which the ranking by
            `likely` and `blend` uses as a feature.
        sampled: Whether it predicts users it was not fitted to from their histories, so that a
            sample of the users is enough where the log is large.
        fold_in: Whether it predicts for users it was not fitted to, from their ratings.
        sequence: Whether a sequence model is fitted beside it, which `likely` and `blend` use.
        transductive: Fits a variant of the model for random splits, from settings, a log and a
            seed; None if the model itself is used there.
    """

    out_of_sample: bool = False
    sampled: bool = False
    fold_in: bool = True
    sequence: bool = False
    transductive: Callable[[Any, InteractionLog, int], TransductivePredictor] | None = None


@dataclass(frozen=True)
class SearchRange:
    """The range in which `foreseen tune` searches for a setting.

    Attributes:
        paths: Where the value stands in the settings, as in `loop.epochs` or `hidden.0`; several
            settings that share one value.
        low, high: The ends of the range, both included.
        log: Whether to search on a logarithmic scale.
    """

    paths: tuple[str, ...]
    low: float
    high: float
    log: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether the setting is a whole number."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class ModelSpec:
    """A model as `train`, `evaluate`, `tune` and the contract suite use it.

    Attributes:
        name: As on the command line.
        settings: Its settings, with defaults.
        fit: Fits it.
        load: Returns the predictor from settings and the arrays of `Predictor.arrays`.
        search_space: Settings that `foreseen tune` searches; the defaults lie inside.
        capabilities: What it can do beyond predicting ratings.
    """

    name: str
    settings: type[Settings]
    fit: FitFunction
    load: Callable[[Any, Mapping[str, NDArray[np.generic]]], Predictor]
    search_space: tuple[SearchRange, ...] = ()
    capabilities: Capabilities = field(default_factory=Capabilities)


def parse_settings(name: str, values: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of a model, from the values that differ from its defaults.

    Raises:
        InputError: If there is no such model, or a key or value is not one of its settings.
    """
    spec = model_spec(name)
    try:
        return spec.settings.model_validate(dict(values or {}))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise InputError(f"settings of '{name}': {faults}") from error
