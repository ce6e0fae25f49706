import json
from pathlib import Path

import pytest
from tests.faults.injection import flipped

from foreseen.errors import ModelFolderError
from foreseen.registry.layout import (
    CURRENT,
    CURRENT_COPY,
    Current,
    StoredLog,
    numbers_in,
    read_copy,
    read_current,
    root_of,
    write_current,
)

LOG = StoredLog(number=3, sha256={"ratings.parquet": "ab"})


@pytest.mark.parametrize(
    "current",
    [Current(version=1), Current(version=3, before=(1, 2), root="anew.a1", log=LOG)],
)
def test_the_current_version_is_read_as_it_was_written(current: Current, tmp_path: Path) -> None:
    write_current(tmp_path, current)
    assert read_current(tmp_path) == read_copy(tmp_path) == current
    assert root_of(tmp_path) == tmp_path / current.root
    assert sorted(file.name for file in tmp_path.iterdir()) == [CURRENT, CURRENT_COPY]


def test_the_key_of_older_folders_is_read_and_the_present_one_written(tmp_path: Path) -> None:
    (tmp_path / "current").write_text('{"version": 2, "before": [1], "home": "anew.a1"}')
    current = read_current(tmp_path)
    assert current == Current(version=2, before=(1,), root="anew.a1")
    write_current(tmp_path, current)
    assert json.loads((tmp_path / "current").read_text())["root"] == "anew.a1"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"[1]",
        b"\xff\xfe\x00",
        b'{"version": 1, "x": 2}',
        b'{"version": 1, "root": "../m"}',
        b'{"version": 1, "home": "../m"}',
        b'{"version": 1, "root": "versions"}',
        b'{"version": 0}',
        b'{"version": NaN}',
        b'{"version": 1e999}',
        b'{"version": "one"}',
        b'{"version": 9999999999999}',
        b'{"version": ' + 5000 * b"9" + b"}",
        b'{"version": ' + 100_000 * b"[" + b"}",
        b'{"version": 1, "log": {"number": 1, "sha256": {}}}',
        b'{"version": 1, "checksum": "ab"}',
    ],
    ids=lambda content: repr(content[:30]),
)
def test_a_damaged_file_or_a_root_elsewhere_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "current").write_bytes(content)
    with pytest.raises(
        ModelFolderError, match=r"current is damaged or of a newer version .*;"
    ) as e:
        read_current(tmp_path)
    assert "restore a backup with: foreseen restore, or train again" in str(e.value)
    assert len(str(e.value)) < 500
    assert "\n" not in str(e.value)
    with pytest.raises(ModelFolderError, match="its copy are damaged"):
        read_copy(tmp_path)


def test_a_flipped_bit_is_found_and_repaired_from_the_copy(tmp_path: Path) -> None:
    current = Current(version=3, before=(1, 2), log=LOG)
    write_current(tmp_path, current)
    content = (tmp_path / CURRENT).read_bytes()
    unnoticed = 0
    for place in range(len(content)):
        (tmp_path / CURRENT).write_bytes(flipped(content, place))
        try:
            found = read_current(tmp_path)
        except ModelFolderError as error:
            message = str(error)
        else:
            # White space between keys and values does not count.
            assert found == current
            unnoticed += 1
            continue
        assert "repair it with: foreseen rollback" in message
    assert unnoticed < 0.1 * len(content)
    assert read_copy(tmp_path) == current


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="holds no model; make one: foreseen train"):
        read_current(tmp_path)


def test_a_folder_of_the_format_without_versions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelFolderError, match="older format, without versions: train it again"):
        read_current(tmp_path)


def test_drafts_and_other_names_are_no_numbers(tmp_path: Path) -> None:
    for name in (
        "0010",
        "0002",
        "0001",
        ".draft.abc",
        "\u00b2\u00b2\u00b2\u00b2",
        "0003.damaged",
        "5",
    ):
        (tmp_path / name).mkdir()
    assert numbers_in(tmp_path) == [1, 2, 10]
    assert numbers_in(tmp_path / "missing") == []
