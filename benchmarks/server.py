"""A server over a copy of a model, for the duration of a measurement."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import httpx

CSRF_HEADER: Final = "X-Foreseen-Form"


class Guest:
    """A guest session: its cookies, and the headers that requests need.

    Attributes:
        cookies: Of the session.
        headers: With its CSRF token.
    """

    def __init__(self, address: str) -> None:
        opened = httpx.post(f"{address}/api/v1/guests", headers={CSRF_HEADER: "new"})
        self.cookies = dict(opened.cookies)
        self.headers = {CSRF_HEADER: opened.json()["formKey"]}


class Server(NamedTuple):
    """A server that runs: its address, its process, and the seconds from its start to ready."""

    address: str
    process: int
    start: float


@contextmanager
def served(folder: Path, *options: str) -> Generator[Server]:
    """Run `foreseen serve` with options until the block ends.

    Yields:
        The server, once it is ready.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch) / "model"
        shutil.copytree(folder, copied)
        command = [sys.executable, "-c", "from foreseen.cli import main; main()"]
        begun = time.perf_counter()
        server = subprocess.Popen(
            [*command, "serve", str(copied), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdout is not None
        # Printed as soon as requests are served.
        address = server.stdout.readline().split()[1]
        try:
            yield Server(address, server.pid, time.perf_counter() - begun)
        finally:
            server.terminate()
            server.wait()
