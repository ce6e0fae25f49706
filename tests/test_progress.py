"""Progress bars of several threads."""

import os
import subprocess
import sys

import pytest

_TWO_BARS = """
import time
from foreseen.progress import progress_bar
from foreseen.compute.threads import run_both

def work(name, unit):
    with progress_bar(name, 5, unit) as advance:
        for _ in range(5):
            time.sleep(0.1)
            advance(1)

run_both(lambda: work("first", "steps"), lambda: work("second", "bytes"))
"""


def test_bars_of_two_threads_share_a_terminal_and_are_hidden_elsewhere() -> None:
    pty = pytest.importorskip("pty", reason="pseudo-terminals need Unix")
    terminal, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    code = [sys.executable, "-c", _TWO_BARS]
    finished = subprocess.run(code, stderr=child, env=environment, check=False)
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert finished.returncode == 0, shown.decode()
    for part in (b"first", b"second", b"bytes", b"/5"):
        assert part in shown
    silent = subprocess.run(code, capture_output=True, check=True)
    assert silent.stderr == b""
