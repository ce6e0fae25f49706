"""Access to the files of folders and zips."""

from pathlib import Path

import pytest
from tests.conftest import write_folder, zip_folder
from tests.data.samples import RATINGS_CSV, zipped

from foreseen.data.sources import archive
from foreseen.data.sources.archive import open_archive, open_zip_members
from foreseen.data.sources.layouts import RATINGS_FILES
from foreseen.errors import DataError


def test_files_are_found_in_any_letter_case_and_one_folder_down(tmp_path: Path) -> None:
    write_folder(tmp_path / "set", RATINGS_CSV)
    (tmp_path / "README.txt").write_text("read me")
    opened = open_archive(tmp_path, RATINGS_FILES)
    assert set(opened.members) == {"ratings.csv"}
    assert opened.read("ratings.csv") == RATINGS_CSV.encode()
    assert opened.display_path("ratings.csv") == str(tmp_path / "set" / "ratings.csv")


def test_the_file_nearest_to_the_top_is_kept(tmp_path: Path) -> None:
    write_folder(tmp_path / "old", "old")
    write_folder(tmp_path, "new")
    assert open_archive(tmp_path, RATINGS_FILES).read("ratings.csv") == b"new"


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    file = zip_folder(write_folder(tmp_path / "set", RATINGS_CSV), tmp_path / "set.zip")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError, match="not a complete zip"):
        open_archive(file, RATINGS_FILES)


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        open_archive(tmp_path / "nowhere", RATINGS_FILES)


def test_a_zip_that_expands_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_EXPORT_BYTES", 1 << 20)
    bomb = zipped(**{"ratings.csv": "x" * (1 << 20) + "x"})
    with pytest.raises(DataError, match="at most 1 MiB"):
        open_zip_members(bomb, "bomb.zip", r"ratings\.csv")
