"""Training: hold out the latest ratings to find epochs and errors, then fit to all."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from foreseen.candidates.examples import NextItemExample, candidate_queries, sample_examples
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.installed import registered_sources
from foreseen.candidates.next_item import NextItemModel, fit_next_item
from foreseen.compute.threads import one_thread, run_both
from foreseen.data.canonical import Tables, load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.encoding import Encoding
from foreseen.data.tabular import TableLike
from foreseen.errors import InputError
from foreseen.features.day_resolution import in_order_within_days, ordered_within_days
from foreseen.features.examples import AT_RATING, Examples, training_examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.features.user_sample import training_share
from foreseen.models.base import Model
from foreseen.models.installed import DEFAULT_MODEL, model_spec
from foreseen.models.predictor import Settings, estimate
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.out_of_sample import fit_out_of_sample
from foreseen.models.sequence.settings import SequenceSettings, settings_for
from foreseen.models.spec import Fit, ModelSpec, parse_settings
from foreseen.models.uncertainty import fit_uncertainty

VALIDATION_SHARE: Final = 0.1
"""Share of the ratings, the latest, held out to find the number of epochs and the errors."""


def train(
    data: Tables | str | Path | TableLike,
    name: str = DEFAULT_MODEL,
    settings: Settings | None = None,
    seed: int = 0,
) -> Model:
    """Return a model fitted to a data set.

    Args:
        data: Tables as `load_data` returns them; the name or path of a data set; or a table of
            ratings, with the columns userId, movieId, rating and timestamp.
        name: Name of the model.
        settings: Its settings; None for the defaults.
        seed: Random seed.

    Raises:
        DataError: If the data cannot be read or have bad rows.
        InputError: If there is no model of that name, or there are too few ratings.
    """
    settings = settings or parse_settings(name)
    tables = data if isinstance(data, Tables) else load_data(data)
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    return with_encoding(train_on(log, name, settings, seed), tables.encoding)


def with_encoding(model: Model, encoding: Encoding) -> Model:
    """Return a model that was fitted to a log with the ids and the scale of its source."""
    rmse = model.report["validation_rmse"] * encoding.scale.per_star
    return replace(model, encoding=encoding, report={**model.report, "validation_rmse": rmse})


def train_on(
    log: InteractionLog,
    name: str,
    settings: Settings,
    seed: int,
    next_item: NextItemModel | None = None,
) -> Model:
    """Return a model fitted to a log; see `train`.

    Args:
        log: The log.
        name: Name of the model.
        settings: Its settings.
        seed: Random seed.
        next_item: A fitted model of the next movie, or `UNTRAINED` where only ratings are
            predicted; None to fit one.

    Raises:
        InputError: As `train`.
    """
    with one_thread():
        return _train(log, model_spec(name), settings, seed, next_item)


def _train(
    log: InteractionLog,
    spec: ModelSpec,
    settings: Settings,
    seed: int,
    next_item: NextItemModel | None,
) -> Model:
    fitted_to = ordered_within_days(log, seed)
    share = training_share(len(log.rating)) if spec.capabilities.sampled else 1.0
    examples = training_examples(fitted_to, seed, share)
    early, later = examples.split(1 - VALIDATION_SHARE)
    count = len(log.rating)
    if not len(early) or not len(later):
        raise InputError(f"{count} ratings, or all of one second, are too few to train on")
    size = int(share * count)
    sequence = settings_for(size, len(log.catalogue)) if spec.capabilities.sequence else None
    trial, next_examples = run_both(
        lambda: spec.fit(settings, fitted_to, early, later, seed, Queries.none()),
        lambda: next_item_examples(log, sequence, seed, share) if next_item is None else [],
    )
    scale = (float(log.rating.min()), float(log.rating.max()))
    observed = trial.predictor.observed(fitted_to)
    estimates = estimate(observed, fitted_to.view, later.queries, later.encoded)
    expected = np.clip(estimates.mean, *scale)
    settings = _with_epochs(settings, trial)
    sequence_model = None
    if next_item is None:
        whole = np.ones(count, dtype=np.bool_)
        queries = candidate_queries(next_examples)
        queries = replace(queries, before=in_order_within_days(log, queries.before))
        (fit, next_item), sequence_model = run_both(
            lambda: _fit_both(spec, settings, fitted_to, examples, next_examples, queries, seed),
            lambda: sequence and SequenceModel.fitted(sequence, log, whole, seed, share=share),
        )
    else:
        fit = spec.fit(settings, fitted_to, examples, None, seed, Queries.none())
    report = {
        "validation_rmse": float(np.sqrt(np.mean((later.rating - expected) ** 2))),
        "validation_ratings": float(len(later)),
        "trained_on": float((examples.horizon == AT_RATING).sum()),
        "ratings": float(len(log.rating)),
        "until": float(log.end),
    }
    uncertainty = fit_uncertainty(later.encoded, expected, later.rating, estimates.deviation)
    return Model(
        spec.name, fit.predictor, log, uncertainty, next_item, scale, seed, report,
        sequence=sequence_model,
    )  # fmt: skip


def next_item_examples(
    log: InteractionLog, sequence: SequenceSettings | None, seed: int, share: float = 1.0
) -> list[NextItemExample]:
    """Return the examples of the next-item model, some with out-of-sample scores.

    Args:
        log: The log.
        sequence: Settings of the sequence model; None without one.
        seed: Random seed.
        share: Share of the users whose ratings the sequence model is fitted to.
    """
    index = CandidateIndex(log, registered_sources())
    examples = sample_examples(index, seed)
    scores = None if sequence is None else fit_out_of_sample(sequence, log, seed, share)
    return examples if scores is None else examples + sample_examples(index, seed, scores)


def _fit_both(
    spec: ModelSpec,
    settings: Settings,
    log: InteractionLog,
    examples: Examples,
    next_examples: Sequence[NextItemExample],
    queries: Queries,
    seed: int,
) -> tuple[Fit, NextItemModel]:
    """Fit the predictor and the next-item model, the latter with predictions where there are."""
    sources = tuple(source.name for source in registered_sources())
    if not spec.capabilities.out_of_sample:
        return run_both(
            lambda: spec.fit(settings, log, examples, None, seed, Queries.none()),
            lambda: fit_next_item(next_examples, sources=sources),
        )
    fit = spec.fit(settings, log, examples, None, seed, queries)
    return fit, fit_next_item(next_examples, fit.out_of_sample, sources)


def _with_epochs(settings: Settings, trial: Fit) -> Settings:
    """Return the settings with the number of epochs that had the lowest validation error."""
    if trial.epochs is None:
        return settings
    loop = getattr(settings, "loop")  # noqa: B009
    return settings.model_copy(update={"loop": loop.model_copy(update={"epochs": trial.epochs})})
