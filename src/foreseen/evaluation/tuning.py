"""Search for settings on validation data (Optuna: Akiba et al., 2019; its TPE sampler).

What is tried is fitted to the first part of the training ratings and measured on the users who
begin in the rest of them, by the fold-in protocol: no rating that a test would use is looked at.
The first trial is the settings a model comes with. A search that was stopped goes on where it was.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import optuna
import yaml
from optuna.storages.journal import JournalFileBackend

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.fingerprint import fingerprint
from foreseen.evaluation.metrics import order_quality, rating_errors
from foreseen.evaluation.protocols import ask_fold_in
from foreseen.evaluation.splits import TRAIN_SHARE, FoldIn, cut, fold_in
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

Changes = dict[str, Any]
Space = Callable[[optuna.Trial, Changes], Changes]


@dataclass(frozen=True)
class Tried:
    """One trial.

    Attributes:
        number: Its place in the search; 0 is the settings the model comes with.
        settings: What differs from those.
        figures: RMSE over events, RMSE per user, NDCG@10, pairwise accuracy.
        seconds: How long it took.
    """

    number: int
    settings: Changes
    figures: dict[str, float]
    seconds: float


def tune(tables: Tables, name: str, trials: int, seed: int, out: Path) -> dict[str, Any]:
    """Try settings of a model and write what came of it to a folder.

    Args:
        tables: The data; its last fifth is not looked at.
        name: Of the model.
        trials: How many to try, those of an earlier run in the same folder included.
        seed: Of the search and of every training.
        out: Gets `search.json`, `best.yaml` (a section for `--settings`) and `search.png`.

    Raises:
        InputError: If there are too few ratings or no new users among them.
    """
    early, _ = cut(tables.ratings, TRAIN_SHARE)
    split = fold_in(early)
    out.mkdir(parents=True, exist_ok=True)
    study = _study(tables, name, seed, out)
    done = len(_complete(study))
    defaults = parse_settings(name).model_dump(mode="json")

    def objective(trial: optuna.Trial) -> float:
        changes = SPACES[name](trial, defaults) if _complete(study) else {}
        begun = time.perf_counter()
        figures = _measure(tables, split, name, changes, seed)
        trial.set_user_attr("settings", changes)
        trial.set_user_attr("figures", figures)
        trial.set_user_attr("seconds", time.perf_counter() - begun)
        return figures["rmse"]

    with progress_bar(f"tuning {name}", trials) as advance:
        advance(min(done, trials))
        for _ in range(done, trials):
            study.optimize(objective, n_trials=1)
            advance(1)
    document = _summary(study, tables, name, seed)
    _write(out, document)
    return document


def _study(tables: Tables, name: str, seed: int, out: Path) -> optuna.Study:
    """Return the study of this very search: same data, model and seed."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(out / "study.journal"))),
        study_name=f"{name} {fingerprint(tables, seed)}",
        load_if_exists=True,
    )
    # A search that goes on must not draw again what it drew first.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    return study


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=[optuna.trial.TrialState.COMPLETE])


def _measure(
    tables: Tables, split: FoldIn, name: str, changes: Changes, seed: int
) -> dict[str, float]:
    log = InteractionLog.of(split.known, Catalogue.of(tables.movies))
    model = train_on(log, name, parse_settings(name, changes), seed, next_item=UNTRAINED)
    events = ask_fold_in(model, split, name, lists=False).events
    measured = rating_errors(events) | order_quality(events)
    return {figure: own.value for figure, own in measured.items()}


def _summary(study: optuna.Study, tables: Tables, name: str, seed: int) -> dict[str, Any]:
    tried = [
        Tried(n, own.user_attrs["settings"], own.user_attrs["figures"], own.user_attrs["seconds"])
        for n, own in enumerate(_complete(study))
    ]
    best = min(tried, key=lambda own: own.figures["rmse"])
    return {
        "data": tables.manifest.source,
        "model": name,
        "seed": seed,
        "measured": "fold-in protocol inside the first 80 % of the ratings",
        "defaults": parse_settings(name).model_dump(mode="json"),
        "best": best.number,
        "trials": [vars(own) for own in tried],
    }


def _write(out: Path, document: Mapping[str, Any]) -> None:
    best: Changes = document["trials"][document["best"]]["settings"]
    section = yaml.safe_dump({document["model"]: best}, sort_keys=False)
    texts = {"search.json": json.dumps(document, indent=2) + "\n", "best.yaml": section}
    for name, text in texts.items():
        write_atomically(
            out / name, lambda path, text=text: path.write_text(text, encoding="utf-8")
        )
    draw_search(document, out / "search.png")


def draw_search(document: Mapping[str, Any], file: Path) -> None:
    """Draw the error of every trial and the least so far."""
    from matplotlib.figure import Figure

    errors = [own["figures"]["rmse"] for own in document["trials"]]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    panel = figure.subplots()
    panel.plot(errors, "o", alpha=0.6, label="a trial")
    panel.step(
        range(len(errors)), np.minimum.accumulate(errors), where="post", label="least so far"
    )
    panel.axhline(errors[0], color="grey", linestyle=":", label="the settings it comes with")
    panel.set_xlabel("trial")
    panel.set_ylabel("RMSE on validation users (stars)")
    panel.set_title(f"{document['model']} on {document['data']}")
    panel.legend()
    figure.savefig(file, dpi=130)


def _loop(trial: optuna.Trial, defaults: Changes, least: int, most: int) -> Changes:
    return {
        **defaults["loop"],
        "epochs": trial.suggest_int("epochs", least, most),
        "learning_rate": trial.suggest_float("learning_rate", 5e-4, 8e-3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 0.1, log=True),
    }


def _bias(trial: optuna.Trial, defaults: Changes) -> Changes:
    del defaults
    return {"ridge": trial.suggest_float("ridge", 1, 10_000, log=True)}


def _baseline(trial: optuna.Trial, defaults: Changes) -> Changes:
    return {"loop": _loop(trial, defaults, 5, 40)}


def _hybrid(trial: optuna.Trial, defaults: Changes) -> Changes:
    return {
        "width": trial.suggest_int("width", 4, 32, log=True),
        "dropout": trial.suggest_float("dropout", 0, 0.5),
        "id_dropout": trial.suggest_float("id_dropout", 0.1, 0.9),
        "loop": _loop(trial, defaults, 5, 30),
    }


def _history(trial: optuna.Trial, defaults: Changes) -> Changes:
    return {
        "width": trial.suggest_int("width", 6, 24),
        "directions": trial.suggest_int("directions", 5, 40),
        "id_dropout": trial.suggest_float("id_dropout", 0.2, 0.8),
        "event_dropout": trial.suggest_float("event_dropout", 0, 0.6),
        "loop": _loop(trial, defaults, 4, 16),
    }


def _ensemble(trial: optuna.Trial, defaults: Changes) -> Changes:
    first, *others = defaults["factors"]
    width = trial.suggest_int("hidden", 32, 128, log=True)
    ranked = {
        "rank": trial.suggest_int("rank", 6, 20),
        "directions": trial.suggest_int("directions", 0, 40),
    }
    left_out = [
        trial.suggest_float("inputs_left_out", 0, 0.3),
        trial.suggest_float("hidden_left_out", 0.1, 0.5),
    ]
    return {
        "factors": [{**first, **ranked}, *others],
        "hidden": [width, width],
        "dropout": left_out,
        "loop": _loop(trial, defaults, 2, 10),
    }


SPACES: Final[Mapping[str, Space]] = {
    "bias": _bias,
    "baseline": _baseline,
    "hybrid": _hybrid,
    "history": _history,
    "ensemble": _ensemble,
}
"""What is tried of each model; everything else stays as it comes."""
