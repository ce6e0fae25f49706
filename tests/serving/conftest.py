"""One trained model for all serving tests, empty databases, servers as subprocesses, a browser."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import httpx
import polars as pl
import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, ConsoleMessage, Error, Page
from tests.browsers import chromium
from tests.conftest import tables_of
from tests.serving.postgresql import run_cluster

from foreseen.data.canonical import Tables
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.serving.app import create_app
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Store

OPTIONS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EXPECTED_ERRORS = ("401", "404", "422", "ERR_INTERNET_DISCONNECTED")
"""Responses that browsers log, and that tests cause on purpose."""
ODD_IDS = {1: "..", 2: "x/why?#%2F"}

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
    with run_cluster() as cluster:
        yield cluster.url


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


def ignore(*_: object, **__: object) -> None:
    """Do nothing, instead of a function that takes long."""


def refuse(*_: object, **__: object) -> NoReturn:
    """Fail, instead of a function that should not be called."""
    pytest.fail("this should not be called")


@pytest.fixture
def fast_hasher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords by parameters that take no time."""
    hasher = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("foreseen.serving.passwords.PasswordHasher", hasher)


@pytest.fixture
def client(
    trained: Path, snapshot: ModelSnapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """An application with an empty database and the shared model, which tests must not change."""

    def load(_: Path) -> ModelSnapshot:
        return snapshot

    monkeypatch.setattr(ModelSnapshot, "load", load)
    monkeypatch.setattr("foreseen.serving.live_model.freeze_gc", ignore)
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
        """Send SIGKILL to the process and to its workers."""
        workers = children_of(self.process.pid)
        self.process.kill()
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        self.process.wait()


def children_of(process: int) -> list[int]:
    """Return the worker processes of a server; none where there is no `/proc`."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        return [
            int(child)
            for child in children
            if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    except FileNotFoundError:
        return []


@contextmanager
def start_server(
    folder: Path, *options: str, workers: int = 1, port: int = 0, waits: bool = True
) -> Generator[Server]:
    """Run `foreseen serve` until it is ready, then the block; the process never outlives it.

    With `waits` false the block runs at once.
    """
    command = [sys.executable, "-c", "from foreseen.cli import main; main()", "serve", str(folder)]
    with subprocess.Popen(
        [*command, "--port", str(port), "--workers", str(workers), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        server = Server(process, f"http://127.0.0.1:{port}")
        try:
            if waits:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line.startswith("serving http://"), line
                server.address = line.split()[1]
                wait_until_ready(server.address)
            yield server
        finally:
            server.kill()


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"{address}/ready", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    pytest.fail("the server does not become ready")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(*OPTIONS) as started:
        yield started


@pytest.fixture(scope="session")
def server(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a model of the small data set, of which two films have other ids."""
    tables = (small.ratings, small.movies)
    renamed = [
        table.with_columns(
            pl.col("movieId").replace_strict(ODD_IDS, default=pl.col("movieId").cast(pl.String))
        )
        for table in tables
    ]
    folder = tmp_path_factory.mktemp("pages") / "m"
    versions.save_model(train(tables_of(*renamed), "bias"), folder)
    with start_server(folder, "--admin", "ann") as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A page without a session; an error of its script or on its console fails the test."""
    context = browser.new_context(base_url=server.address, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    errors: list[str] = []

    def failed(error: Error) -> None:
        errors.append(str(error))

    def log(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    opened.on("pageerror", failed)
    opened.on("console", log)
    yield opened
    context.close()
    assert [
        error for error in errors if not any(expected in error for expected in EXPECTED_ERRORS)
    ] == []
