"""Faults of the machine that tests bring about: a full disk, damaged files."""

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

ON_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process need Unix")


@contextmanager
def full_disk(size: int) -> Generator[None]:
    """Make writing fail beyond `size` bytes of a file, as a full disk does."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def flipped(content: bytes, place: int) -> bytes:
    """Return the content with one changed bit in the byte at a place."""
    changed = bytearray(content)
    changed[place] ^= 1 << place % 8
    return bytes(changed)


def flip(file: Path) -> None:
    """Change one bit in the middle of a file."""
    content = file.read_bytes()
    file.write_bytes(flipped(content, len(content) // 2))
