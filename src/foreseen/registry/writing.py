"""New folders of models, new versions and new logs, each complete before it gets its name."""

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import polars as pl

from foreseen.files import INCOMPLETE, draft, new_folder, sync, sync_tree
from foreseen.messages import Message, parts_of
from foreseen.models.base import Model
from foreseen.models.checkpoint import write_model
from foreseen.registry.layout import (
    CURRENT,
    CURRENT_COPY,
    NEW,
    REPLACEMENT_PREFIX,
    VERSIONS,
    Current,
    StoredLog,
    Version,
    numbers_in,
    version_folder,
    write_current,
    write_metadata,
)
from foreseen.registry.tables import delete_other_logs, write_log
from foreseen.registry.verify import checksums


def create(folder: Path, model: Model, links: pl.DataFrame | None) -> None:
    """Write a new folder of models; call it while holding its lock.

    Args:
        folder: Does not exist, or is empty.
        model: Its first version.
        links: The movies' ids in other databases.
    """
    with draft(folder) as new:
        write_current(new, Current(version=1, log=_write_root(new, model, links)))
        if folder.exists():
            # Empty, else this fails.
            folder.rmdir()
        new.rename(folder)
    sync(folder.absolute().parent)


def replace(folder: Path, model: Model, links: pl.DataFrame | None) -> None:
    """Replace all models of a folder; call it while holding its lock."""
    root = Path(tempfile.mkdtemp(prefix=REPLACEMENT_PREFIX, dir=folder))
    try:
        log = _write_root(root, model, links)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    write_current(folder, Current(version=1, root=root.name, log=log))
    # What a kill leaves undeleted here is deleted by the next replacement.
    for entry in folder.iterdir():
        if entry.is_dir() and entry != root:
            shutil.rmtree(entry, ignore_errors=True)
        elif not entry.is_dir() and entry.name not in {CURRENT, CURRENT_COPY}:
            with suppress(OSError):
                entry.unlink()


def _write_root(root: Path, model: Model, links: pl.DataFrame | None) -> StoredLog:
    """Write a model as the first version, with its log; return the log."""
    log = write_log(model, links, root)
    write_version(root, model, None, Message("trained"), {})
    root.chmod(0o755)
    sync_tree(root)
    return log


def write_version(
    root: Path,
    model: Model,
    parent: int | None,
    why: str,
    comparison: dict[str, float | int | bool],
) -> int:
    """Write a model as a new version and return its number."""
    versions = root / VERSIONS
    versions.mkdir(exist_ok=True)
    number = max(numbers_in(versions), default=0) + 1
    with new_folder(version_folder(root, number)) as new:
        write_model(model, new)
        version = Version(
            number=number,
            made=int(time.time()),
            model=model.name,
            parent=parent,
            trained_on=int(model.report["trained_on"]),
            ratings=int(model.report["ratings"]),
            until=int(model.report["until"]),
            why=why,
            why_parts=parts_of(why),
            comparison=comparison,
            sha256=checksums(new),
        )
        write_metadata(new, version)
    return number


def delete_leftovers(folder: Path, current: Current) -> None:
    """Delete what killed processes left; call it while holding the lock of the folder."""
    root = folder / current.root
    if not _same_content(folder / CURRENT, folder / CURRENT_COPY):
        write_current(folder, current)
    for name in (CURRENT, CURRENT_COPY):
        (folder / (name + NEW)).unlink(missing_ok=True)
    delete_other_logs(root, current)
    for leftover in (root / VERSIONS).glob(INCOMPLETE):
        shutil.rmtree(leftover, ignore_errors=True)
    for other in folder.glob(f"{REPLACEMENT_PREFIX}*"):
        if other != root:
            shutil.rmtree(other, ignore_errors=True)


def _same_content(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
