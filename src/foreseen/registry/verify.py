"""Checksums of the files of a version."""

from pathlib import Path

from foreseen.errors import ModelFolderError
from foreseen.integrity import sha256
from foreseen.models.card import CARD
from foreseen.models.checkpoint import WEIGHTS
from foreseen.registry.layout import Version, version_folder


def checksums(model_files: Path) -> dict[str, str]:
    """Return the SHA-256 checksums of the files of a model in a directory, by name."""
    return {name: sha256((model_files / name).read_bytes()) for name in (CARD, WEIGHTS)}


def verify(folder: Path, root: Path, version: Version) -> None:
    """Compare the files of a version with its checksums.

    Args:
        folder: The folder of models, named in messages.
        root: The directory of its versions, see `foreseen.registry.layout.root_of`.
        version: The version.

    Raises:
        ModelFolderError: If a file cannot be read, differs, or has no checksum.
    """
    for name in (CARD, WEIGHTS):
        file = version_folder(root, version.number) / name
        try:
            actual = sha256(file.read_bytes())
        except OSError as error:
            raise ModelFolderError(
                f"{file} cannot be read ({error.strerror}); go back with: "
                f"foreseen rollback {folder}"
            ) from error
        if actual != version.sha256.get(name):
            raise ModelFolderError(
                f"{file} does not match its checksum; go back with: foreseen rollback {folder}, "
                "or train again"
            )
