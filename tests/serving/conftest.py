"""A real model, real databases, and a server in a process of its own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from foreseen.data.canonical import Tables
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.registry import versions as registry
from foreseen.serving.app import create_app
from foreseen.serving.store import Store

SECRET = "for-tests-only-0123456789-abcdefghijklm"  # noqa: S105


@pytest.fixture(scope="session")
def trained(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving") / "m"
    settings = parse_settings("hybrid", {"loop": {"epochs": 3}})
    registry.save_model(train(small, "hybrid", settings), folder)
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(trained, tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL cluster of our own on loopback; in CI its absence is a failure."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if not found or not (found[-1] / "initdb").exists():
        if os.environ.get("CI"):
            pytest.fail("CI should have installed PostgreSQL")
        pytest.skip("PostgreSQL is not installed here")
    base = Path(tempfile.mkdtemp(prefix="fpg-"))
    own = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if own:
        shutil.chown(base, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = base / "data"
    made = ["-U", "test", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]

    def run(*words: object) -> None:
        command = [*own, *map(str, words)]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)

    run(found[-1] / "initdb", "-D", data, *made)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={base}"
    control = [found[-1] / "pg_ctl", "-D", data, "-w"]
    run(*control, "-l", base / "log", "-o", options, "start")
    yield f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
    run(*control, "-m", "immediate", "stop")
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either kind."""
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
def client(folder: Path, tmp_path: Path) -> Iterator[TestClient]:
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    with TestClient(create_app(folder, store, SECRET)) as testing:
        yield testing


@dataclass
class Server:
    """`foreseen serve` in a process of its own."""

    process: "subprocess.Popen[str]"
    address: str

    def stop(self) -> int:
        self.process.terminate()
        status = self.process.wait(timeout=30)
        self.close()
        return status

    def close(self) -> None:
        """Let go of what a process that has ended leaves behind."""
        assert self.process.stdout is not None
        self.process.stdout.close()


def start_server(folder: Path, *options: str, workers: int = 1) -> Server:
    command = [sys.executable, "-c", "from foreseen.cli import main; main()", "serve", str(folder)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--workers", str(workers), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("serving http://"), line
    address = line.split()[1]
    wait_until_alive(address)
    return Server(process, address)


def wait_until_alive(address: str) -> None:
    import httpx

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the server does not come up")
