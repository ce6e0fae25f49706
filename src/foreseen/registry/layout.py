"""Files of a folder of models, and which version is current; see `foreseen.registry.versions`."""

import re
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from foreseen.data.rating_scale import RatingScale
from foreseen.data.schema import TIMESTAMP_LIMIT
from foreseen.errors import ModelFolderError
from foreseen.files import sync
from foreseen.integrity import describe, from_json, to_json
from foreseen.models.card import CARD, read_scale

CURRENT: Final = "current"
CURRENT_COPY: Final = "current.copy"
"""Has the same content as `current`, which is repaired from it."""
VERSIONS: Final = "versions"
VERSION: Final = "version.json"
LOGS: Final = "log"
RATINGS: Final = "ratings.parquet"
MOVIES: Final = "movies.parquet"
LINKS: Final = "links.parquet"
IDS: Final = "ids.parquet"
"""Ids of users and movies that are not whole numbers, if there are any."""
REPLACEMENT_PREFIX: Final = "anew."
"""Prefix of the names of roots that replaced earlier models."""
RESTORE: Final = "restore a backup with: foreseen restore, or train again"
"""What to do if nothing in a folder is sound."""
NEW: Final = ".new"
"""Suffix of the names of a new `current` and its copy."""
_LARGEST_NUMBER: Final = 999_999_999
Record = TypeVar("Record", bound=BaseModel)


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
        why_parts: What the reason is made of, see `foreseen.messages.parts_of`.
        comparison: Comparison with its parent, see
            `foreseen.registry.champion.PairedComparison.as_json`; empty if there was none.
        sha256: Checksums of its files, by name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    number: int = Field(ge=1, le=_LARGEST_NUMBER)
    made: int = Field(ge=0, le=TIMESTAMP_LIMIT)
    model: str
    parent: int | None
    trained_on: int = Field(ge=0, lt=2**63)
    ratings: int = Field(ge=0, lt=2**63)
    until: int = Field(ge=0, le=TIMESTAMP_LIMIT)
    why: str
    why_parts: dict[str, Any] | None = None
    comparison: dict[str, float | int | bool]
    sha256: dict[str, str]


class StoredLog(BaseModel):
    """A generation of the log: its number, from 1, and the checksums of its files by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1, le=_LARGEST_NUMBER)
    sha256: dict[str, str]


class Current(BaseModel):
    """Contents of the file `current`.

    Attributes:
        version: Number of the current version.
        before: Numbers of the versions that were current before, oldest first.
        root: Name of the subfolder with the versions and the logs; empty for the folder itself.
        log: The log; None in folders of older versions of Foreseen, whose tables lie in the root
            and have no checksums.
        log_before: The log before the last change, to return to if `log` is damaged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1, le=_LARGEST_NUMBER)
    before: tuple[int, ...] = ()
    # Older folders have the key "home"; they are refused by the format of their models.
    root: str = Field(
        default="", pattern=r"^(anew\.\w+)?$", validation_alias=AliasChoices("root", "home")
    )
    log: StoredLog | None = None
    log_before: StoredLog | None = None


def root_of(folder: Path) -> Path:
    """Return the directory of the versions and the logs.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    return folder / read_current(folder).root


def version_folder(root: Path, number: int) -> Path:
    """Return the folder of a version, whether or not it exists."""
    return root / VERSIONS / f"{number:04d}"


def log_folder(root: Path, log: StoredLog | None) -> Path:
    """Return the folder of a log, whether or not it exists."""
    return root if log is None else root / LOGS / f"{log.number:04d}"


def numbers_in(folder: Path) -> list[int]:
    """Return the numbers of the versions or logs in a folder, ascending."""
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir())
    return sorted(int(name) for name in names if re.fullmatch(r"[0-9]{4,9}", name))


def read_current(folder: Path) -> Current:
    """Return which version is current.

    Raises:
        ModelFolderError: If the folder holds no models, or the file is damaged.
    """
    try:
        return _parse_current(folder / CURRENT)
    except ValueError as error:
        reason = f"damaged or of a newer version ({error})"
    except OSError as error:
        reason = f"unreadable ({error.strerror})"
        if not (folder / CURRENT_COPY).is_file():
            if (folder / CARD).is_file():
                raise ModelFolderError(
                    f"{folder} has an older format, without versions: train it again"
                ) from error
            raise ModelFolderError(f"{folder} holds no model; make one: foreseen train") from error
    if (folder / CURRENT_COPY).is_file():
        fix = f"repair it with: foreseen rollback {folder}"
    else:
        fix = RESTORE
    raise ModelFolderError(f"{folder / CURRENT} is {reason}; {fix}")


def read_copy(folder: Path) -> Current:
    """Return the copy of the file `current`.

    Raises:
        ModelFolderError: If there is none, or it is damaged.
    """
    try:
        return _parse_current(folder / CURRENT_COPY)
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{folder / CURRENT} and its copy are damaged; {RESTORE}") from error


def read_current_or_copy(folder: Path) -> tuple[Current, str]:
    """Return which version is current, and the fault of the file `current` if its copy was read.

    Raises:
        ModelFolderError: If the folder holds no models, or both are damaged.
    """
    try:
        return read_current(folder), ""
    except ModelFolderError as error:
        if not (folder / CURRENT_COPY).is_file():
            raise
        return read_copy(folder), str(error)


def read_record(file: Path, kind: type[Record]) -> tuple[Record, bool]:
    """Return the record in a file, and whether it has a checksum.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is damaged; the message is the reason.
    """
    document, has_checksum = from_json(file.read_bytes())
    try:
        return kind.model_validate(document), has_checksum
    except ValidationError as error:
        raise ValueError(describe(error)) from error


def fault_of(error: OSError | ValueError) -> str:
    """Return the reason in an error of `read_record`."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _parse_current(file: Path) -> Current:
    current, has_checksum = read_record(file, Current)
    if current.log is not None and not has_checksum:
        raise ValueError("it has no checksum")
    return current


def write_current(folder: Path, current: Current) -> None:
    """Replace the file `current` atomically, then its copy."""
    content = to_json(current.model_dump(mode="json"))
    names = (CURRENT, CURRENT_COPY)
    try:
        # A full disk is found before either is replaced.
        for name in names:
            (folder / (name + NEW)).write_bytes(content)
            sync(folder / (name + NEW))
        for name in names:
            (folder / (name + NEW)).replace(folder / name)
    finally:
        for name in names:
            (folder / (name + NEW)).unlink(missing_ok=True)
    sync(folder)


def read_metadata(folder: Path, current: Current, number: int) -> Version:
    """Return the metadata of a version.

    Raises:
        ModelFolderError: If they are damaged.
    """
    file = version_folder(folder / current.root, number) / VERSION
    try:
        version, _ = read_record(file, Version)
    except (OSError, ValueError) as error:
        reason = fault_of(error)
    else:
        if version.number == number:
            return version
        reason = f"it is of version {version.number}"
    raise ModelFolderError(
        f"{file} is damaged ({reason}); go back with: foreseen rollback {folder}"
    )


def write_metadata(version_files: Path, version: Version) -> None:
    """Write the metadata of a version beside its model."""
    (version_files / VERSION).write_bytes(to_json(version.model_dump(mode="json")))


def rating_scale(folder: Path) -> RatingScale:
    """Return the scale of the ratings that the models of a folder are fitted to.

    Raises:
        ModelFolderError: If the folder holds no models, or the current one is damaged.
    """
    current = read_current(folder)
    return read_scale(version_folder(folder / current.root, current.version))
