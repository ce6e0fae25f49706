"""Search for settings on validation data (Optuna: Akiba et al., 2019; its TPE sampler).

Trials are fitted to the first part of the training ratings and evaluated on the users who begin in
the rest of them, by the fold-in protocol; ratings of the test part are not used. The first trial
has the default settings. An interrupted search resumes.
"""

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import yaml
from optuna.storages.journal import JournalFileBackend

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.fingerprint import fingerprint
from foreseen.errors import InputError
from foreseen.evaluation.metrics import order_metrics, rating_errors
from foreseen.evaluation.protocols import evaluate_fold_in
from foreseen.evaluation.splits import TRAIN_SHARE, FoldIn, cut, fold_in
from foreseen.evaluation.units import in_units
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically, write_text
from foreseen.models.installed import model_spec
from foreseen.models.spec import SearchRange, parse_settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

Changes = dict[str, Any]
"""Settings that differ from the defaults, by their top-level names."""


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        number: Position in the search; trial 0 has the default settings.
        settings: The settings that differ from the defaults.
        figures: RMSE over events, RMSE per user, NDCG@10, pairwise accuracy.
        seconds: Duration.
    """

    number: int
    settings: Changes
    figures: dict[str, float]
    seconds: float


def tune(tables: Tables, name: str, trials: int, seed: int, out: Path) -> dict[str, Any]:
    """Search the settings of a model and write the results to a folder.

    Args:
        tables: The data; its last fifth is not used.
        name: Name of the model.
        trials: Number of trials, including those of an earlier run in the same folder.
        seed: Random seed of the search and of every training.
        out: Gets `search.json`, `best.yaml` (a section for `--settings`) and `search.png`.

    Raises:
        InputError: If there are too few ratings or no new users among them, or the journal of an
            earlier run is damaged.
    """
    early, _ = cut(tables.ratings, TRAIN_SHARE)
    split = fold_in(early)
    out.mkdir(parents=True, exist_ok=True)
    study = _study(tables, name, seed, out)
    done = len(_complete(study))
    defaults = parse_settings(name).model_dump(mode="json")
    ranges = model_spec(name).search_space

    def objective(trial: optuna.Trial) -> float:
        changes = apply(ranges, defaults, suggest(trial, ranges)) if _complete(study) else {}
        begun = time.perf_counter()
        figures = _evaluate(tables, split, name, changes, seed)
        trial.set_user_attr("settings", changes)
        trial.set_user_attr("figures", figures)
        trial.set_user_attr("seconds", time.perf_counter() - begun)
        return figures["rmse"]

    with progress_bar(f"tuning {name}", trials) as advance:
        advance(min(done, trials))
        for _ in range(done, trials):
            _optimize(study, objective)
            advance(1)
    document = _summary(study, tables, name, seed)
    _write(out, document)
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


def apply(
    ranges: Sequence[SearchRange], defaults: Mapping[str, Any], values: Mapping[str, float]
) -> Changes:
    """Return the changed settings with a value at every path of each range.

    A top-level setting with a changed part is returned whole, its other parts as in the defaults.

    Args:
        ranges: The search space.
        defaults: Settings as `model_dump(mode="json")` returns them; not modified.
        values: A value for each range, by its first path.
    """
    changes: Changes = {}
    for part in ranges:
        for path in part.paths:
            name = path.split(".")[0]
            if name not in changes:
                changes[name] = copy.deepcopy(defaults[name])
            parent, key = _locate(changes, path)
            parent[key] = values[part.paths[0]]
    return changes


def value_at(settings: Mapping[str, Any], path: str) -> object:
    """Return the value at a path of settings, as in `loop.epochs` or `hidden.0`."""
    parent, key = _locate(settings, path)
    return parent[key]


def _locate(settings: Mapping[str, Any], path: str) -> tuple[Any, str | int]:
    """Return the dictionary or list that holds the value at a path, and its key or index."""
    *above, last = path.split(".")
    parent: Any = settings
    for name in above:
        parent = parent[_key(parent, name)]
    return parent, _key(parent, last)


def _key(parent: object, name: str) -> str | int:
    return int(name) if isinstance(parent, list) else name


def _study(tables: Tables, name: str, seed: int, out: Path) -> optuna.Study:
    """Return the study of this data, model and seed, with the trials of earlier runs."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = out / "study.journal"
    _drop_partial_line(journal)
    try:
        study = optuna.create_study(
            storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))),
            study_name=f"{name} {fingerprint(tables, seed)}",
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


def _optimize(study: optuna.Study, objective: Callable[[optuna.Trial], float]) -> None:
    try:
        study.optimize(objective, n_trials=1)
    except AssertionError as error:
        # Optuna asserts that a trial has a state, also if writing it to the journal has failed.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=[optuna.trial.TrialState.COMPLETE])


def _evaluate(
    tables: Tables, split: FoldIn, name: str, changes: Changes, seed: int
) -> dict[str, float]:
    log = InteractionLog.of(split.known, Catalogue.of(tables.movies))
    model = train_on(log, name, parse_settings(name, changes), seed, next_item=UNTRAINED)
    events = evaluate_fold_in(model, split, name, ranking=False).events
    estimates = rating_errors(events) | order_metrics(events)
    return {metric: estimate.value for metric, estimate in estimates.items()}


def _summary(study: optuna.Study, tables: Tables, name: str, seed: int) -> dict[str, Any]:
    trials = [
        Trial(number, **{key: trial.user_attrs[key] for key in ("settings", "figures", "seconds")})
        for number, trial in enumerate(_complete(study))
    ]
    best = min(trials, key=lambda trial: trial.figures["rmse"])
    return {
        "data": tables.manifest.source,
        "model": name,
        "seed": seed,
        "measured": "fold-in protocol inside the first 80 % of the ratings",
        "defaults": parse_settings(name).model_dump(mode="json"),
        "best": best.number,
        "trials": in_units([vars(trial) for trial in trials], tables.encoding.scale),
    }


def _write(out: Path, document: Mapping[str, Any]) -> None:
    best: Changes = document["trials"][document["best"]]["settings"]
    section = yaml.safe_dump({document["model"]: best}, sort_keys=False)
    texts = {"search.json": json.dumps(document, indent=2) + "\n", "best.yaml": section}
    for name, text in texts.items():
        write_text(out / name, text)
    draw_search(document, out / "search.png")


def draw_search(document: Mapping[str, Any], file: Path) -> None:
    """Draw the error of every trial and the lowest so far."""
    from matplotlib.figure import Figure

    errors = [trial["figures"]["rmse"] for trial in document["trials"]]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    panel = figure.subplots()
    panel.plot(errors, "o", alpha=0.6, label="trial")
    panel.step(
        range(len(errors)), np.minimum.accumulate(errors), where="post", label="lowest so far"
    )
    panel.axhline(errors[0], color="grey", linestyle=":", label="default settings")
    panel.set_xlabel("trial")
    panel.set_ylabel("RMSE on validation users (stars)")
    panel.set_title(f"{document['model']} on {document['data']}")
    panel.legend()
    write_atomically(file, partial(figure.savefig, dpi=130, format="png"))
