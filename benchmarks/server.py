"""A server over a copy of a model, for as long as it is measured."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

FORM = "X-Foreseen-Form"


class Guest:
    """One person with a session."""

    def __init__(self, address: str) -> None:
        opened = httpx.post(f"{address}/api/v1/guests", headers={FORM: "new"})
        self.cookies = dict(opened.cookies)
        self.headers = {FORM: opened.json()["formKey"]}


@contextmanager
def served(folder: Path, *options: str) -> Generator[tuple[str, int]]:
    """Start `foreseen serve` with options, wait until it is ready, stop it at the end.

    Yields:
        Its address and its process.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch) / "model"
        shutil.copytree(folder, copied)
        command = [sys.executable, "-c", "from foreseen.cli import main; main()"]
        server = subprocess.Popen(
            [*command, "serve", str(copied), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdout is not None
        address = server.stdout.readline().split()[1]
        try:
            while True:
                try:
                    httpx.get(f"{address}/ready")
                    break
                except httpx.TransportError:
                    time.sleep(0.2)
            yield address, server.pid
        finally:
            server.terminate()
            server.wait()
