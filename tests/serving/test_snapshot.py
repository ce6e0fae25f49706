"""Snapshots of a model, and the live model that replaces them."""

import gc
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import random_ratings, tables_of
from tests.faults.injection import flip

from foreseen.errors import ModelFolderError
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.registry.layout import read_current, write_current
from foreseen.serving.snapshot import LiveModel, ModelSnapshot, freeze_gc
from foreseen.serving.store import StoredRating

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


def test_a_snapshot_is_loaded_with_the_version_and_revision_of_its_folder(
    snapshot: ModelSnapshot, trained: Path
) -> None:
    assert snapshot.version == versions.read_version(trained)
    assert snapshot.revision == versions.revision(trained)
    assert snapshot.now == snapshot.model.log.end


def test_later_snapshots_have_higher_serials(snapshot: ModelSnapshot) -> None:
    again = ModelSnapshot(snapshot.model, snapshot.version, snapshot.links, snapshot.revision)
    assert again.serial > snapshot.serial


def test_rows_and_ids_are_inverse_and_an_unknown_movie_has_no_row(snapshot: ModelSnapshot) -> None:
    assert [snapshot.row(int(movie)) for movie in snapshot.ids[:20]] == list(range(20))
    assert snapshot.row(-5) is None


def test_statistics_of_movies_are_those_of_the_ratings_of_the_log(snapshot: ModelSnapshot) -> None:
    log = snapshot.model.log
    row = int(np.argmax(snapshot.views))
    rating = log.rating[log.movie == row]
    assert snapshot.views[row] == len(rating)
    assert snapshot.means[row] == pytest.approx(rating.mean())
    assert snapshot.rating_deviations[row] == pytest.approx(rating.std())
    assert snapshot.like_counts[row] == (rating >= 4).sum()
    unrated = int(np.argmin(snapshot.views))
    assert snapshot.views[unrated] == 0
    assert np.isnan(snapshot.means[unrated])
    assert snapshot.rating_deviations[unrated] == snapshot.like_counts[unrated] == 0


@given(offsets=st.lists(st.integers(-(10**9), 10**9), max_size=12))
def test_a_history_ends_before_now_and_keeps_its_order_and_its_past(
    snapshot: ModelSnapshot, offsets: list[int]
) -> None:
    moments = sorted(snapshot.now + offset for offset in offsets)
    rated = [StoredRating(n + 1, 3.5, moment) for n, moment in enumerate(moments)]
    history = snapshot.history(rated)
    assert history.movies.tolist() == [entry.movie for entry in rated]
    assert history.ratings.tolist() == [entry.rating for entry in rated]
    shifted = history.timestamps.tolist()
    assert shifted == sorted(shifted)
    assert all(moment < snapshot.now for moment in shifted)
    past = [moment for moment in moments if moment < snapshot.now]
    assert shifted[: len(past)] == past


def test_ratings_after_the_end_of_the_log_are_shifted_together(snapshot: ModelSnapshot) -> None:
    moments = [snapshot.now - 500, snapshot.now + 1000, snapshot.now + 1060]
    history = snapshot.history([StoredRating(1, 4.0, moment) for moment in moments])
    expected = [snapshot.now - 500, snapshot.now - 61, snapshot.now - 1]
    assert history.timestamps.tolist() == expected


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError):
        ModelSnapshot.load(tmp_path)
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
    monkeypatch.setattr("foreseen.serving.snapshot.freeze_gc", lambda: None)
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


def test_frozen_objects_are_excluded_from_garbage_collection() -> None:
    gc.unfreeze()
    freeze_gc()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
