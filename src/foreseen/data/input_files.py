"""Reading of whole files that a caller names."""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

from foreseen.data.text import excerpt
from foreseen.errors import DataError

# Faults of the name or of the file's permissions; others are faults of the machine.
_FAULTS_OF_THE_PATH: Final = frozenset(
    {
        *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ELOOP),
        *(errno.ENAMETOOLONG, errno.ENXIO, errno.ENODEV, errno.EINVAL, errno.EAGAIN),
    }
)


STDIN: Final = "standard input"
"""Name of standard input in messages and manifests."""
_MAX_STDIN: Final = 4 << 30
_BLOCK: Final = 1 << 20


def display(path: Path | str, limit: int = 300) -> str:
    """Return a path for messages."""
    return excerpt(str(path), limit)


def path_error(path: Path, error: OSError | ValueError | RuntimeError) -> DataError:
    """Return the error for a path that cannot be read.

    Raises:
        OSError: If the machine is at fault, such as a damaged disk: the error itself.
    """
    if isinstance(error, OSError) and error.errno not in _FAULTS_OF_THE_PATH:
        raise error
    reason = error.strerror if isinstance(error, OSError) else error
    return DataError(f"{display(path)} cannot be read ({reason}); give a readable file")


def read_file(path: Path, limit: int | None = None) -> bytes:
    """Return the content of a regular file, or of a pipe that the caller has opened.

    Other pipes and devices are refused, since reading them may never end.

    Args:
        path: The file.
        limit: Maximum size in bytes.

    Raises:
        DataError: If the file cannot be read or is too large.
    """
    try:
        # Without O_NONBLOCK, opening a pipe that nothing writes to does not return.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _binary())
        with open(descriptor, "rb") as file:  # noqa: PTH123
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISFIFO(mode) and path.parent in {Path("/dev/fd"), Path("/proc/self/fd")}:
                os.set_blocking(descriptor, True)
            elif not stat.S_ISREG(mode):
                message = f"{display(path)} is not a regular file; give one"
                raise DataError(message)
            data = file.read() if limit is None else file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise path_error(path, error) from error
    if limit is not None and len(data) > limit:
        message = f"{display(path)}: a file of this kind should have at most {limit >> 20} MiB"
        raise DataError(message)
    return data


def read_stdin() -> bytes:
    """Return what a pipe or a file sends to standard input.

    Raises:
        DataError: If it is closed, a terminal or another device, or sends over 4 GiB.
    """
    stream = getattr(sys.stdin, "buffer", None)  # None if closed, or if a notebook replaced it.
    if stream is None:
        raise DataError(f"{STDIN} is closed; send a file of ratings to it")
    try:
        mode = os.fstat(stream.fileno()).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            raise DataError(f"{STDIN} is neither a file nor a pipe; send a file of ratings to it")
        blocks, size = list[bytes](), 0
        while size <= _MAX_STDIN and (block := stream.read(_BLOCK)):
            blocks.append(block)
            size += len(block)
    except (OSError, ValueError) as error:
        raise path_error(Path(STDIN), error) from error
    if size > _MAX_STDIN:
        raise DataError(f"{STDIN} should send at most {_MAX_STDIN >> 30} GiB; give the file's path")
    return b"".join(blocks)


def check_regular(path: Path) -> None:
    """Check that a path is a regular file that can be read.

    Raises:
        DataError: If it is not.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{display(path)} is not a regular file; give one")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise path_error(path, error) from error


def _binary() -> int:
    return getattr(os, "O_BINARY", 0)
