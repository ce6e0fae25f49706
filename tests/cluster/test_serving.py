"""The server on a cluster: two workers, each on a node of its own, both of them this machine.

The tests run in their order: the first need no server yet, and the last one ends it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from tests.cli.conftest import run_command
from tests.cluster.two_nodes import two_nodes

from foreseen.data.canonical import Tables
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.serving.app import create_app
from foreseen.serving.dependencies import CSRF_HEADER
from foreseen.serving.locations import default_database, secret_file
from foreseen.serving.store import Store

# Ray sets options of its own that it warns of.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster, which this process is connected to."""
    pytest.importorskip("ray.serve")
    with two_nodes(100 << 20) as started:
        yield started.address


@pytest.fixture(scope="module")
def folder(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("serving") / "m"
    versions.save_model(train(small, "bias"), root)
    return root


@pytest.fixture(scope="module")
def server(address: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A server on the cluster; its first line of output is the address."""
    command = [sys.executable, "-c", "from foreseen.cli import main; main()", "serve", str(folder)]
    options = ["--cluster", address, "--port", "0"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def client(server: "subprocess.Popen[str]") -> Iterator[httpx.Client]:
    """A guest of the server."""
    assert server.stdout is not None
    line = server.stdout.readline()
    assert line.startswith("serving http://127.0.0.1:"), line
    with httpx.Client(base_url=line.split()[1], timeout=30) as opened:
        key = opened.post("/api/v1/guests", headers={CSRF_HEADER: "new"}).json()["formKey"]
        opened.headers[CSRF_HEADER] = key
        yield opened


def worker_processes() -> set[int]:
    """Return the processes of the workers."""
    found: set[int] = set()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if file.read_bytes().startswith(b"ray::ServeReplica:foreseen"):
                found.add(int(file.parent.name))
    return found


def rate(client: httpx.Client, movie: int, rating: float) -> None:
    assert client.put(f"/api/v1/me/ratings/{movie}", json={"rating": rating}).is_success


def ratings(client: httpx.Client) -> dict[int, float]:
    found = client.get("/api/v1/me/ratings").json()["ratings"]
    return {entry["movieId"]: entry["rating"] for entry in found}


def test_workers_without_cores_and_a_folder_that_machines_do_not_reach_are_refused(
    address: str, folder: Path
) -> None:
    many = run_command("serve", folder, "--cluster", address, "--port", 0, "--workers", 3)
    assert many.exit_code == 2
    assert "--workers: each takes a core of the cluster, which has 2. Received: 3" in many.stderr
    # Another process finds another folder, or none, at this path.
    descriptor = os.open(folder.parent, os.O_RDONLY)
    here = f"/proc/self/fd/{descriptor}/m"
    apart = run_command("serve", here, "--cluster", address, "--port", 0)
    os.close(descriptor)
    assert apart.exit_code == 2
    assert f"a machine of the cluster does not reach {here}" in apart.stderr


def test_the_application_for_serve_run_takes_the_settings_of_the_command(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foreseen.serving.cluster import app

    assert address
    monkeypatch.setenv("FORESEEN_SECRET", "k3Vd9-2mPq8Zx7Lw5Tn1Rb6Yc4Hf0Gj_")
    monkeypatch.setenv("FORESEEN_DB", default_database(folder))
    assert app({"folder": str(folder), "workers": 2, "admin": ["ann"]}) is not None
    with pytest.raises(ValidationError, match="replicas"):
        app({"folder": str(folder), "replicas": 2})


def test_responses_are_those_of_a_server_of_one_machine(client: httpx.Client, folder: Path) -> None:
    for movie in (1, 2, 3):
        rate(client, movie, 4.5)
    store = Store(default_database(folder))
    secret = secret_file(folder).read_text().strip()
    with TestClient(create_app(folder, store, secret), base_url=str(client.base_url)) as local:
        local.cookies.update(dict(client.cookies))
        for path in (
            "/api/v1/movies?query=a", "/api/v1/movies/1", "/api/v1/movies/7%2F8",
            "/api/v1/me/ratings", "/api/v1/me/recommendations?k=5&by=blend", "/", "/about:blank",
            "/static/foreseen.js", "/ready",
        ):  # fmt: skip
            expected, found = local.get(path), client.get(path)
            assert found.status_code == expected.status_code, path
            assert found.headers["content-type"] == expected.headers["content-type"]
            assert found.content == expected.content, path


def test_requests_go_on_and_ratings_are_kept_while_workers_are_killed_and_replaced(
    client: httpx.Client,
) -> None:
    first = worker_processes()
    assert len(first) == 2
    # The worker that is killed second stores the second rating: the other one is gone.
    for movie, killed in ((4, min(first)), (5, max(first))):
        os.kill(killed, signal.SIGKILL)
        assert client.get("/ready").status_code == 200
        rate(client, movie, 2.0)
        wait_for_workers(2)
        assert ratings(client)[movie] == 2.0
    assert first.isdisjoint(worker_processes())
    assert ratings(client).keys() >= {4, 5}


def wait_for_workers(count: int) -> None:
    """Wait until so many workers serve requests."""
    from ray import serve

    module: Any = serve
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = module.status().applications["foreseen"].deployments["foreseen"]
        if state.replica_states == {"RUNNING": count} and len(worker_processes()) == count:
            return
        time.sleep(0.2)
    pytest.fail("a killed worker is not replaced")


def test_every_worker_loads_a_new_version(client: httpx.Client, folder: Path) -> None:
    with versions.write_lock(folder):
        number = versions.add_version(folder, versions.load_model(folder), 1, "test")
        versions.promote(folder, number, "test")
    deadline, seen = time.monotonic() + 60, 0
    while seen < 20 and time.monotonic() < deadline:
        seen = seen + 1 if client.get("/ready").json()["version"] == number else 0
        time.sleep(0.05)
    assert seen == 20


@pytest.mark.usefixtures("client")
def test_a_second_server_on_the_cluster_is_refused(address: str, folder: Path) -> None:
    refused = run_command("serve", folder, "--cluster", address, "--port", 0)
    assert refused.exit_code == 1
    assert "Ray Serve runs on the cluster already; end it with: serve shutdown" in refused.stderr


def test_the_end_of_the_command_ends_all_of_the_server(
    server: "subprocess.Popen[str]", client: httpx.Client
) -> None:
    server.terminate()
    assert server.wait(timeout=60) == 0
    with pytest.raises(httpx.TransportError):
        client.get("/ready")
    assert worker_processes() == set()
