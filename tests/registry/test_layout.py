import json
from pathlib import Path

import pytest
from filelock import FileLock

from foreseen.errors import ForeseenError, ModelFolderError
from foreseen.registry import layout
from foreseen.registry.layout import (
    Current,
    lock,
    read_current,
    root_of,
    version_folder,
    version_numbers,
    write_current,
)


@pytest.mark.parametrize(
    "current", [Current(version=1), Current(version=3, before=(1, 2), root="anew.a1")]
)
def test_the_current_version_is_read_as_it_was_written(current: Current, tmp_path: Path) -> None:
    write_current(tmp_path, current)
    assert read_current(tmp_path) == current
    assert root_of(tmp_path) == tmp_path / current.root


def test_the_key_of_older_folders_is_read_and_the_present_one_written(tmp_path: Path) -> None:
    (tmp_path / "current").write_text('{"version": 2, "before": [1], "home": "anew.a1"}')
    current = read_current(tmp_path)
    assert current == Current(version=2, before=(1,), root="anew.a1")
    write_current(tmp_path, current)
    document = json.loads((tmp_path / "current").read_text())
    assert document == {"version": 2, "before": [1], "root": "anew.a1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        '{"version": 1, "x": 2}',
        '{"version": 1, "root": "../m"}',
        '{"version": 1, "home": "../m"}',
        '{"version": 1, "root": "versions"}',
    ],
)
def test_a_damaged_file_or_a_root_elsewhere_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "current").write_text(text)
    with pytest.raises(ModelFolderError, match="current is damaged; train again"):
        read_current(tmp_path)


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="holds no model; make one: foreseen train"):
        read_current(tmp_path)


def test_a_folder_of_the_format_without_versions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelFolderError, match="older format, without versions: train it again"):
        read_current(tmp_path)


def test_drafts_are_not_versions(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        version_folder(tmp_path, number).mkdir(parents=True)
    (tmp_path / "versions" / ".draft.abc").mkdir()
    assert version_numbers(tmp_path) == [1, 2, 10]


def test_a_lock_held_by_another_is_reported_after_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_LOCK_TIMEOUT", 0.01)
    folder = tmp_path / "m"
    with lock(folder):
        pass
    with (
        FileLock(tmp_path / ".m.lock"),
        pytest.raises(ForeseenError, match="another process has locked"),
        lock(folder),
    ):
        pass
    assert not folder.exists()
