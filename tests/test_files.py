"""Atomic file writes."""

from pathlib import Path

import pytest

from foreseen.files import write_atomically


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
