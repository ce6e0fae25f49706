"""Atomic and durable writes of files and folders, and locks on folders."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from errno import EINVAL
from glob import escape
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from foreseen.errors import ForeseenError

_LOCK_TIMEOUT: Final = 600.0
"""Seconds."""
_LEFTOVER_SECONDS: Final = 600.0
"""A temporary file that has not grown for so long was left by a killed process."""
_DRAFT: Final = ".draft"
INCOMPLETE: Final = ".draft.*"
"""Pattern of the folders that killed processes left incomplete, see `new_folder`."""
_RUST_ERROR: Final = re.compile(r"(?P<reason>[^:]*)\(os error (?P<number>\d+)\)")


def write_atomically(file: Path, write: Callable[[Path], object]) -> None:
    """Write a temporary file beside `file` and rename it; on failure `file` stays as it was.

    A symbolic link stays a link: its target is replaced. A FIFO or a device gets the content once
    it is complete.

    Args:
        file: The destination; missing parent folders are created.
        write: Writes the content to the path it is given.
    """
    if is_stream(file):
        with tempfile.TemporaryDirectory() as folder, errors_naming(file):
            content = Path(folder) / file.name
            write(content)
            with content.open("rb") as source, file.open("ab") as stream:
                shutil.copyfileobj(source, stream)
        return
    file = Path(os.path.realpath(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    _delete_leftovers(file)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with errors_naming(file):
            write(temporary)
        sync(temporary)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    sync(file.parent)


def write_text(file: Path, text: str) -> None:
    """Write a text in UTF-8; see `write_atomically`."""
    write_atomically(file, lambda path: path.write_text(text, encoding="utf-8"))


@contextmanager
def errors_naming(file: Path) -> Generator[None]:
    """Make errors of writing within the block, as on a full disk, name the file.

    Polars and safetensors raise exceptions of their own; those become an `OSError` too.
    """
    try:
        yield
    except Exception as error:
        found = _RUST_ERROR.search(str(error))
        if isinstance(error, OSError) and error.errno is not None:
            number, reason = error.errno, error.strerror
        elif found is not None:
            number, reason = int(found["number"]), found["reason"].strip()
        else:
            raise
        raise OSError(number, reason, str(file)) from error


def is_stream(file: Path) -> bool:
    """Return whether a path is a FIFO, a device, or an open file such as `/dev/stdout`."""
    if file.is_symlink() and str(file).startswith(("/dev/", "/proc/")):
        return True
    return file.exists() and not file.is_file() and not file.is_dir()


def sync(path: Path) -> None:
    """Return when a file, or the list of entries of a folder, is on disk."""
    folder = path.is_dir()
    if os.name == "nt" and folder:
        return
    # Windows flushes only files that are open for writing.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot flush a folder.
        if not folder or error.errno != EINVAL:
            raise
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Return when all files and folders below a folder are on disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


@contextmanager
def lock(path: Path) -> Generator[None]:
    """Hold the lock of a folder or file, which may exist or not, while the block runs.

    Raises:
        ForeseenError: If another process holds it for ten minutes.
    """
    # Beside it, as a folder may be replaced.
    path = path.resolve()
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_TIMEOUT):
            yield
    except Timeout as error:
        raise ForeseenError(
            f"another process has locked {path} for {_LOCK_TIMEOUT:.0f} s; try again later"
        ) from error


@contextmanager
def draft(target: Path) -> Generator[Path]:
    """Yield a new folder beside `target`, readable by its owner only; delete it after the block.

    Call it while holding the lock of `target`: drafts that killed processes left are deleted.
    """
    target = target.absolute()
    for leftover in target.parent.glob(f".{escape(target.name)}.*{_DRAFT}"):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=_DRAFT, dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_folder(target: Path) -> Generator[Path]:
    """Yield a new folder beside `target`, which is renamed to it, complete and on disk, at the end.

    If the block raises an exception, the folder is deleted. A killed process leaves it with a name
    that matches `INCOMPLETE`.
    """
    folder = Path(tempfile.mkdtemp(prefix=INCOMPLETE.removesuffix("*"), dir=target.parent))
    try:
        yield folder
        sync_tree(folder)
        folder.chmod(0o755)
        folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sync(target.parent)


def _delete_leftovers(file: Path) -> None:
    """Delete temporary files of killed processes."""
    for leftover in file.parent.glob(f".{escape(file.name)}.*"):
        with suppress(OSError):
            idle = time.time() - leftover.stat().st_mtime
            if leftover.suffix[1:].isdigit() and idle > _LEFTOVER_SECONDS:
                leftover.unlink()
