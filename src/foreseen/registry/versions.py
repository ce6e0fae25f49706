"""Versions of a trained model in a folder: immutable, one of them current, one log for all.

    DIR/
      current           the current version, those that were current before, and the log
      current.copy      the same; `current` is repaired from it
      versions/0001/    model.json, weights.safetensors, version.json; never changed
      log/0001/         ratings.parquet, movies.parquet, links.parquet; never changed
      audit_log.jsonl   promotions, rollbacks and updates, with time and reason
      drift.json        drift findings and the error of new ratings, see `drift_log`

Folders are renamed to their final names once they are complete, and a change is valid once
`current` names it, so a process killed at any moment leaves a readable current version. Writers
hold a lock; readers need none. All files have checksums, which are compared before a file is used.

When models are replaced, the new versions and logs are written to a subfolder `anew.*`. The old
ones are deleted after `current` names it.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import polars as pl

from foreseen.errors import InputError, ModelFolderError
from foreseen.files import lock
from foreseen.models.base import Model
from foreseen.models.card import CARD
from foreseen.models.checkpoint import read_model
from foreseen.registry import audit_log, tables, writing
from foreseen.registry.layout import (
    CURRENT,
    CURRENT_COPY,
    VERSIONS,
    Current,
    Version,
    log_folder,
    numbers_in,
    read_current,
    read_current_or_copy,
    read_metadata,
    root_of,
    version_folder,
    write_current,
)
from foreseen.registry.verify import verify


@dataclass(frozen=True)
class LoadedVersion:
    """A version with all that is stored with it.

    Attributes:
        model: The model, with all ratings of the folder in its log.
        version: Its metadata.
        links: The movies' ids in other databases; None if the data had none.
    """

    model: Model
    version: Version
    links: pl.DataFrame | None


def save_model(model: Model, folder: Path | str, links: pl.DataFrame | None = None) -> None:
    """Write a trained model as version 1 of a folder.

    All versions that the folder holds are deleted once the new one is complete.

    Args:
        model: The model.
        folder: A new or empty folder, or one of models.
        links: The movies' ids in other databases, for importing ratings from other services.

    Raises:
        InputError: If the folder holds something other than models.
        ForeseenError: If another process holds the lock for ten minutes.
        OSError: If a file cannot be written; the folder keeps what it has.
    """
    folder = Path(folder)
    check_destination(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        if _holds_models(folder):
            writing.replace(folder, model, links)
        else:
            writing.create(folder, model, links)


def check_destination(folder: Path) -> None:
    """Check that a model may be saved in a folder: a new or empty one, or one of models.

    Raises:
        InputError: If the folder holds something other than models.
    """
    if (
        folder.exists()
        and not _holds_models(folder)
        and (not folder.is_dir() or any(folder.iterdir()))
    ):
        raise InputError(f"{folder} exists and holds no model; name a new or an empty folder")


def load_model(folder: Path | str, number: int | None = None) -> Model:
    """Return a version, by default the current one, with all ratings of the folder in its log.

    Raises:
        ModelFolderError: If there is none, or it is damaged or of another format.
        InputError: If there is no version of that number.
    """
    return load(Path(folder), number).model


def load(folder: Path, number: int | None = None) -> LoadedVersion:
    """Return a version, by default the current one, with all that is stored with it.

    Raises:
        ModelFolderError: If there is none, or it is damaged or of another format.
        InputError: If there is no version of that number.
    """
    while True:
        current = read_current(folder)
        try:
            return load_state(folder, current, number)
        except ModelFolderError:
            # A writer may have deleted the files meanwhile.
            if read_current(folder) == current:
                raise


def load_state(folder: Path, current: Current, number: int | None = None) -> LoadedVersion:
    """Return a version as of a content of the file `current`; see `load`."""
    version, log = verify_state(folder, current, number)
    root = folder / current.root
    model = read_model(version_folder(root, version.number), log.ratings, log.movies, log.encoding)
    return LoadedVersion(model, version, log.links)


def verify_state(
    folder: Path, current: Current, number: int | None = None
) -> tuple[Version, tables.LogTables]:
    """Return the metadata and the log of a version, after a comparison with all checksums.

    Raises:
        ModelFolderError: If a file is damaged.
        InputError: If there is no version of that number.
    """
    version = _read_version(folder, current, number)
    verify(folder, folder / current.root, version)
    return version, tables.read_log(folder, current)


def read_version(folder: Path, number: int | None = None) -> Version:
    """Return the metadata of a version, by default of the current one.

    Raises:
        ModelFolderError: If the folder holds no models, or the metadata is damaged.
        InputError: If there is no version of that number.
    """
    return _read_version(folder, read_current(folder), number)


def _read_version(folder: Path, current: Current, number: int | None) -> Version:
    if number is not None and number not in numbers_in(folder / current.root / VERSIONS):
        raise InputError(f"{folder} has no version {number}; see: foreseen models {folder}")
    return read_metadata(folder, current, current.version if number is None else number)


def list_versions(folder: Path) -> list[Version]:
    """Return the metadata of all versions, oldest first; damaged metadata is left out.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    current, _ = read_current_or_copy(folder)
    found: list[Version] = []
    for number in numbers_in(folder / current.root / VERSIONS):
        with suppress(ModelFolderError):
            found.append(_read_version(folder, current, number))
    return found


def read_links(folder: Path) -> pl.DataFrame | None:
    """Return the movies' ids in other databases; None if the data had none.

    Raises:
        ModelFolderError: If the folder holds no models, or its log is damaged.
    """
    return tables.read_log(folder, read_current(folder)).links


def revision(folder: Path) -> tuple[int, ...]:
    """Return a value that changes whenever the current version or the log does.

    It also changes when their files are damaged or repaired, if the file system notes the time.
    """
    current: Current | None = None
    with suppress(ModelFolderError):
        current = read_current(folder)
    with suppress(OSError):
        content = (folder / CURRENT).read_bytes()
        files = [] if current is None else _files_of(folder, current)
        return (crc32(content), *map(_modified, files))
    return ()


def _files_of(folder: Path, current: Current) -> list[Path]:
    """Return the folders of the current version and the log, and the files in them."""
    root = folder / current.root
    found: list[Path] = []
    for place in (version_folder(root, current.version), log_folder(root, current.log)):
        found += [place, *(sorted(place.iterdir()) if place.is_dir() else ())]
    return found


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@contextmanager
def write_lock(folder: Path) -> Generator[None]:
    """Keep other processes from changing a folder of models while the block runs.

    Raises:
        ModelFolderError: If the folder holds no models.
        ForeseenError: If another process holds the lock for ten minutes.
    """
    if not _holds_models(folder):
        read_current(folder)
    with lock(folder):
        with suppress(ModelFolderError):
            writing.delete_leftovers(folder, read_current(folder))
        yield


def save_log(model: Model, folder: Path) -> None:
    """Replace the folder's log by that of a model; call it while holding `write_lock`.

    The log before is kept, and deleted by the next change.

    Raises:
        ModelFolderError: If the links of the log are damaged.
        OSError: If a file cannot be written; the folder keeps its log.
    """
    current = read_current(folder)
    root = folder / current.root
    log = tables.write_log(model, tables.read_log(folder, current).links, root)
    changed = current.model_copy(update={"log": log, "log_before": current.log})
    write_current(folder, changed)
    tables.delete_other_logs(root, changed)


def add_version(
    folder: Path,
    model: Model,
    parent: int | None,
    why: str,
    comparison: dict[str, float | int | bool] | None = None,
) -> int:
    """Write a model as a new version, without promoting it, and return its number.

    Call it while holding `write_lock`.
    """
    return writing.write_version(root_of(folder), model, parent, why, comparison or {})


def promote(folder: Path, number: int, why: str) -> None:
    """Make a version the current one; call it while holding `write_lock`.

    Raises:
        InputError: If there is no such version, or it is current already.
        ModelFolderError: If it is damaged.
    """
    current = read_current(folder)
    if number == current.version:
        raise InputError(f"version {number} is the current one already")
    load_state(folder, current, number)
    before = (*current.before, current.version)
    write_current(folder, current.model_copy(update={"version": number, "before": before}))
    audit_log.append(folder, "promote", why, {"version": number, "before": current.version})


def _holds_models(folder: Path) -> bool:
    # Folders of the oldest format hold a model.json and no versions.
    return any((folder / name).is_file() for name in (CURRENT, CURRENT_COPY, CARD))
