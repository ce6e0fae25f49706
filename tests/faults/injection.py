"""Faults that tests bring about: a full disk, damaged files, a kill at each step of a change."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

ON_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process need Unix")
P = ParamSpec("P")
R = TypeVar("R")
RENAMING = ("mkdir", "rename", "replace", "rmdir", "unlink")
"""Functions of `os` that change which files there are."""


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


def copies_at_each_step(
    folder: Path,
    copies: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[], object],
    operations: tuple[str, ...] = RENAMING,
) -> list[Path]:
    """Return copies of a folder, made before each file operation of a change.

    Args:
        folder: The folder.
        copies: Folder for the copies.
        monkeypatch: Replaces the operations.
        change: Changes the folder.
        operations: Names of functions of `os`.
    """
    copying = False

    def after_a_copy(operation: Callable[P, R]) -> Callable[P, R]:
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            nonlocal copying
            if not copying:
                copying = True
                shutil.copytree(folder, copies / f"{len(list(copies.iterdir())):03d}")
                copying = False
            return operation(*args, **kwargs)

        return call

    copies.mkdir()
    with monkeypatch.context() as patched:
        for name in operations:
            patched.setattr(os, name, after_a_copy(getattr(os, name)))
        change()
    return sorted(copies.iterdir())
