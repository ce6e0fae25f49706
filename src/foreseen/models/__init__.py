"""Models: one file each, all under the contract of `foreseen.models.base`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.errors import InputError
from foreseen.features.examples import Examples, training_examples
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.models.base import Model, Scores
from foreseen.models.baseline import BaselinePredictor, BaselineSettings, fit_baseline
from foreseen.models.bias import BiasPredictor, BiasSettings, fit_bias
from foreseen.models.ensemble.model import (
    EnsemblePredictor,
    EnsembleSettings,
    fit_and_foretell,
    fit_ensemble,
)
from foreseen.models.history.model import HistoryPredictor, HistorySettings
from foreseen.models.history.training import fit_history
from foreseen.models.hybrid import HybridPredictor, HybridSettings, fit_hybrid
from foreseen.models.predictor import Predictor, Settings, tell
from foreseen.models.uncertainty import fit_uncertainty
from foreseen.candidates.next_item import (
    UNLEARNED,
    Question,
    Watching,
    fit_watching,
    past_questions,
    what_they_give,
)
from foreseen.compute.threads import one_thread, side_by_side

VALIDATION_SHARE: Final = 0.1
"""Share of the ratings, the latest, that decide when to stop and how sure to be."""


@dataclass(frozen=True)
class Kind:
    """One kind of model: its settings, how it is fitted, how it is read back.

    One that outlines is also fitted so that it answers questions of the past beside it, by what
    was known then.
    """

    settings: type[Settings]
    fit: Callable[[Any, Timeline, Examples, Examples | None, int], Predictor]
    from_arrays: Callable[[Any, Mapping[str, NDArray[np.generic]]], Predictor]
    fit_and_foretell: (
        Callable[[Any, Timeline, Examples, int, Queries], tuple[Predictor, NDArray[np.float64]]]
        | None
    ) = None


KINDS: Final[Mapping[str, Kind]] = {
    "bias": Kind(BiasSettings, fit_bias, BiasPredictor.from_arrays),
    "baseline": Kind(BaselineSettings, fit_baseline, BaselinePredictor.from_arrays),
    "hybrid": Kind(HybridSettings, fit_hybrid, HybridPredictor.from_arrays),
    "history": Kind(HistorySettings, fit_history, HistoryPredictor.from_arrays),
    "ensemble": Kind(
        EnsembleSettings, fit_ensemble, EnsemblePredictor.from_arrays, fit_and_foretell
    ),
}
DEFAULT_MODEL: Final = "ensemble"


def parse_settings(name: str, values: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of a kind of model, from what differs from their defaults.

    Raises:
        InputError: If there is no such model, or a key or value is not one of its settings.
    """
    if name not in KINDS:
        raise InputError(f"no model is called '{name}'; there are {', '.join(KINDS)}")
    try:
        return KINDS[name].settings.model_validate(dict(values or {}))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise InputError(f"settings of '{name}': {faults}") from error


def train(
    tables: Tables, name: str = DEFAULT_MODEL, settings: Settings | None = None, seed: int = 0
) -> Model:
    """Fit a model to canonical tables.

    The latest ratings are held out first, to find how long to train and how far off predictions
    are; then the model is fitted to all of them.

    Raises:
        InputError: If there is no model of that name, or the ratings are too few to learn from.
    """
    settings = settings or parse_settings(name)
    timeline = Timeline.of(tables.ratings, Catalogue.of(tables.movies))
    return train_on(timeline, name, settings, seed)


def train_on(
    timeline: Timeline, name: str, settings: Settings, seed: int, watching: Watching | None = None
) -> Model:
    """Fit a model to a timeline; see `train`.

    What users watch next is the same for all models that do not outline; it is learned unless it
    is given, or given as `UNLEARNED` where only ratings are asked.

    Raises:
        InputError: As `train`.
    """
    with one_thread():
        return _train(timeline, name, settings, seed, watching)


def _train(
    timeline: Timeline, name: str, settings: Settings, seed: int, watching: Watching | None
) -> Model:
    kind = KINDS[name]
    examples = training_examples(timeline, seed)
    learn, later = examples.split(1 - VALIDATION_SHARE)
    if not len(learn) or not len(later):
        count = len(timeline.rating)
        raise InputError(f"{count} ratings, or all of one second, are too few to learn from")
    trial, questions = side_by_side(
        lambda: kind.fit(settings, timeline, learn, later, seed),
        lambda: past_questions(timeline, seed) if watching is None else [],
    )
    scale = (float(timeline.rating.min()), float(timeline.rating.max()))
    followed = trial.observed(timeline)
    told = tell(followed, timeline, later.queries, later.encoded)
    expected = np.clip(told.expected, *scale)
    settings = _as_long_as(settings, trial)
    if watching is None:
        predictor, watching = _fit_both(kind, settings, timeline, examples, questions, seed)
    else:
        predictor = kind.fit(settings, timeline, examples, None, seed)
    report = {
        "validation_rmse": float(np.sqrt(np.mean((later.rating - expected) ** 2))),
        "validation_ratings": float(len(later)),
        "trained_on": float(len(timeline.rating)),
        "ratings": float(len(timeline.rating)),
        "until": float(timeline.end),
    }
    uncertainty = fit_uncertainty(later.encoded, expected, later.rating, told.deviation)
    return Model(name, predictor, timeline, uncertainty, watching, scale, seed, report)


def _fit_both(
    kind: Kind,
    settings: Settings,
    timeline: Timeline,
    examples: Examples,
    questions: Sequence[Question],
    seed: int,
) -> tuple[Predictor, Watching]:
    """Fit the predictor, and learn what users watch next, told what is foretold if it can be."""
    if kind.fit_and_foretell is None:
        return side_by_side(
            lambda: kind.fit(settings, timeline, examples, None, seed),
            lambda: fit_watching(questions),
        )
    beside = what_they_give(questions)
    predictor, foretold = kind.fit_and_foretell(settings, timeline, examples, seed, beside)
    return predictor, fit_watching(questions, foretold)


def _as_long_as(settings: Settings, trial: Predictor) -> Settings:
    """Return the settings with as many passes as proved best on the later ratings."""
    trained = getattr(trial, "trained", None)
    if trained is None:
        return settings
    loop = getattr(settings, "loop")  # noqa: B009
    return settings.model_copy(update={"loop": loop.model_copy(update={"epochs": trained.epochs})})


__all__ = [
    "DEFAULT_MODEL",
    "KINDS",
    "UNLEARNED",
    "Model",
    "Scores",
    "Settings",
    "Watching",
    "parse_settings",
    "train",
    "train_on",
]
