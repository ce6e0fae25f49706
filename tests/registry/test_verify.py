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
    versions.verify_current(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    file = folder / "versions" / "0001" / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    message = f"{file} does not match its checksum; go back with: foreseen rollback {folder}"
    for read in (versions.verify_current, versions.load_model):
        with pytest.raises(ModelFolderError, match=re.escape(message)):
            read(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / "versions" / "0001" / name).unlink()
    with pytest.raises(ModelFolderError, match=f"{name} cannot be read"):
        versions.verify_current(folder)
