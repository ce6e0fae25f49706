"""Search for settings on validation data (Optuna: Akiba et al., 2019; its TPE sampler).

Trials are fitted to the first part of the training ratings and evaluated on the users who begin in
the rest of them, by the fold-in protocol; ratings of the test part are not used. A model that
predicts only for users it was fitted to is evaluated on the last fifth of the training ratings of
each user. The first trial has the default settings. An interrupted search resumes. On a cluster as
many trials run at the same time as it has cores; the settings of each are chosen by the results of
those before them.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import optuna
import polars as pl
import yaml
from optuna.storages.journal import JournalFileBackend

from foreseen.candidates.next_item import UNTRAINED
from foreseen.compute.tasks import completed_tasks, task_slots
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.fingerprint import fingerprint
from foreseen.data.profile import data_line
from foreseen.data.schema import TIMESTAMP
from foreseen.errors import InputError
from foreseen.evaluation.evaluator import predict
from foreseen.evaluation.intervals import estimate
from foreseen.evaluation.metrics import (
    as_dicts,
    order_metrics,
    rating_errors,
    rmse_difference,
    sums_per_user,
)
from foreseen.evaluation.protocols import evaluate_fold_in
from foreseen.evaluation.results import FROZEN
from foreseen.evaluation.search_page import write_search_page
from foreseen.evaluation.settings_paths import Changes, apply
from foreseen.evaluation.splits import TRAIN_SHARE, FoldIn, cut, fold_in, last_of_users
from foreseen.evaluation.units import in_units
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically, write_text
from foreseen.models.installed import model_spec
from foreseen.models.spec import SearchRange, parse_settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar
from foreseen.reports.page import Provenance

_SQUARES: Final = "squares"
_COUNTS: Final = "counts"
_HIDDEN_SHARE: Final = 0.2
_LAST_OF_USERS: Final = "last of users"
_MEASURED: Final = {
    True: "fold-in protocol inside the first 80 % of the ratings",
    False: "last fifth of each user's ratings, inside the first 80 % of the ratings",
}


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        number: Position in the search; trial 0 has the default settings.
        settings: The settings that differ from the defaults.
        figures: RMSE over events, RMSE per user, NDCG@10, pairwise accuracy.
        seconds: Duration.
        rmse: RMSE with its interval; None if a former version made the trial.
        less_default: RMSE less that of the default settings, with a paired interval; or None.
    """

    number: int
    settings: Changes
    figures: dict[str, float]
    seconds: float
    rmse: Mapping[str, float] | None
    less_default: Mapping[str, Mapping[str, float]] | None


def tune(
    tables: Tables, name: str, trials: int, seed: int, out: Path, command: str | None = None
) -> dict[str, Any]:
    """Search the settings of a model and write the results to a folder.

    Args:
        tables: The data; its last fifth is not used.
        name: Name of the model.
        trials: Number of trials, including those of an earlier run in the same folder.
        seed: Random seed of the search and of every training.
        out: Gets `search.json`, `best.yaml` (a section for `--settings`) and `report.html`.
        command: The command line, if any.

    Raises:
        InputError: If there are too few ratings or no new users among them, or the journal of an
            earlier run is damaged.
    """
    early, _ = cut(tables.ratings, TRAIN_SHARE)
    folds_in = model_spec(name).capabilities.fold_in
    split = fold_in(early) if folds_in else last_of_users(early, _HIDDEN_SHARE)
    out.mkdir(parents=True, exist_ok=True)
    study = _study(tables, name, seed, out)
    done = len(_complete(study))
    defaults = parse_settings(name).model_dump(mode="json")
    ranges = model_spec(name).search_space

    with progress_bar(f"tuning {name}", trials) as advance:
        advance(min(done, trials))
        while done < trials:
            # The defaults alone: all others are compared with them.
            size = min(task_slots(), trials - done) if done else 1
            batch = [study.ask() for _ in range(size)]
            changes = [
                apply(ranges, defaults, suggest(trial, ranges)) if done else {} for trial in batch
            ]

            def measure(number: int, changes: list[Changes] = changes) -> dict[str, Any]:
                return _measure(tables, split, name, changes[number], seed)

            for number, measured in completed_tasks(measure, range(size), in_threads=False):
                for key, value in measured.items():
                    batch[number].set_user_attr(key, value)
                study.tell(batch[number], measured["figures"]["rmse"])
                advance(1)
            done += size
    document = _summary(study, tables, name, seed)
    _write(out, document, ranges, Provenance(data_line(tables.manifest), command))
    return document


def suggest(trial: optuna.Trial, ranges: Sequence[SearchRange]) -> dict[str, float]:
    """Return a value within each range; the parameter has the name of the range's first path."""
    return {
        part.paths[0]: (
            trial.suggest_int(part.paths[0], int(part.low), int(part.high), log=part.log)
            if part.is_integer
            else trial.suggest_float(part.paths[0], part.low, part.high, log=part.log)
        )
        for part in ranges
    }


def _study(tables: Tables, name: str, seed: int, out: Path) -> optuna.Study:
    """Return the study of this data, model and seed, with the trials of earlier runs."""
    # Trials by another protocol, of earlier versions, are not compared with these.
    protocol = "" if model_spec(name).capabilities.fold_in else f" {_LAST_OF_USERS}"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = out / "study.journal"
    _drop_partial_line(journal)
    try:
        study = optuna.create_study(
            storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))),
            study_name=f"{name} {fingerprint(tables, seed)}{protocol}",
            load_if_exists=True,
        )
    except (ValueError, TypeError, LookupError, AssertionError) as error:
        raise InputError(f"{journal} is damaged; delete it to start the search again") from error
    # A resumed search must not repeat the draws of its beginning.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    return study


def _drop_partial_line(journal: Path) -> None:
    """Delete what a killed process or a full disk left after the last complete line."""
    if journal.exists():
        content = journal.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        if len(complete) < len(content):
            write_atomically(journal, partial(Path.write_bytes, data=complete))


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=[optuna.trial.TrialState.COMPLETE])


def _measure(
    tables: Tables,
    split: FoldIn | tuple[pl.DataFrame, pl.DataFrame],
    name: str,
    changes: Changes,
    seed: int,
) -> dict[str, Any]:
    """Return what is recorded of a trial: of the validation ratings, and how long it took."""
    begun = time.perf_counter()
    known = split.known if isinstance(split, FoldIn) else split[0]
    log = InteractionLog.of(known, Catalogue.of(tables.movies))
    model = train_on(log, name, parse_settings(name, changes), seed, next_item=UNTRAINED)
    if isinstance(split, FoldIn):
        events = evaluate_fold_in(model, split, name, ranking=False).events
    else:
        hidden = split[1]
        events = predict(model, model, hidden, hidden[TIMESTAMP].to_numpy(), name, FROZEN).events
    estimates = rating_errors(events) | order_metrics(events)
    squares, _, counts = sums_per_user(events)
    return {
        "settings": changes,
        "figures": {metric: estimate.value for metric, estimate in estimates.items()},
        _SQUARES: squares.tolist(),
        _COUNTS: counts.tolist(),
        "seconds": time.perf_counter() - begun,
    }


def _trial(
    number: int, trial: optuna.trial.FrozenTrial, default: optuna.trial.FrozenTrial
) -> Trial:
    """Return a trial compared with that of the default settings."""
    recorded = {key: trial.user_attrs[key] for key in ("settings", "figures", "seconds")}
    if not {_SQUARES, _COUNTS} <= trial.user_attrs.keys() & default.user_attrs.keys():
        return Trial(number, **recorded, rmse=None, less_default=None)
    before = np.array(default.user_attrs[_SQUARES], dtype=np.float64)
    squares = np.array(trial.user_attrs[_SQUARES], dtype=np.float64)
    counts = np.array(trial.user_attrs[_COUNTS], dtype=np.float64)
    rmse = estimate(lambda w: np.sqrt((w @ squares) / (w @ counts)), len(counts))
    difference = rmse_difference(before, squares, counts)
    return Trial(number, **recorded, rmse=vars(rmse), less_default=as_dicts({"rmse": difference}))


def _summary(study: optuna.Study, tables: Tables, name: str, seed: int) -> dict[str, Any]:
    complete = _complete(study)
    trials = [_trial(number, trial, complete[0]) for number, trial in enumerate(complete)]
    best = min(trials, key=lambda trial: trial.figures["rmse"])
    return {
        "data": tables.manifest.source,
        "model": name,
        "seed": seed,
        "measured": _MEASURED[model_spec(name).capabilities.fold_in],
        "defaults": parse_settings(name).model_dump(mode="json"),
        "best": best.number,
        "trials": in_units([vars(trial) for trial in trials], tables.encoding.scale),
    }


def _write(
    out: Path,
    document: Mapping[str, Any],
    ranges: Sequence[SearchRange],
    provenance: Provenance,
) -> None:
    best: Changes = document["trials"][document["best"]]["settings"]
    section = yaml.safe_dump({document["model"]: best}, sort_keys=False)
    texts = {"search.json": json.dumps(document, indent=2) + "\n", "best.yaml": section}
    for name, text in texts.items():
        write_text(out / name, text)
    write_search_page(document, ranges, provenance, out / "report.html")
