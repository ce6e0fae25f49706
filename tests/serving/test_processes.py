"""Calls in a process of their own."""

import os
import signal
import subprocess
import sys
import time

import pytest

from foreseen.errors import DataError
from foreseen.serving.processes import ProcessError, call_in_process


def double(number: int) -> tuple[int, int]:
    return 2 * number, os.getpid()


def fail() -> None:
    raise DataError("line 3 is not a rating")


def hang() -> None:
    time.sleep(60)


def die() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def test_a_result_comes_from_another_process() -> None:
    result, process = call_in_process(60, double, 21)
    assert result == 42
    assert process != os.getpid()


def test_an_error_is_raised_here() -> None:
    with pytest.raises(DataError, match="line 3"):
        call_in_process(60, fail)


def test_a_call_that_takes_too_long_is_ended() -> None:
    begun = time.monotonic()
    with pytest.raises(ProcessError, match="no result within"):
        call_in_process(0.1, hang)
    assert time.monotonic() - begun < 10


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_process_that_is_killed_is_noticed() -> None:
    with pytest.raises(ProcessError, match="ended without"):
        call_in_process(60, die)


def test_the_process_that_watches_the_workers_loads_no_models() -> None:
    """It starts a second sooner, and keeps some hundred megabytes free."""
    names = "foreseen.cli.serve, foreseen.registry.layout, foreseen.serving.server"
    code = f"import sys, {names}; print([m for m in ('torch', 'numba') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
