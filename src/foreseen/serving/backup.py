"""Backups: the models, the database and the secret in one file, and their restoration."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from foreseen.errors import InputError
from foreseen.files import draft, lock, sync, sync_tree
from foreseen.registry import audit_log, drift_log
from foreseen.registry.layout import (
    CURRENT,
    CURRENT_COPY,
    VERSIONS,
    Current,
    log_folder,
    numbers_in,
    read_current,
    version_folder,
)
from foreseen.registry.versions import verify_state, write_lock
from foreseen.serving.backup_archive import (
    DATABASE,
    MODEL,
    SECRET,
    ArchiveReader,
    Manifest,
    Member,
    create_archive,
    open_archive,
    private_file,
)
from foreseen.serving.locations import default_database, secret_file
from foreseen.serving.store import backup as store


def back_up(folder: Path, out: Path, db: str | None) -> Manifest:
    """Write the models of a folder, its database and its secret to one file; return its manifest.

    All may be in use. The file is readable by its owner only, and replaces an older one once it is
    complete. Without a database or a secret beside the folder, the backup has none.

    Args:
        folder: The folder of models.
        out: The file to write.
        db: URL of the database; None for an SQLite file beside the folder.

    Raises:
        InputError: If the current version is damaged, a named database does not exist, or the
            file would lie in the folder.
        ForeseenError: If the database cannot be copied.
        OSError: If a file cannot be read or written.
    """
    if folder.resolve() in out.resolve().parents:
        raise InputError(f"{out} is in {folder}; name a file elsewhere")
    out.parent.mkdir(parents=True, exist_ok=True)
    # Drafts of the file are deleted while the lock of the folder is held: it is written for it.
    with write_lock(folder), draft(out) as staging:
        current = read_current(folder)
        verify_state(folder, current)
        with create_archive(staging / out.name) as archive:
            for file in _model_files(folder, current):
                archive.add(file, MODEL + file.relative_to(folder).as_posix())
            if secret_file(folder).is_file():
                archive.add(secret_file(folder), SECRET)
            kind = _dump(folder, db, staging / DATABASE)
            if kind is not None:
                archive.add(staging / DATABASE, DATABASE)
            manifest = archive.finish(int(time.time()), kind)
        sync(staging / out.name)
        (staging / out.name).replace(out)
        sync(out.absolute().parent)
    return manifest


def _model_files(folder: Path, current: Current) -> Iterator[Path]:
    """Yield the files of a folder of models that a reader needs, and what updates recorded."""
    root = folder / current.root
    places = [version_folder(root, number) for number in numbers_in(root / VERSIONS)]
    places += [log_folder(root, log) for log in (current.log, current.log_before) if log]
    for name in (CURRENT, CURRENT_COPY, audit_log.FILE, drift_log.FILE):
        if (folder / name).is_file():
            yield folder / name
    for place in places:
        yield from sorted(place.iterdir())
    if current.log is None:
        yield from sorted(root.glob("*.parquet"))


def _dump(folder: Path, db: str | None, file: Path) -> Literal["sqlite", "postgresql"] | None:
    """Copy the database to a file; return its kind, None if there is none."""
    url = db or default_database(folder)
    source = store.sqlite_file(url)
    if db is None and source is not None and not source.exists():
        return None
    store.dump(url, file)
    return cast('Literal["sqlite", "postgresql"]', store.backend(url))


@dataclass(frozen=True)
class _Target:
    """A file or folder to restore.

    Attributes:
        path: Where it belongs.
        staged: Its complete copy.
    """

    path: Path
    staged: Path


def restore(file: Path, folder: Path, db: str | None) -> Manifest:
    """Restore what `back_up` wrote, all of it or nothing; return its manifest.

    Nothing that exists is replaced, except by a repetition of an interrupted restoration.

    Args:
        file: The backup.
        folder: The folder of models; does not exist, or is empty.
        db: URL of the database, an empty one; None for an SQLite file beside the folder.

    Raises:
        InputError: If the backup is damaged, or a target exists.
        ForeseenError: If the database cannot be restored.
        OSError: If a file cannot be written.
    """
    with open_archive(file) as archive, ExitStack() as stack:
        url = _database_url(archive, folder, db)
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        stack.enter_context(lock(folder))
        staging = stack.enter_context(draft(folder))
        targets: list[_Target] = []
        database = store.sqlite_file(url) if url else None
        if database is not None:
            _refuse_log_beside(database)
            database.absolute().parent.mkdir(parents=True, exist_ok=True)
            # Beside its place, which may be on another disk than the folder.
            beside = stack.enter_context(draft(database))
            targets.append(_Target(database, beside / DATABASE))
        if SECRET in archive.manifest.files:
            targets.append(_Target(secret_file(folder), staging / SECRET))
        missing = [
            target
            for target in targets
            if _is_free(target.path, {"": archive.manifest.files[target.staged.name]})
        ]
        for target in missing:
            _extract(archive, target.staged.name, target.staged)
        if _is_free(folder, archive.members(MODEL)):
            missing.append(_Target(folder, staging / "model"))
            for name in archive.members(MODEL):
                _extract(archive, MODEL + name, staging / "model" / name)
            sync_tree(staging / "model")
        if url and database is None:
            if store.holds_tables(url):
                raise InputError("--db: the database is in use; name an empty one")
            _extract(archive, DATABASE, staging / DATABASE)
            _place(missing, lambda: store.load(staging / DATABASE, url))
        else:
            _place(missing, lambda: None)
    return archive.manifest


def _database_url(archive: ArchiveReader, folder: Path, db: str | None) -> str | None:
    """Return where the database of a backup belongs; None if it has none."""
    kind = archive.manifest.database
    if kind is None:
        if db is not None:
            raise InputError(f"{archive.file} has no database; leave out --db")
        return None
    url = db or default_database(folder)
    if store.backend(url) != kind:
        raise InputError(f"{archive.file} has a database of {kind}; name one of it with --db")
    return url


def _refuse_log_beside(database: Path) -> None:
    """Refuse a write-ahead log, which SQLite would apply to the restored database."""
    for suffix in ("-wal", "-shm"):
        beside = database.with_name(database.name + suffix)
        if beside.exists():
            raise InputError(f"{beside} exists; stop the server, and move the database away")


def _is_free(path: Path, members: Mapping[str, Member]) -> bool:
    """Return whether a file or folder is to be restored; False if that has been done.

    Raises:
        InputError: If it exists with other content.
    """
    if path.is_dir() and not any(path.iterdir()):
        return True
    if not path.exists():
        return True
    for name, member in members.items():
        existing = path / name if name else path
        if not existing.is_file() or _digest(existing) != member.sha256:
            raise InputError(f"{path} exists; move it away, or restore to another place")
    return False


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _extract(archive: ArchiveReader, name: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    is_private = name in {DATABASE, SECRET}
    with private_file(file) if is_private else file.open("wb") as stream:
        archive.extract(name, stream)
    sync(file)


def _place(targets: list[_Target], last: Callable[[], None]) -> None:
    """Move complete copies to their places, then do the last step; undo the moves if it fails."""
    placed: list[Path] = []
    try:
        for target in targets:
            if target.path.is_dir():
                target.path.rmdir()
            target.staged.rename(target.path)
            placed.append(target.path)
            sync(target.path.absolute().parent)
        last()
    except BaseException:
        for path in placed:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        raise
