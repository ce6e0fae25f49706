"""A temporary PostgreSQL cluster, which tests can stop and start."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class Cluster:
    """A temporary cluster on a free port of 127.0.0.1; it is started and stopped by `pg_ctl`."""

    def __init__(self, binaries: Path, base: Path) -> None:
        self._as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as_postgres:
            shutil.chown(base, "postgres", "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        data = base / "data"
        options = ["-U", "test", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._run(binaries / "initdb", "-D", data, *options)
        self._log = base / "log"
        self._options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={base}"
        )
        self._control = [binaries / "pg_ctl", "-D", data, "-w"]

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://test@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._run(*self._control, "-l", self._log, "-o", self._options, "start")

    def kill(self) -> None:
        """Stop without a checkpoint; the next start recovers from the write-ahead log."""
        self._run(*self._control, "-m", "immediate", "stop")

    def _run(self, *words: object) -> None:
        command = [*self._as_postgres, *map(str, words)]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)


@contextmanager
def run_cluster() -> Generator[Cluster]:
    """Start a cluster for the block; skip the test if PostgreSQL is not installed, fail in CI."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if not found or not (found[-1] / "initdb").exists():
        if os.environ.get("CI"):
            pytest.fail("CI should have installed PostgreSQL")
        pytest.skip("PostgreSQL is not installed here")
    base = Path(tempfile.mkdtemp(prefix="fpg-"))
    cluster = Cluster(found[-1], base)
    cluster.start()
    try:
        yield cluster
    finally:
        with suppress(subprocess.CalledProcessError):  # A test that failed may have stopped it.
            cluster.kill()
        shutil.rmtree(base, ignore_errors=True)
