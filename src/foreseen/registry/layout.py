"""Files of a folder of models, and which version is current; see `foreseen.registry.versions`."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from foreseen.errors import ForeseenError, ModelFolderError
from foreseen.files import write_atomically
from foreseen.models.checkpoint import CARD

CURRENT: Final = "current"
VERSIONS: Final = "versions"
VERSION: Final = "version.json"
RATINGS: Final = "ratings.parquet"
MOVIES: Final = "movies.parquet"
LINKS: Final = "links.parquet"
REPLACEMENT_PREFIX: Final = "anew."
"""Prefix of the names of roots that replaced earlier models."""
_LOCK_TIMEOUT: Final = 600.0
"""Seconds."""


class Version(BaseModel):
    """Metadata of a version, the contents of version.json.

    Attributes:
        number: From 1.
        made: Second it was made.
        model: Name of the model.
        parent: Version it was made to replace; None for the first.
        trained_on: Number of ratings in its full training.
        ratings: Number of ratings in its training, incremental training included.
        until: First second after those ratings.
        why: Reason it was made.
        comparison: Comparison with its parent, see
            `foreseen.registry.champion.PairedComparison.as_json`; empty if there was none.
        sha256: Checksums of its files, by name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    made: int
    model: str
    parent: int | None
    trained_on: int
    ratings: int
    until: int
    why: str
    comparison: dict[str, float | int | bool]
    sha256: dict[str, str]


class Current(BaseModel):
    """Contents of the file `current`.

    Attributes:
        version: Number of the current version.
        before: Numbers of the versions that were current before, oldest first.
        root: Name of the subfolder with the versions and the tables; empty for the folder itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    before: tuple[int, ...] = ()
    # Older folders have the key "home"; they are refused by the format of their models.
    root: str = Field(
        default="", pattern=r"^(anew\.\w+)?$", validation_alias=AliasChoices("root", "home")
    )


def root_of(folder: Path) -> Path:
    """Return the directory of the versions and the tables.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    return folder / read_current(folder).root


def version_folder(root: Path, number: int) -> Path:
    """Return the folder of a version, whether or not it exists."""
    return root / VERSIONS / f"{number:04d}"


def version_numbers(root: Path) -> list[int]:
    """Return the numbers of the versions in the versions directory, ascending."""
    return sorted(int(entry.name) for entry in (root / VERSIONS).iterdir() if entry.name.isdigit())


def read_current(folder: Path) -> Current:
    """Return which version is current.

    Raises:
        ModelFolderError: If the folder holds no models, or the file is damaged.
    """
    try:
        return Current.model_validate_json((folder / CURRENT).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ModelFolderError(f"{folder / CURRENT} is damaged; train again") from error
    except OSError as error:
        if (folder / CARD).is_file():
            raise ModelFolderError(
                f"{folder} has an older format, without versions: train it again"
            ) from error
        raise ModelFolderError(f"{folder} holds no model; make one: foreseen train") from error


def write_current(folder: Path, current: Current) -> None:
    """Replace the file `current` atomically."""
    text = current.model_dump_json() + "\n"
    write_atomically(folder / CURRENT, partial(Path.write_text, data=text, encoding="utf-8"))


@contextmanager
def lock(folder: Path) -> Generator[None]:
    """Hold the lock of a folder, which may hold models or not, while the block runs.

    Raises:
        ForeseenError: If another process holds it for ten minutes.
    """
    # Beside the folder, as its contents are deleted when models are replaced.
    file = folder.absolute().with_name(f".{folder.absolute().name}.lock")
    try:
        with FileLock(file, timeout=_LOCK_TIMEOUT):
            yield
    except Timeout as error:
        raise ForeseenError(
            f"another process has locked {folder} for {_LOCK_TIMEOUT:.0f} s; try again later"
        ) from error
