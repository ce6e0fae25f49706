"""Versions are immutable, one is current, and all have the same log."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]
from tests.conftest import ratings_of

from foreseen.errors import InputError, ModelFolderError
from foreseen.models.base import Model
from foreseen.registry import audit_log, recovery, versions
from foreseen.registry.champion import train_challenger

LINKS = pl.DataFrame({"movieId": [1], "imdbId": ["0111161"], "tmdbId": [278]})
NEW = ratings_of((9001, 1, 5.0, 2_000_000_000))


def add(folder: Path, model: Model, why: str = "a test") -> int:
    with versions.write_lock(folder):
        return versions.add_version(folder, model, 1, why)


def test_a_version_is_current_from_its_promotion_to_its_rollback(folder: Path, bias: Model) -> None:
    assert add(folder, bias) == 2
    assert versions.read_version(folder).number == 1
    with versions.write_lock(folder):
        versions.promote(folder, 2, "better")
    assert versions.read_version(folder).number == 2
    with versions.write_lock(folder):
        assert recovery.rollback(folder, "worse") == 1
        with pytest.raises(InputError, match="first that was current; for another, use: foreseen"):
            recovery.rollback(folder, "again")
    assert versions.read_version(folder).number == 1
    assert [entry["what"] for entry in audit_log.read(folder)] == ["promote", "rollback"]
    assert [version.why for version in versions.list_versions(folder)] == ["trained", "a test"]


def test_a_version_that_does_not_exist_or_is_current_is_not_promoted(folder: Path) -> None:
    with versions.write_lock(folder):
        with pytest.raises(InputError, match="no version 7"):
            versions.promote(folder, 7, "")
        with pytest.raises(InputError, match="no version 0"):
            versions.promote(folder, 0, "")
        with pytest.raises(InputError, match="already"):
            versions.promote(folder, 1, "")


def test_a_damaged_version_is_not_promoted(folder: Path, bias: Model) -> None:
    add(folder, bias)
    weights = folder / "versions" / "0002" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with versions.write_lock(folder), pytest.raises(ModelFolderError, match="checksum"):
        versions.promote(folder, 2, "")
    assert versions.read_version(folder).number == 1
    assert versions.load_model(folder).name == "bias"


def test_a_version_with_damaged_metadata_is_not_listed(folder: Path, bias: Model) -> None:
    add(folder, bias)
    (folder / "versions" / "0002" / "version.json").write_text("{}")
    assert [version.number for version in versions.list_versions(folder)] == [1]
    with pytest.raises(ModelFolderError, match=r"version\.json is damaged"):
        versions.read_version(folder, 2)


def test_a_model_is_not_saved_into_a_folder_of_other_files(bias: Model, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="name a new or an empty folder"):
        versions.save_model(bias, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_all_versions_have_the_same_log(folder: Path, bias: Model) -> None:
    add(folder, bias)
    with versions.write_lock(folder):
        versions.save_log(versions.load_model(folder).observe(NEW), folder)
    for number in (1, 2):
        assert len(versions.load_model(folder, number).history(9001).movies) == 1


def test_the_revision_changes_with_the_log_and_the_current_version(
    folder: Path, bias: Model
) -> None:
    revisions = [versions.revision(folder)]
    assert versions.revision(folder) == revisions[0]
    with versions.write_lock(folder):
        number = versions.add_version(folder, bias, 1, "a test")
        assert versions.revision(folder) == revisions[0]
        versions.save_log(bias.observe(NEW), folder)
        revisions.append(versions.revision(folder))
        versions.promote(folder, number, "")
        revisions.append(versions.revision(folder))
    assert len(set(revisions)) == 3


def test_of_two_ratings_of_a_pair_the_later_one_counts(bias: Model) -> None:
    later = ratings_of((9001, 1, 5.0, 2_000_000_900))
    older = ratings_of((9001, 1, 2.0, 2_000_000_100))
    for first, second in ((later, older), (older, later)):
        assert bias.observe(first).observe(second).history(9001).ratings.tolist() == [5.0]


def test_a_version_has_the_rows_of_the_movie_table_that_it_shares(
    bias: Model, folder: Path
) -> None:
    """New movies are appended, whatever their ids."""
    end = bias.log.end
    pairs = [(user, movie) for user in (9001, 9002) for movie in (18, 7, 1_000_003, 999_999)]
    rows = [(user, movie, 4.0, end + n) for n, (user, movie) in enumerate(pairs)]
    observed = bias.observe(ratings_of(*rows))
    challenger = train_challenger(observed, observed.log.ratings.height - 2, 0)
    with versions.write_lock(folder):
        versions.save_log(observed, folder)
        number = versions.add_version(folder, challenger, 1, "a test")
    pairs = observed.log.ratings.tail(400).drop("rating")
    assert versions.load_model(folder, number).predict(pairs).equals(challenger.predict(pairs))


@pytest.mark.parametrize("root", ["", "anew.a1b2"])
def test_a_folder_of_an_older_format_is_refused_and_can_be_replaced(
    bias: Model, tmp_path: Path, root: str
) -> None:
    """Format 8 has other keys and file names."""
    folder = tmp_path / "m"
    write_format_8(folder, root, bias)
    message = "has format 8 and model 'ensemble'; .*: train it again"
    with pytest.raises(ModelFolderError, match=message):
        versions.load_model(folder)
    with versions.write_lock(folder), pytest.raises(ModelFolderError, match=message):
        versions.promote(folder, 2, "")
    versions.save_model(bias, folder)
    assert versions.load_model(folder).name == "bias"
    assert len(list(folder.iterdir())) == 3


def write_format_8(folder: Path, root: str, model: Model) -> None:
    for number in (1, 2):
        version = folder / root / "versions" / f"{number:04d}"
        version.mkdir(parents=True)
        save_file({"identifiers.users": model.log.users.ids}, version / "weights.safetensors")
        logit = {"values": [0.1] * 40, "coverage": 0.9}
        card = {
            "format": 8,
            "name": "ensemble",
            "seed": 0,
            "settings": {"networks": 3},
            "scale": [0.5, 5.0],
            "uncertainty": {"weights": [0.0] * 8},
            "watching": {"next": logit, "liked": logit},
            "report": {"validation_rmse": 0.9, "trained_on": 10.0},
            "genres": ["Comedy"],
        }
        (version / "model.json").write_text(json.dumps(card))
        metadata = {
            "number": number,
            "made": 1_700_000_000,
            "model": "ensemble",
            "parent": None,
            "trained_on": 10,
            "ratings": 10,
            "until": 1_700_000_000,
            "why": "trained",
            "comparison": {},
            "sha256": {
                file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                for file in version.iterdir()
            },
        }
        (version / "version.json").write_text(json.dumps(metadata))
    model.log.ratings.write_parquet(folder / root / "ratings.parquet")
    model.log.catalogue.table.write_parquet(folder / root / "movies.parquet")
    (folder / "current").write_text(json.dumps({"version": 1, "before": [], "home": root}))


def test_models_that_replaced_others_are_observed_promoted_and_rolled_back(
    folder: Path, bias: Model
) -> None:
    versions.save_model(bias, folder, LINKS)
    versions.save_model(bias, folder)
    assert add(folder, bias) == 2
    with versions.write_lock(folder):
        versions.save_log(bias.observe(NEW), folder)
        versions.promote(folder, 2, "")
    assert versions.read_version(folder).number == 2
    assert versions.load_model(folder).log.ratings.tail(1).equals(NEW)
    assert versions.read_links(folder) is None
    with versions.write_lock(folder):
        assert recovery.rollback(folder, "") == 1
    assert [version.number for version in versions.list_versions(folder)] == [1, 2]
