"""New folders, versions and logs: whole or not at all, and nothing of a killed process stays."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import ratings_of
from tests.faults.injection import ON_WINDOWS, full_disk

from foreseen.models.base import Model
from foreseen.registry import versions
from foreseen.registry.layout import CURRENT, CURRENT_COPY

NEW = ratings_of((9001, 1, 5.0, 2_000_000_000))


def entries(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_killed_processes_left_is_deleted_by_the_next_writer(
    folder: Path, bias: Model
) -> None:
    expected = entries(folder)
    for name in ("anew.x", "versions/.draft.x", "log/.draft.x", "log/0007"):
        (folder / name).mkdir()
        (folder / name / "file").touch()
    (folder / f"{CURRENT}.new").touch()
    (folder / CURRENT_COPY).unlink()
    with versions.write_lock(folder):
        pass
    assert entries(folder) == expected
    assert (folder / CURRENT).read_bytes() == (folder / CURRENT_COPY).read_bytes()
    beside = folder.parent / ".other.abc.draft"
    beside.mkdir()
    versions.save_model(bias, folder.parent / "other")
    assert not beside.exists()


CHANGES: dict[str, Callable[[Path, Model], object]] = {
    "create": lambda folder, model: versions.save_model(model, folder.parent / "other"),
    "replace": lambda folder, model: versions.save_model(model, folder),
    "log": lambda folder, model: versions.save_log(model.observe(NEW), folder),
    "version": lambda folder, model: versions.add_version(folder, model, 1, "a test"),
}


@ON_WINDOWS
@pytest.mark.parametrize("change", CHANGES)
def test_a_full_disk_leaves_the_old_state_and_nothing_else(
    folder: Path, bias: Model, change: str
) -> None:
    expected = entries(folder)
    before = versions.load_model(folder)
    with full_disk(600), pytest.raises(OSError, match="File too large"):
        CHANGES[change](folder, bias)
    assert entries(folder) == expected
    assert versions.load_model(folder).log.ratings.equals(before.log.ratings)
    beside = {path.name for path in folder.parent.iterdir()}
    assert beside <= {"m", ".m.lock", ".other.lock"}
