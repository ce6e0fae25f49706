"""Interrupts from the keyboard."""

import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, NoReturn

INTERRUPTED: Final = 130
"""Exit code after an interrupt from the keyboard, as of programs that SIGINT ends."""
_GRACE: Final = 2.0
"""Seconds."""
_SHOW_CURSOR: Final = "\x1b[?25h"


@contextmanager
def prompt_interrupts() -> Generator[None]:
    """Make an interrupt within the block end the process soon, even while threads compute.

    `KeyboardInterrupt` is raised as ever, but the main thread may have to wait for a thread whose
    compiled loop cannot be interrupted. Files are written atomically, so nothing is lost.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(*_: object) -> NoReturn:
    timer = threading.Timer(_GRACE, _end)
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def _end() -> None:
    if sys.stderr.isatty():
        # A progress bar hides it.
        sys.stderr.write(f"{_SHOW_CURSOR}\n")
        sys.stderr.flush()
    os._exit(INTERRUPTED)
