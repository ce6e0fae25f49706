"""Damaged folders: what is found, what is served instead, and how a rollback repairs them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import ratings_of
from tests.faults.injection import flip
from tests.registry.conftest import shifted

from foreseen.errors import InputError, ModelFolderError
from foreseen.models.base import Model
from foreseen.registry import audit_log, versions
from foreseen.registry.layout import CURRENT, CURRENT_COPY, read_current
from foreseen.registry.recovery import load_sound, rollback

NEW = ratings_of((9001, 1, 5.0, 2_000_000_000))
NEWER = ratings_of((9001, 2, 4.0, 2_000_000_001))


@pytest.fixture
def folder(bias: Model, tmp_path: Path) -> Path:
    """Three versions, the last is current; the log has grown twice by one rating."""
    folder = tmp_path / "m"
    versions.save_model(bias, folder)
    with versions.write_lock(folder):
        for number, stars, new in ((2, 0.1, NEW), (3, 0.2, NEWER)):
            versions.save_log(versions.load_model(folder).observe(new), folder)
            versions.add_version(folder, shifted(bias, stars), 1, "a test")
            versions.promote(folder, number, "a test")
    return folder


def returned(folder: Path) -> tuple[int, int]:
    """Roll back; return the number of the version and the size of its log."""
    with versions.write_lock(folder):
        number = rollback(folder, "a test")
    assert versions.read_version(folder).number == number
    return number, versions.load_model(folder).log.ratings.height


def test_a_sound_folder_is_used_as_it_is(folder: Path) -> None:
    found = load_sound(folder)
    assert found.current == read_current(folder)
    assert found.faults == ()
    assert found.loaded.version.number == 3


def damage_weights(folder: Path) -> None:
    flip(folder / "versions" / "0003" / "weights.safetensors")


def damage_card(folder: Path) -> None:
    flip(folder / "versions" / "0003" / "model.json")


def damage_metadata(folder: Path) -> None:
    flip(folder / "versions" / "0003" / "version.json")


def damage_ratings(folder: Path) -> None:
    flip(folder / "log" / "0003" / "ratings.parquet")


def damage_movies(folder: Path) -> None:
    flip(folder / "log" / "0003" / "movies.parquet")


def damage_current(folder: Path) -> None:
    (folder / CURRENT).write_bytes(b"\xff")


@pytest.mark.parametrize(
    ("damage", "version", "lost"),
    [
        (damage_weights, 2, 0),
        (damage_card, 2, 0),
        (damage_metadata, 2, 0),
        (damage_ratings, 3, 1),
        (damage_movies, 3, 1),
        (damage_current, 3, 0),
    ],
)
def test_from_damage_the_next_sound_state_is_served_and_returned_to(
    folder: Path, bias: Model, damage: Callable[[Path], None], version: int, lost: int
) -> None:
    damage(folder)
    with pytest.raises(ModelFolderError, match=f"foreseen rollback {folder}"):
        versions.load_model(folder)
    listed = [version.number for version in versions.list_versions(folder)]
    assert listed == ([1, 2] if damage is damage_metadata else [1, 2, 3])
    size = bias.log.ratings.height + 2 - lost
    found = load_sound(folder)
    assert (found.loaded.version.number, found.loaded.model.log.ratings.height) == (version, size)
    assert len(found.faults) == 1
    assert returned(folder) == (version, size)
    entry = audit_log.read(folder)[-1]
    assert (entry["what"], entry["version"]) == ("rollback", version)
    assert entry["damaged"] == list(found.faults)
    assert (folder / CURRENT).read_bytes() == (folder / CURRENT_COPY).read_bytes()


def test_a_damaged_log_is_kept_aside_and_its_ratings_can_be_observed_again(
    folder: Path, bias: Model
) -> None:
    damage_ratings(folder)
    returned(folder)
    assert (folder / "log" / "0003.damaged" / "ratings.parquet").exists()
    with versions.write_lock(folder):
        versions.save_log(versions.load_model(folder).observe(NEWER), folder)
    assert versions.load_model(folder).log.ratings.height == bias.log.ratings.height + 2
    assert (folder / "log" / "0003.damaged").exists()


def test_rollbacks_go_back_step_by_step_and_a_promotion_undoes_them(folder: Path) -> None:
    assert [returned(folder)[0] for _ in range(2)] == [2, 1]
    with versions.write_lock(folder):
        with pytest.raises(InputError, match="first that was current; for another, use: foreseen"):
            rollback(folder, "a test")
        versions.promote(folder, 3, "undone")
    assert returned(folder)[0] == 1
    actions = [(entry["what"], entry["version"]) for entry in audit_log.read(folder)[2:]]
    assert actions == [("rollback", 2), ("rollback", 1), ("promote", 3), ("rollback", 1)]


def test_a_rollback_skips_a_damaged_version(folder: Path) -> None:
    flip(folder / "versions" / "0002" / "weights.safetensors")
    assert returned(folder)[0] == 1
    assert "0002" in audit_log.read(folder)[-1]["damaged"][0]


def test_a_rollback_to_nothing_sound_is_refused_and_changes_nothing(folder: Path) -> None:
    for number in (1, 2):
        flip(folder / "versions" / f"000{number}" / "weights.safetensors")
    before = read_current(folder)
    with versions.write_lock(folder), pytest.raises(ModelFolderError, match="no earlier version"):
        rollback(folder, "a test")
    assert read_current(folder) == before
    damage_weights(folder)
    with pytest.raises(ModelFolderError, match=r"no earlier version.*restore a backup with"):
        load_sound(folder)


def test_an_older_folder_without_checksums_gets_them_at_the_next_change(
    bias: Model, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    versions.save_model(bias, folder)
    for file in (folder / "log" / "0001").iterdir():
        file.rename(folder / file.name)
    (folder / "log" / "0001").rmdir()
    (folder / CURRENT).write_text('{"version": 1, "before": [], "root": ""}')
    (folder / CURRENT_COPY).unlink()
    model = versions.load_model(folder)
    with versions.write_lock(folder):
        versions.save_log(model.observe(NEW), folder)
    assert versions.load_model(folder).log.ratings.height == bias.log.ratings.height + 1
    names = sorted(path.name for path in folder.iterdir())
    assert names == [CURRENT, CURRENT_COPY, "log", "versions"]
    flip(folder / "log" / "0001" / "ratings.parquet")
    with pytest.raises(ModelFolderError, match="does not match its checksum"):
        versions.load_model(folder)
