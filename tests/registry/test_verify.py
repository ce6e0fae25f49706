import re
from pathlib import Path

import pytest

from foreseen.errors import ModelFolderError
from foreseen.registry import versions
from foreseen.registry.verify import checksums, verify

NAMES = ["model.json", "weights.safetensors"]


def test_a_new_version_has_the_checksums_of_its_files(folder: Path) -> None:
    version = versions.read_version(folder)
    assert sorted(version.sha256) == NAMES
    assert version.sha256 == checksums(folder / "versions" / "0001")
    verify(folder, folder, version)


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    file = folder / "versions" / "0001" / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    message = f"{file} does not match its checksum; go back with: foreseen rollback {folder}"
    with pytest.raises(ModelFolderError, match=re.escape(message)):
        versions.load_model(folder)


def test_a_file_without_a_checksum_is_refused(folder: Path) -> None:
    version = versions.read_version(folder).model_copy(update={"sha256": {}})
    with pytest.raises(ModelFolderError, match="does not match its checksum"):
        verify(folder, folder, version)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / "versions" / "0001" / name).unlink()
    with pytest.raises(ModelFolderError, match=f"{name} cannot be read"):
        versions.load_model(folder)
