"""The drift log: what it stores, what it refuses, and how a finding is acknowledged."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.findings import FOUND
from tests.registry.conftest import WINDOW, recorded

from foreseen.drift.recovery import UsualError
from foreseen.errors import InputError, ModelFolderError
from foreseen.evaluation.intervals import Estimate
from foreseen.files import write_atomically
from foreseen.integrity import to_json
from foreseen.models.base import Model
from foreseen.registry import audit_log, drift_log, versions
from foreseen.registry.drift_log import DriftLog, Effect


def test_a_folder_without_updates_has_no_findings(folder: Path) -> None:
    assert drift_log.read(folder) == DriftLog()


def test_a_log_is_read_as_it_was_written(folder: Path) -> None:
    usual = UsualError(noise=0.7, user=0.4, movie=0.3, others=1.1, standard_error=0.02)
    effect = Effect(expected=0.9, found=1.1, after=0.9, usual=usual, excess=Estimate(1, 0.9, 1.1))
    log = DriftLog(findings=(recorded(effect=effect),), windows=(WINDOW,))
    drift_log.write(folder, log)
    assert drift_log.read(folder) == log


def test_a_log_of_before_errors_were_compared_is_read(folder: Path) -> None:
    log = DriftLog(findings=(recorded(),))
    document = log.model_dump(mode="json")
    for name in ("usual", "excess"):
        del document["findings"][0]["effect"][name]
    write_atomically(folder / drift_log.FILE, lambda file: file.write_bytes(to_json(document)))
    assert drift_log.read(folder) == log


@pytest.mark.parametrize("content", [b"", b"{}", b'{"findings": [], "windows": []}', b"\xff", b"["])
def test_a_damaged_log_is_refused_with_the_fix(folder: Path, content: bytes) -> None:
    (folder / drift_log.FILE).write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"drift\.json is damaged .* delete it"):
        drift_log.read(folder)


def test_a_changed_figure_does_not_match_the_checksum(folder: Path) -> None:
    drift_log.write(folder, DriftLog(windows=(WINDOW,)))
    file = folder / drift_log.FILE
    file.write_bytes(file.read_bytes().replace(b"0.85", b"0.75"))
    with pytest.raises(ModelFolderError, match="checksum"):
        drift_log.read(folder)


def test_a_folder_without_models_has_no_log(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="holds no model"):
        drift_log.read(tmp_path)


def test_an_acknowledged_finding_needs_no_attention_and_keeps_who_and_when(folder: Path) -> None:
    drift_log.write(folder, DriftLog(findings=(recorded(1), recorded(2))))
    log = drift_log.acknowledge(folder, 2, "ada")
    assert log == drift_log.read(folder)
    assert [found.needs_attention for found in log.findings] == [True, False]
    second = log.findings[1]
    assert (second.state, second.acknowledged_by) == ("acknowledged", "ada")
    assert second.acknowledged_at is not None
    entry = audit_log.read(folder)[-1]
    assert (entry["what"], entry["finding"], entry["by"]) == ("acknowledge", 2, "ada")


@pytest.mark.parametrize(
    ("number", "message"), [(1, "it is closed; open are: 2"), (3, "there is none; open are: 2")]
)
def test_only_an_open_finding_can_be_acknowledged(folder: Path, number: int, message: str) -> None:
    log = DriftLog(findings=(recorded(1, state="closed"), recorded(2)))
    drift_log.write(folder, log)
    with pytest.raises(InputError, match=message):
        drift_log.acknowledge(folder, number, "ada")
    assert drift_log.read(folder) == log


def test_findings_of_the_same_kind_with_overlapping_intervals_are_one_change() -> None:
    record = recorded()
    assert record.is_of(replace(FOUND, since=120, earliest=115, found=300, named=300))
    assert not record.is_of(replace(FOUND, since=250, earliest=240, found=300, named=300))
    assert not record.is_of(replace(FOUND, label="new users"))
    # The date of a change may lie after its alarm, but not after its name.
    assert record.is_of(replace(FOUND, found=80))
    assert not record.is_of(replace(FOUND, found=80, named=None))
    named_later = record.model_copy(update={"earliest": 250, "latest": 260, "named": 300})
    assert named_later.is_of(replace(FOUND, since=250, earliest=250, latest=260, named=300))


def test_a_change_without_a_name_needs_attention_until_the_next_update(folder: Path) -> None:
    unnamed = replace(FOUND, named=None)
    log = DriftLog().with_unnamed([unnamed])
    assert log.needs_attention
    drift_log.write(folder, log)
    assert drift_log.read(folder) == log
    (change,) = log.unnamed
    assert (change.what, change.found, change.named) == ("level", 200, None)
    assert "not named for certain yet" in change.sentence
    assert not log.with_unnamed([]).needs_attention
    watched = replace(unnamed, kind="share", is_concept_drift=False)
    assert not log.with_unnamed([watched]).needs_attention


def test_the_oldest_windows_are_dropped() -> None:
    log = DriftLog()
    for number in range(120):
        log = log.with_window(WINDOW.model_copy(update={"begins": number}))
    assert [window.begins for window in log.windows] == list(range(20, 120))


def test_training_anew_deletes_the_log(folder: Path, bias: Model) -> None:
    drift_log.write(folder, DriftLog(findings=(recorded(),)))
    versions.save_model(bias, folder)
    assert drift_log.read(folder) == DriftLog()
