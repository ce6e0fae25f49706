"""Atomic file writes."""

import os
from collections.abc import Callable
from pathlib import Path


def write_atomically(file: Path, write: Callable[[Path], object]) -> None:
    """Write a temporary file beside `file` and rename it; on failure `file` stays as it was.

    Args:
        file: The destination; missing parent folders are created.
        write: Writes the content to the path it is given.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
