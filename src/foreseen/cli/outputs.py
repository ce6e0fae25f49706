"""Files and folders that a command writes: checked before the work, written after it."""

import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, TypeVar

from foreseen.cli.output import after_change, print_file, print_json, print_table
from foreseen.errors import InputError
from foreseen.files import is_stream

T = TypeVar("T")
HTML: Final = (".html", ".htm")
_STDOUT: Final = (Path("-"), Path("/dev/stdout"))


def command_line() -> str:
    """Return the command line of this process, as a shell would read it."""
    return shlex.join(["foreseen", *sys.argv[1:]])


def is_stdout(out: Path | None) -> bool:
    """Return whether an output file is standard output, given as `-` or by its path."""
    return out in _STDOUT


def check_file(out: Path | None, extensions: Collection[str] = ()) -> None:
    """Check that an output file can be written; call it before the work.

    Args:
        out: The file; None and standard output are accepted.
        extensions: One of these is needed; any will do if there are none.

    Raises:
        InputError: If it is a folder, has another extension, or lies in what is no folder.
        OSError: If no file can be made in its folder.
    """
    if out is None or is_stdout(out) or is_stream(out):
        return
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file to write")
    if extensions and out.suffix.lower() not in extensions:
        listed = ", ".join(extensions)
        raise InputError(f"the name of the output file should end in {listed}. Received: {out}")
    _check_writable(Path(os.path.realpath(out)).parent)


def check_folder(out: Path) -> None:
    """Check that files can be written to an output folder; call it before the work.

    Raises:
        InputError: If it is no folder, or lies in what is none.
        OSError: If no file can be made in it.
    """
    _check_writable(out.absolute())


def _check_writable(folder: Path) -> None:
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name another output")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        error.filename = str(folder)
        raise


def write_output(out: Path, extension: str, write: Callable[[Path], T]) -> T:
    """Return what a function returns for the path to write to; print standard output's content.

    Args:
        out: The file.
        extension: Extension of the path if `out` is standard output.
        write: Writes a file atomically.
    """
    if not is_stdout(out):
        return write(out)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"output{extension}"
        result = write(file)
        print_file(file)
    return result


def print_written(unit: str, count: int, out: Path, as_json: bool) -> None:
    """Print how many units were written to which file, unless to standard output."""
    if is_stdout(out):
        return
    with after_change():
        if as_json:
            print_json({unit: count, "file": str(out)})
        else:
            print_table(None, [unit, "file"], [[f"{count:,}", str(out)]])
