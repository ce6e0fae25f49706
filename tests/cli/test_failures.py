"""Exit codes and messages of failures."""

import errno
from pathlib import Path

import polars as pl
import pytest
import torch

from foreseen.cli.failures import one_line, report_failure
from foreseen.cli.output import PrintError
from foreseen.errors import DataError, DownloadError, ForeseenError, ModelFolderError


class PanicException(BaseException):
    """As pyo3 raises it; derived from BaseException."""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("a.csv, line 2: no id"), 2, "a.csv, line 2: no id"),
        (ModelFolderError("m holds no model"), 2, "m holds no model"),
        (DownloadError("no network"), 1, "no network"),
        (ForeseenError("locked"), 1, "locked"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), 1, "a/b: Permission denied"),
        (OSError("File too large (os error 27)"), 1, "File too large (os error 27)"),
        (
            pl.exceptions.ComputeError("parquet: IO error: No space left on device (os error 28)"),
            1,
            "No space left on device (os error 28)",
        ),
        (MemoryError(), 1, "not enough memory; use less data or a machine with more memory"),
        (
            MemoryError("Unable to allocate 9 GiB"),
            1,
            "not enough memory (Unable to allocate 9 GiB)",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory."),
            1,
            "not enough memory (CUDA out of memory.)",
        ),
        (ModuleNotFoundError("No module", name="jinja2"), 1, "jinja2 is not installed; install"),
        (KeyError("x"), 1, "unexpected KeyError: 'x'; this is a bug"),
        (RecursionError("too deep"), 1, "unexpected RecursionError: too deep; this is a bug"),
        (PanicException("at lib.rs"), 1, "unexpected PanicException: at lib.rs; this is a bug"),
    ],
)
def test_a_failure_is_one_line_with_the_exit_code_of_its_kind(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_failure(error) == code
    line = capsys.readouterr().err
    assert line.startswith(f"foreseen: {message}")
    assert line.count("\n") == 1
    assert "FORESEEN_DEBUG=1" in line or "bug" not in line


def test_a_reader_that_has_ended_is_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_failure(PrintError(BrokenPipeError(errno.EPIPE, "Broken pipe"))) == 141
    assert capsys.readouterr().err == ""


def test_the_traceback_is_printed_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESEEN_DEBUG", "1")
    try:
        Path("/nowhere/at/all").read_bytes()
    except OSError as error:
        report_failure(error)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[-1] == "foreseen: /nowhere/at/all: No such file or directory"


def test_a_message_is_one_printable_line_of_limited_length() -> None:
    assert one_line("2 bad rows:\n  a, line 1\n  a, line 2\n") == "2 bad rows: a, line 1; a, line 2"
    assert one_line("one\x1b[31m\ttwo\u2028three") == r"one\x1b[31m\ttwo; three"
    assert one_line("Amélie\udcff") == r"Amélie\udcff"
    assert one_line("") == ""
    assert len(one_line("x" * 10_000)) == 2003
