"""Failures of a command: one line on stderr, and the exit code."""

import os
import re
import sys
import traceback
from typing import Final

from foreseen.cli.output import PrintError
from foreseen.errors import ForeseenError, InputError

FAILURE: Final = 1
"""Exit code for a failure of the machine (disk, permission, memory, network) or a bug."""
INVALID_INPUT: Final = 2
"""Exit code for an argument or a file that is not valid."""
CLOSED_PIPE: Final = 141
"""Exit code if the reader of standard output has ended, as of programs that SIGPIPE ends."""
DEBUG: Final = "FORESEEN_DEBUG"
"""Environment variable; if set, the traceback is printed too."""
_MAX_LENGTH: Final = 2000
# Polars and safetensors raise exceptions of their own with the text of Rust's I/O errors.
_RUST_OS_ERROR: Final = re.compile(r"[^:]*\(os error \d+\)")
_PYTORCH_MEMORY: Final = re.compile(r"can't allocate memory|out of memory")


def report_failure(error: BaseException) -> int:
    """Print what made a command fail on stderr, in one line, and return the exit code."""
    if isinstance(error, PrintError) and error.is_closed:
        return CLOSED_PIPE
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    code, message = _describe(error)
    print(f"foreseen: {one_line(message)}", file=sys.stderr)  # noqa: T201
    return code


def _describe(error: BaseException) -> tuple[int, str]:
    if isinstance(error, InputError):
        return INVALID_INPUT, str(error)
    if isinstance(error, ForeseenError):
        return FAILURE, str(error)
    if isinstance(error, OSError):
        place = "" if error.filename is None else f"{error.filename}: "
        return FAILURE, place + (error.strerror or str(error) or type(error).__name__)
    text = str(error)
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _PYTORCH_MEMORY.search(text)
    ):
        reason = f" ({text})" if text else ""
        return FAILURE, f"not enough memory{reason}; use less data or a machine with more memory"
    if isinstance(error, ModuleNotFoundError) and error.name:
        extras = "pip install 'foreseen[report,serve,tune]'"
        return FAILURE, f"{error.name} is not installed; install the extras: {extras}"
    if found := _RUST_OS_ERROR.search(text):
        return FAILURE, found.group(0).strip()
    return FAILURE, (
        f"unexpected {type(error).__name__}: {text}; this is a bug, please report it with the "
        f"traceback that {DEBUG}=1 prints"
    )


def one_line(text: str) -> str:
    """Return a text as one line of limited length, with control characters escaped."""
    first, *others = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    separator = " " if first.endswith(":") else "; "
    line = first + separator * bool(others) + "; ".join(others)
    printable = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    return printable if len(printable) <= _MAX_LENGTH else f"{printable[:_MAX_LENGTH]}..."
