"""Versions of a trained model in a folder: immutable, one of them current, one log for all.

    DIR/
      current           the current version, and those that were current before
      versions/0001/    model.json, weights.safetensors, version.json; never changed
      ratings.parquet   the log: all ratings; and movies.parquet
      audit_log.jsonl   promotions, rollbacks and updates, with time and reason

Files and version folders are renamed to their final names once they are complete, so a process
killed at any moment leaves a readable current version. Writers hold a lock; readers need none.

When models are replaced, the new versions and tables are written to a subfolder `anew.*`. The old
ones are deleted after `current` names it.
"""

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from foreseen.errors import InputError, ModelFolderError
from foreseen.models.base import Model
from foreseen.models.checkpoint import CARD, read_model, write_model
from foreseen.registry import audit_log, tables
from foreseen.registry.layout import (
    CURRENT,
    LINKS,
    RATINGS,
    REPLACEMENT_PREFIX,
    VERSION,
    VERSIONS,
    Current,
    Version,
    lock,
    read_current,
    root_of,
    version_folder,
    version_numbers,
    write_current,
)
from foreseen.registry.verify import checksums, verify


def save_model(model: Model, folder: Path | str, links: pl.DataFrame | None = None) -> None:
    """Write a trained model as version 1 of a folder.

    All versions that the folder holds are deleted once the new one is complete.

    Args:
        model: The model.
        folder: A new or empty folder, or one of models.
        links: The movies' ids in other databases, for importing ratings from other services.

    Raises:
        InputError: If the folder holds something other than models.
    """
    folder = Path(folder)
    if folder.exists() and (
        not folder.is_dir() or (any(folder.iterdir()) and not _holds_models(folder))
    ):
        raise InputError(f"{folder} exists and holds no model; name a new or an empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists() and any(folder.iterdir()):
        with lock(folder):
            _replace(folder, model, links)
        return
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write_root(draft, model, links)
        write_current(draft, Current(version=1))
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(folder: Path, model: Model, links: pl.DataFrame | None) -> None:
    root = Path(tempfile.mkdtemp(prefix=REPLACEMENT_PREFIX, dir=folder))
    try:
        _write_root(root, model, links)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    write_current(folder, Current(version=1, root=root.name))
    # What a kill leaves undeleted here is deleted by the next replacement.
    for entry in folder.iterdir():
        if entry.is_dir() and entry != root:
            shutil.rmtree(entry, ignore_errors=True)
        elif not entry.is_dir() and entry.name != CURRENT:
            with suppress(OSError):
                entry.unlink()


def _write_root(root: Path, model: Model, links: pl.DataFrame | None) -> None:
    """Write a model as the first version, with its log."""
    tables.write_log(model.log, root)
    if links is not None:
        links.write_parquet(root / LINKS)
    _write_version(root, model, None, "trained", {})
    root.chmod(0o755)


def load_model(folder: Path | str, number: int | None = None) -> Model:
    """Return a version, by default the current one, with all ratings of the folder in its log.

    Raises:
        ModelFolderError: If there is none, or it is damaged or of another format.
        InputError: If there is no version of that number.
    """
    folder = Path(folder)
    current = read_current(folder)
    root, version = folder / current.root, _read_version(folder, current, number)
    verify(folder, root, version)
    return read_model(version_folder(root, version.number), *tables.read_log(root))


def verify_current(folder: Path) -> None:
    """Compare the files of the current version with its checksums.

    Raises:
        ModelFolderError: If the folder holds no models, or the version is damaged.
    """
    current = read_current(folder)
    verify(folder, folder / current.root, _read_version(folder, current, None))


def read_version(folder: Path, number: int | None = None) -> Version:
    """Return the metadata of a version, by default of the current one.

    Raises:
        ModelFolderError: If the folder holds no models, or the metadata is damaged.
        InputError: If there is no version of that number.
    """
    return _read_version(folder, read_current(folder), number)


def _read_version(folder: Path, current: Current, number: int | None) -> Version:
    files = version_folder(folder / current.root, current.version if number is None else number)
    if number is not None and not files.is_dir():
        raise InputError(f"{folder} has no version {number}; see: foreseen models {folder}")
    try:
        return Version.model_validate_json((files / VERSION).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ModelFolderError(
            f"{files / VERSION} is damaged; go back with: foreseen rollback {folder}"
        ) from error


def list_versions(folder: Path) -> list[Version]:
    """Return the metadata of all versions, oldest first; damaged metadata is left out.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    current = read_current(folder)
    found: list[Version] = []
    for number in version_numbers(folder / current.root):
        with suppress(ModelFolderError):
            found.append(_read_version(folder, current, number))
    return found


def read_links(folder: Path) -> pl.DataFrame | None:
    """Return the movies' ids in other databases; None if the data had none."""
    return tables.read_links(root_of(folder))


def revision(folder: Path) -> tuple[int, ...]:
    """Return a value that changes whenever the current version or the log does.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    files = (folder / CURRENT, root_of(folder) / RATINGS)
    return tuple(file.stat().st_mtime_ns for file in files)


@contextmanager
def write_lock(folder: Path) -> Generator[None]:
    """Keep other processes from changing a folder of models while the block runs.

    Raises:
        ModelFolderError: If the folder holds no models.
        ForeseenError: If another process holds the lock for ten minutes.
    """
    read_current(folder)
    with lock(folder):
        yield


def save_log(model: Model, folder: Path) -> None:
    """Replace the folder's log by that of a model; call it while holding `write_lock`."""
    tables.write_log(model.log, root_of(folder))


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
    return _write_version(root_of(folder), model, parent, why, comparison or {})


def _write_version(
    root: Path,
    model: Model,
    parent: int | None,
    why: str,
    comparison: dict[str, float | int | bool],
) -> int:
    (root / VERSIONS).mkdir(exist_ok=True)
    number = max(version_numbers(root), default=0) + 1
    draft = Path(tempfile.mkdtemp(prefix=".draft.", dir=root / VERSIONS))
    try:
        write_model(model, draft)
        version = Version(
            number=number,
            made=int(time.time()),
            model=model.name,
            parent=parent,
            trained_on=int(model.report["trained_on"]),
            ratings=int(model.report["ratings"]),
            until=int(model.report["until"]),
            why=why,
            comparison=comparison,
            sha256=checksums(draft),
        )
        text = version.model_dump_json(indent=2) + "\n"
        (draft / VERSION).write_text(text, encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(version_folder(root, number))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return number


def promote(folder: Path, number: int, why: str) -> None:
    """Make a version the current one; call it while holding `write_lock`.

    Raises:
        InputError: If there is no such version, or it is current already.
        ModelFolderError: If it is damaged.
    """
    current = read_current(folder)
    if number == current.version:
        raise InputError(f"version {number} is the current one already")
    load_model(folder, number)
    before = (*current.before, current.version)
    write_current(folder, current.model_copy(update={"version": number, "before": before}))
    audit_log.append(folder, "promote", why, {"version": number, "before": current.version})


def rollback(folder: Path, why: str) -> int:
    """Make the previous current version the current one again and return its number.

    Call it while holding `write_lock`.

    Raises:
        InputError: If there is none.
    """
    current = read_current(folder)
    if not current.before:
        raise InputError(f"version {current.version} of {folder} is the first that was current")
    *before, number = current.before
    update = {"version": number, "before": tuple(before)}
    write_current(folder, current.model_copy(update=update))
    audit_log.append(folder, "rollback", why, {"version": number, "before": current.version})
    return number


def _holds_models(folder: Path) -> bool:
    # Folders of the oldest format hold a model.json and no versions.
    return (folder / CURRENT).is_file() or (folder / CARD).is_file()
