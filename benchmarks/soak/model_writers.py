"""Writers of folders of models, and of backups."""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from data_writers import prepare_ratings, random_tables
from writers import AFTER, LostError, Step, Writer, require

from foreseen.data.canonical import ratings_frame
from foreseen.models.base import Model
from foreseen.models.bias import BiasPredictor
from foreseen.models.train import train
from foreseen.registry import recovery, versions
from foreseen.registry.layout import read_current
from foreseen.serving.backup import back_up, restore
from foreseen.serving.locations import default_database, secret_file
from foreseen.serving.store import Store

_USER: Final = 9001
_LATER: Final = 2_000_000_000
_COPIES: Final = 6


# Training: two models, saved in turn.


@cache
def _models() -> tuple[Model, Model]:
    small = train(random_tables(300), "bias")
    return small, _shifted(train(random_tables(400), "bias"))


def _shifted(model: Model) -> Model:
    """Return a model with a larger error."""
    predictor = model.predictor
    assert isinstance(predictor, BiasPredictor)
    weights = predictor.weights.copy()
    weights[-1] += 1
    return replace(model, predictor=replace(predictor, weights=weights))


def _save_models(folder: Path, process: int) -> Step:
    _models()

    def step(number: int) -> None:
        which = (number + process) % 2
        links = random_tables(300, links=True).links if which else None
        versions.save_model(_models()[which], folder / "m", links)

    return step


def _check_saved(folder: Path, done: Mapping[int, int]) -> None:
    del done
    loaded = versions.load(folder / "m")
    require(loaded.version.number == 1, "another version is current")
    for known, has_links in zip(_models(), (False, True), strict=True):
        if loaded.model.log.ratings.equals(known.log.ratings):
            require((loaded.links is not None) == has_links, "the links are those of another model")
            equal = (
                loaded.model.predictor.arrays()["weights"] == known.predictor.arrays()["weights"]
            )
            require(bool(np.all(equal)), "the weights are those of another model")
            return
    raise LostError("the log is that of neither model")


def _prepare_model(folder: Path) -> None:
    versions.save_model(_models()[0], folder / "m")


# Observing: a new rating in each step.


def _observe(folder: Path, process: int) -> Step:
    def step(number: int) -> None:
        new = ratings_frame([(_USER + process, 1 + number, 3.0, _LATER + number)])
        with versions.write_lock(folder / "m"):
            versions.save_log(versions.load_model(folder / "m").observe(new), folder / "m")

    return step


def _check_observed(folder: Path, done: Mapping[int, int]) -> None:
    model = versions.load_model(folder / "m")
    for process, number in done.items():
        found = len(model.history(_USER + process).movies)
        require(number + 1 <= found <= number + 2, f"{found} ratings, {number + 1} were reported")


# Updates: each step trains and compares a challenger in a copy of the folder of its own.


@cache
def _update_parts() -> tuple[Model, pl.DataFrame]:
    ratings = random_tables(2500).ratings
    first = replace(random_tables(2500), ratings=ratings[:1000])
    return train(first, "bias"), ratings[1000:]


def _prepare_updates(folder: Path) -> None:
    for number in range(_COPIES):
        versions.save_model(_shifted(_update_parts()[0]), folder / str(number))


def _run_updates(folder: Path, process: int) -> Step:
    del process
    from foreseen.registry.update import update

    _update_parts()

    def step(number: int) -> None:
        if _COPIES <= number < AFTER:
            # All copies are updated: wait for the kill.
            sys.stdin.read()
        update(folder / str(number % _COPIES), _update_parts()[1])

    return step


def _check_updates(folder: Path, done: Mapping[int, int]) -> None:
    for number in range(_COPIES):
        place = folder / str(number)
        model, current = versions.load_model(place), read_current(place)
        with versions.write_lock(place):
            # Deletes what was left over; the next step writes to one of the copies only.
            pass
        size = model.log.ratings.height
        require(size in {1000, 2500}, f"{size} ratings")
        require(current.version in {1, 2}, f"version {current.version} is current")
        if number <= max(done.values()):
            require((size, current.version) == (2500, 2), "a reported update is lost")


# Promotions and rollbacks among three versions.


def _prepare_versions(folder: Path) -> None:
    _prepare_model(folder)
    with versions.write_lock(folder / "m"):
        for _ in range(2):
            versions.add_version(folder / "m", _models()[1], 1, "soak")


def _promote(folder: Path, process: int) -> Step:
    del process

    def step(number: int) -> None:
        del number
        with versions.write_lock(folder / "m"):
            current = read_current(folder / "m").version
            versions.promote(folder / "m", current % 3 + 1, "soak")

    return step


def _check_promoted(folder: Path, done: Mapping[int, int]) -> None:
    current = read_current(folder / "m")
    promotions = sum(number + 1 for number in done.values())
    found = len(current.before)
    require(promotions <= found <= promotions + len(done), f"{found} of {promotions} promotions")
    require(current.version == found % 3 + 1, "another version is current")
    versions.load_model(folder / "m")


def _roll_back(folder: Path, process: int) -> Step:
    del process

    def step(number: int) -> None:
        del number
        with versions.write_lock(folder / "m"):
            current = read_current(folder / "m")
            if current.before:
                recovery.rollback(folder / "m", "soak")
            else:
                versions.promote(folder / "m", current.version % 3 + 1, "soak")

    return step


def _check_rolled_back(folder: Path, done: Mapping[int, int]) -> None:
    del done
    require(len(read_current(folder / "m").before) < 2, "a rollback is lost")
    versions.load_model(folder / "m")


# Backups and their restoration.


def _prepare_backup(folder: Path) -> None:
    _prepare_model(folder)
    secret_file(folder / "m").write_text("soak\n")
    prepare_ratings(folder)


def _back_up_again(folder: Path, process: int) -> Step:
    del process
    return lambda _: back_up(folder / "m", folder / "backup.zip", None)


def _check_backup(folder: Path, done: Mapping[int, int]) -> None:
    versions.load_model(folder / "m")
    file = folder / "backup.zip"
    if not file.exists():
        require(max(done.values()) < 0, "a reported backup is lost")
        return
    with tempfile.TemporaryDirectory() as place:
        restore(file, Path(place) / "m", None)
        _check_restored(Path(place) / "m")


def _check_restored(folder: Path) -> None:
    model = versions.load_model(folder)
    require(model.log.ratings.equals(_models()[0].log.ratings), "the log is another one")
    require(secret_file(folder).read_text() == "soak\n", "the secret is another one")
    store = Store(default_database(folder))
    require(len(store.ratings(1)) == 1, "a rating is lost")
    store.close()


def _prepare_restoration(folder: Path) -> None:
    _prepare_backup(folder)
    back_up(folder / "m", folder / "backup.zip", None)


def _restore_again(folder: Path, process: int) -> Step:
    def step(number: int) -> None:
        restore(folder / "backup.zip", folder / f"{process}-{number}" / "m", None)

    return step


def _check_restorations(folder: Path, done: Mapping[int, int]) -> None:
    for process, number in done.items():
        for step in range(number + 2):
            place = folder / f"{process}-{step}" / "m"
            if step <= number:
                require((place / "current").exists(), "a reported restoration is lost")
            # Completes one that was interrupted.
            restore(folder / "backup.zip", place, None)
            _check_restored(place)


WRITERS: Final[Mapping[str, Writer]] = {
    "training": Writer(_prepare_model, _save_models, _check_saved),
    "observe": Writer(_prepare_model, _observe, _check_observed),
    "update": Writer(_prepare_updates, _run_updates, _check_updates, seconds=2.0),
    "promote": Writer(_prepare_versions, _promote, _check_promoted),
    "rollback": Writer(_prepare_versions, _roll_back, _check_rolled_back),
    "backup": Writer(_prepare_backup, _back_up_again, _check_backup),
    "restore": Writer(_prepare_restoration, _restore_again, _check_restorations),
}
