"""Interrupts from the keyboard, in a process of their own."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals need Unix")

_COMPUTING = """
import sys, threading, time
from foreseen.cli.interrupts import prompt_interrupts

def compute():
    print("computing", flush=True)
    time.sleep(60)

try:
    with prompt_interrupts():
        thread = threading.Thread(target=compute)
        thread.start()
        {wait}
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("wait", ["thread.join()", "time.sleep(60)"])
def test_an_interrupt_ends_a_process_although_a_thread_computes(wait: str) -> None:
    code = _COMPUTING.format(wait=wait)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == b""
    assert time.monotonic() - begun < 15


def test_an_interrupted_command_prints_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    words = ["train", "ml-latest-small", "--model", "hybrid", "--out", f"{tmp_path}/model"]
    code = (
        "import os, signal, threading\n"
        "from foreseen.cli import main\n"
        "from foreseen.data import canonical\n"
        "def interrupted(*_, **__): os.kill(os.getpid(), signal.SIGINT)\n"
        "canonical.load_data = interrupted\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
    assert list(tmp_path.iterdir()) == []
