"""The live model, which replaces the snapshot that is served."""

import gc
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import random_ratings, tables_of
from tests.faults.injection import flip
from tests.serving.conftest import ignore, refuse

from foreseen.candidates.co_occurrence import CoOccurrence
from foreseen.errors import ModelFolderError
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.registry.layout import read_current, write_current
from foreseen.serving.live_model import LiveModel, freeze_gc
from foreseen.serving.snapshot import ModelSnapshot

EVERY = 0.01
"""Seconds between the checks of the live model."""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(EVERY)


def new_version(folder: Path) -> int:
    """Add the current model again as a new version and promote it."""
    with versions.write_lock(folder):
        number = versions.add_version(folder, versions.load_model(folder), 1, "test")
        versions.promote(folder, number, "test")
    return number


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError):
        LiveModel(tmp_path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that loads fast."""
    folder = tmp_path_factory.mktemp("tiny") / "m"
    versions.save_model(train(tables_of(random_ratings(0, 200)), "bias"), folder)
    return folder


@pytest.fixture
def folder(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny folder. `freeze_gc` is skipped: it is slow among all other tests."""
    monkeypatch.setattr("foreseen.serving.live_model.freeze_gc", ignore)
    shutil.copytree(tiny, tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def live(folder: Path) -> Iterator[LiveModel]:
    opened = LiveModel(folder, EVERY)
    yield opened
    opened.close()


def test_a_live_model_serves_a_promoted_version_and_old_snapshots_stay_usable(
    live: LiveModel, folder: Path
) -> None:
    old = live.current
    number = new_version(folder)
    wait_until(lambda: live.current.version.number == number)
    assert live.current.serial > old.serial
    assert old.version.number == 1
    assert old.title_search.find("movie", 1)


def test_a_live_model_is_reloaded_when_the_log_changes(live: LiveModel, folder: Path) -> None:
    old = live.current
    with versions.write_lock(folder):
        versions.save_log(versions.load_model(folder), folder)
    wait_until(lambda: live.current is not old)
    assert live.current.version == old.version
    assert live.current.revision == versions.revision(folder)


def test_a_live_model_keeps_its_snapshot_while_the_folder_is_damaged(
    live: LiveModel, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, content = live.current, (folder / "current").read_bytes()
    (folder / "current").write_bytes(b"\xff")
    wait_until(lambda: "cannot be read" in caplog.text)
    time.sleep(10 * EVERY)
    assert live.current is old
    assert live.fault
    assert len(caplog.records) == 1
    (folder / "current").write_bytes(content)
    wait_until(lambda: live.current is not old)
    assert live.current.version == old.version
    assert not live.fault


def test_a_live_model_keeps_its_version_when_a_new_one_is_damaged(
    live: LiveModel, folder: Path
) -> None:
    old = live.current
    with versions.write_lock(folder):
        number = versions.add_version(folder, versions.load_model(folder), 1, "test")
        flip(folder / "versions" / f"{number:04d}" / "weights.safetensors")
        write_current(folder, read_current(folder).model_copy(update={"version": number}))
    wait_until(lambda: bool(live.fault))
    assert "does not match its checksum" in live.fault
    assert live.current is old


@pytest.mark.parametrize("name", ["versions/0002/weights.safetensors", "current"])
def test_a_live_model_starts_with_the_sound_version_before_a_damaged_one_and_recovers(
    folder: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    number = new_version(folder)
    file = folder / name
    content = file.read_bytes()
    flip(file)
    live = LiveModel(folder, EVERY)
    try:
        assert live.current.version.number == (1 if "versions" in name else number)
        assert file.name in live.fault
        assert f"serving version {live.current.version.number}" in caplog.text
        file.write_bytes(content)
        wait_until(lambda: not live.fault)
        assert live.current.version.number == number
    finally:
        live.close()


def test_a_folder_in_which_nothing_is_sound_is_refused(folder: Path) -> None:
    flip(folder / "log" / "0001" / "ratings.parquet")
    with pytest.raises(ModelFolderError, match=r"ratings\.parquet is damaged .*restore a backup"):
        LiveModel(folder)


def test_a_closed_live_model_has_stopped_watching(folder: Path) -> None:
    live = LiveModel(folder, EVERY)
    live.close()
    old = live.current
    new_version(folder)
    time.sleep(5 * EVERY)
    assert live.current is old


@pytest.mark.parametrize("collect", [False, True])
def test_frozen_objects_are_excluded_from_garbage_collection(collect: bool) -> None:
    gc.unfreeze()
    freeze_gc(collect=collect)
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_what_many_requests_use_is_computed_after_the_start(
    live: LiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = live.current
    # It joins the thread.
    live.close()
    snapshot.warm_up(threading.Event())
    monkeypatch.setattr(CoOccurrence, "_count", refuse)
    for movie in range(len(snapshot.ids)):
        snapshot.model.candidates.co_occurrence.of(movie, snapshot.now)
    assert "title_search" in vars(snapshot)


def test_preparation_ends_when_the_server_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = ModelSnapshot.load(folder)
    stopped = threading.Event()
    stopped.set()
    monkeypatch.setattr(CoOccurrence, "_count", refuse)
    snapshot.warm_up(stopped)
