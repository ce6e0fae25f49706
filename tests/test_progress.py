"""Progress bars of several threads."""

import os
import subprocess
import sys

import pytest

_TWO_BARS = """
import threading, time
from foreseen.progress import progress_bar

def work(name, unit):
    with progress_bar(name, 5, unit) as advance:
        for _ in range(5):
            time.sleep(0.1)
            advance(1)

threads = [
    threading.Thread(target=work, args=args) for args in (("first", "steps"), ("second", "bytes"))
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_bars_of_two_threads_share_a_terminal_and_are_hidden_elsewhere(
    encoding: str,
) -> None:
    pty = pytest.importorskip("pty", reason="pseudo-terminals need Unix")
    terminal, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "PYTHONIOENCODING": encoding}
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
