"""Atomic file writes."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from filelock import FileLock
from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]

from foreseen import files
from foreseen.errors import ForeseenError
from foreseen.files import draft, lock, sync, sync_tree, write_atomically
from tests.faults.injection import ON_WINDOWS, full_disk


def test_a_file_is_replaced_and_missing_folders_are_created(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "down" / "file.txt"
    for text in ("one", "two"):
        write_atomically(file, lambda path, text=text: path.write_text(text))
        assert file.read_text() == text
    assert list(file.parent.iterdir()) == [file]


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_atomically(file, fail)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_file_is_absent_until_the_write_has_ended(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"

    def write(path: Path) -> None:
        path.write_text("new")
        assert not file.exists()

    write_atomically(file, write)
    assert file.read_text() == "new"


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "real" / "file.txt", tmp_path / "link.txt"
    target.parent.mkdir()
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("symbolic links need a permission on Windows")
    for text in ("new", "newer"):
        write_atomically(link, lambda path, text=text: path.write_text(text))
        assert link.is_symlink()
        assert target.read_text() == text
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="FIFOs need Unix")
def test_a_fifo_is_written_to(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(fifo.read_text)
        write_atomically(fifo, lambda path: path.write_text("through"))
        assert received.result() == "through"
    assert fifo.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full needs Linux")
def test_a_device_is_written_to_and_reports_a_full_disk() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_atomically(Path("/dev/full"), lambda path: path.write_text("lost"))
    assert Path("/dev/full").is_char_device()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="open files have no paths")
def test_an_open_file_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("first\n")
    with file.open("a") as stream:
        path = Path(f"/dev/fd/{stream.fileno()}")
        write_atomically(path, lambda content: content.write_text("second\n"))
    assert file.read_text() == "first\nsecond\n"


def _write_csv(path: Path) -> None:
    pl.DataFrame({"a": range(50_000)}).write_csv(path)


def _write_parquet(path: Path) -> None:
    pl.DataFrame({"a": np.random.default_rng(0).random(50_000)}).write_parquet(path)


def _write_text(path: Path) -> None:
    path.write_text("x" * 200_000)


def _write_safetensors(path: Path) -> None:
    save_file({"a": np.zeros(50_000)}, path)


@ON_WINDOWS
@pytest.mark.parametrize("write", [_write_csv, _write_parquet, _write_safetensors, _write_text])
def test_a_full_disk_is_an_error_that_names_the_file(
    write: Callable[[Path], object], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with full_disk(100_000), pytest.raises(OSError, match="too large") as raised:
        write_atomically(file, write)
    assert raised.value.filename == str(file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_process_left_is_deleted_once_it_has_not_grown(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / f".file.txt.{name}" for name in ("123", "456", "bak"))
    for file in (old, fresh, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (0, 0))
    write_atomically(tmp_path / "file.txt", lambda path: path.write_text("new"))
    assert {file.name for file in tmp_path.iterdir()} == {"file.txt", fresh.name, other.name}


def test_a_lock_held_by_another_is_reported_after_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_LOCK_TIMEOUT", 0.01)
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


def test_a_draft_and_those_of_killed_processes_are_deleted(tmp_path: Path) -> None:
    (tmp_path / ".m.abc.draft").mkdir()
    (tmp_path / ".m.abc").mkdir()
    with draft(tmp_path / "m") as folder:
        (folder / "file").touch()
        assert {path.name for path in tmp_path.iterdir()} == {".m.abc", folder.name}
    assert [path.name for path in tmp_path.iterdir()] == [".m.abc"]


def test_files_and_folders_are_flushed(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_text("text")
    sync(tmp_path / "below" / "file")
    sync_tree(tmp_path)
