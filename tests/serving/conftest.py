"""One trained model for all serving tests, empty databases, and servers as subprocesses."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from foreseen.data.canonical import Tables
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.serving.app import create_app
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Store

SECRET = "for-tests-only-0123456789-abcdefghijklm"  # noqa: S105


@pytest.fixture(scope="session")
def trained(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one version of a small hybrid model; tests must not change it."""
    folder = tmp_path_factory.mktemp("serving") / "m"
    settings = parse_settings("hybrid", {"loop": {"epochs": 3}})
    versions.save_model(train(small, "hybrid", settings), folder)
    return folder


@pytest.fixture(scope="session")
def snapshot(trained: Path) -> ModelSnapshot:
    return ModelSnapshot.load(trained)


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of the folder that a test may change."""
    shutil.copytree(trained, tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a temporary PostgreSQL cluster; skips if it is not installed, fails in CI."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if not found or not (found[-1] / "initdb").exists():
        if os.environ.get("CI"):
            pytest.fail("CI should have installed PostgreSQL")
        pytest.skip("PostgreSQL is not installed here")
    base = Path(tempfile.mkdtemp(prefix="fpg-"))
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_postgres:
        shutil.chown(base, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = base / "data"
    options = ["-U", "test", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]

    def run(*words: object) -> None:
        command = [*as_postgres, *map(str, words)]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)

    run(found[-1] / "initdb", "-D", data, *options)
    server_options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={base}"
    control = [found[-1] / "pg_ctl", "-D", data, "-w"]
    run(*control, "-l", base / "log", "-o", server_options, "start")
    yield f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
    run(*control, "-m", "immediate", "stop")
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: SQLite, then PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ratings.db'}"
    address = str(request.getfixturevalue("postgresql"))
    from sqlalchemy import create_engine, text

    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture
def client(
    trained: Path, snapshot: ModelSnapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """An application with an empty database and the shared model, which tests must not change."""

    def load(_: Path) -> ModelSnapshot:
        return snapshot

    monkeypatch.setattr(ModelSnapshot, "load", load)
    monkeypatch.setattr("foreseen.serving.snapshot.freeze_gc", lambda: None)
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    with TestClient(create_app(trained, store, SECRET)) as testing:
        yield testing


@dataclass
class Server:
    """A running `foreseen serve`."""

    process: "subprocess.Popen[str]"
    address: str

    def terminate(self) -> int:
        """Send SIGTERM; return the exit status."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def start_server(folder: Path, workers: int = 1) -> Generator[Server]:
    """Run `foreseen serve` until it is ready, then the block; the process never outlives it."""
    command = [sys.executable, "-c", "from foreseen.cli import main; main()", "serve", str(folder)]
    with subprocess.Popen(
        [*command, "--port", "0", "--workers", str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("serving http://"), line
            address = line.split()[1]
            wait_until_ready(address)
            yield Server(process, address)
        finally:
            process.kill()


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the server does not become ready")
