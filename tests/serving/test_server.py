"""`foreseen serve` as a subprocess: durability, workers, shutdown, secrets."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from tests.cli.conftest import run_command
from tests.serving.conftest import Server, children_of, start_server, wait_until_ready
from tests.serving.postgresql import run_cluster

from foreseen.errors import InputError, ModelFolderError
from foreseen.serving.app import create_app
from foreseen.serving.locations import default_database
from foreseen.serving.server import find_secret, listen, run
from foreseen.serving.store import Store

CSRF_HEADER = "X-Foreseen-Form"


def test_acknowledged_ratings_survive_a_kill_under_load(folder: Path) -> None:
    acknowledged: list[int] = []
    with start_server(folder) as server:
        cookies, headers = open_guest(server)
        movies = [movie for word in ("the", "man", "love", "day") for movie in search(server, word)]

        def rate(part: list[int]) -> None:
            with httpx.Client(base_url=server.address, cookies=cookies, headers=headers) as client:
                for movie in part:
                    try:
                        put = client.put(f"/api/v1/me/ratings/{movie}", json={"rating": 4})
                    except httpx.TransportError:
                        return
                    if put.status_code == 200:
                        acknowledged.append(movie)

        threads = [threading.Thread(target=rate, args=(movies[n::3],)) for n in range(3)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 40 and any(thread.is_alive() for thread in threads):
            threads[0].join(0.01)
        server.kill()
        for thread in threads:
            thread.join()
    assert len(acknowledged) >= 40
    with closing(sqlite3.connect(folder.with_name("m.db"))) as database:
        stored = {row[0] for row in database.execute("SELECT movie_id FROM ratings")}
    assert set(acknowledged) <= stored
    store = Store(default_database(folder))
    with TestClient(create_app(folder, store, find_secret("127.0.0.1", folder))) as client:
        client.cookies.update(cookies)
        assert client.get("/api/v1/me").json()["ratings"] == len(stored)


def test_the_parent_process_starts_without_what_the_workers_need() -> None:
    code = "import sys, foreseen.cli, foreseen.serving.server; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    heavy = {"torch", "numba", "polars", "numpy", "fastapi", "pydantic", "sqlalchemy", "jinja2"}
    assert heavy.isdisjoint(shown.stdout.split())


def open_guest(server: Server) -> tuple[dict[str, str], dict[str, str]]:
    """Open a guest session; return the cookies and headers of its requests."""
    opened = httpx.post(f"{server.address}/api/v1/guests", headers={CSRF_HEADER: "new"})
    return dict(opened.cookies), {CSRF_HEADER: opened.json()["formKey"]}


def search(server: Server, query: str) -> list[int]:
    """Return the ids of 100 movies."""
    parameters: dict[str, str | int] = {"query": query, "limit": 100}
    found = httpx.get(f"{server.address}/api/v1/movies", params=parameters).json()
    return [entry["movieId"] for entry in found["movies"]]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_worker_is_replaced_and_all_workers_end_with_their_parent(
    folder: Path,
) -> None:
    with start_server(folder, workers=2) as server:
        cookies, headers = open_guest(server)
        movies = search(server, "the")[:60]
        killed, acknowledged = children_of(server.process.pid)[0], set[int]()
        for n, movie in enumerate(movies):
            # A connection per request, so that both workers serve some.
            with suppress(httpx.TransportError):
                url = f"{server.address}/api/v1/me/ratings/{movie}"
                # Status 503 if the killed worker was the only one that was ready.
                while True:
                    put = httpx.put(url, json={"rating": 4}, cookies=cookies, headers=headers)
                    if put.status_code != 503:
                        break
                    time.sleep(0.1)
                assert put.status_code == 200
                acknowledged.add(movie)
            if n == 20:
                os.kill(killed, signal.SIGKILL)
        url = f"{server.address}/api/v1/me/ratings?limit=100"
        rated = httpx.get(url, cookies=cookies).json()["ratings"]
        assert acknowledged <= {entry["movieId"] for entry in rated}
        assert len(acknowledged) > 40
        deadline = time.monotonic() + 60
        while len(left := set(children_of(server.process.pid)) - {killed}) < 2:
            assert time.monotonic() < deadline, "the killed worker is not replaced"
            time.sleep(0.1)
        metrics = httpx.get(f"{server.address}/metrics").text
        assert "foreseen_model_version 1.0" in metrics
        counted = re.findall(
            r'foreseen_requests_total\{route="\S+ratings/\S+",status="200"\} (\S+)', metrics
        )
        # The killed worker may have counted a response that it did not send, or not its last one.
        assert len(acknowledged) - 1 <= sum(map(float, counted)) <= len(movies)
        server.process.kill()
    while any(Path(f"/proc/{worker}").exists() for worker in left):
        assert time.monotonic() < deadline, "workers run on without their parent"
        time.sleep(0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_service_outlives_a_dead_worker_a_damaged_model_and_an_outage_of_the_database(
    folder: Path,
) -> None:
    with run_cluster() as cluster, free_port() as port:
        cluster.kill()
        options = ["--db", cluster.url]
        with start_server(folder, *options, port=port, waits=False) as server:
            wait_until_unavailable(server)
            assert httpx.get(f"{server.address}/health").json() == {"status": "alive"}
            # The database is not there yet, as after a boot.
            time.sleep(1)
            cluster.start()
            wait_until_ready(server.address)
            damaged = {file: file.read_bytes() for file in folder.glob("current*")}
            for file in damaged:
                file.write_bytes(b"{")
            cluster.kill()
            os.kill(children_of(server.process.pid)[0], signal.SIGKILL)
            wait_until_unavailable(server)
            cluster.start()
            time.sleep(1)
            wait_until_unavailable(server)
            for file, content in damaged.items():
                file.write_bytes(content)
            wait_until_ready(server.address)
            # The parent process may still respond for a moment.
            wait_for_status(server, 200)
            assert server.process.poll() is None
            assert server.terminate() == 0


@contextmanager
def free_port() -> Generator[int]:
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", 0))
        yield int(free.getsockname()[1])


def wait_until_unavailable(server: Server) -> None:
    """Wait until the server responds with status 503, which a client understands."""
    response = wait_for_status(server, 503)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:foreseen:unavailable"
    assert int(response.headers["retry-after"]) > 0


def wait_for_status(server: Server, status: int) -> httpx.Response:
    deadline = time.monotonic() + 60
    while True:
        with suppress(httpx.TransportError):
            response = httpx.get(f"{server.address}/api/v1/model", timeout=5)
            if response.status_code == status:
                return response
        assert server.process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_a_server_that_starts_ends_on_sigterm(folder: Path) -> None:
    with free_port() as port, start_server(folder, port=port, waits=False) as server:
        wait_until_unavailable(server)
        assert server.terminate() == 0


def test_files_are_not_created_beside_a_folder_without_models(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    with pytest.raises(ModelFolderError):
        run(folder, None, "127.0.0.1", 0, False, [], [], 1, None)
    assert list(tmp_path.iterdir()) == [folder]


def test_a_damaged_model_is_not_served(folder: Path) -> None:
    for weights in folder.rglob("*.safetensors"):
        weights.write_bytes(b"broken")
    command = [sys.executable, "-c", "from foreseen.cli import main; main()", "serve", str(folder)]
    done = subprocess.run(
        [*command, "--port", "0", "--workers", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "does not match its checksum" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_is_required_on_addresses_that_others_can_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "m"
    monkeypatch.delenv("FORESEEN_SECRET", raising=False)
    with pytest.raises(InputError, match="others can reach"):
        find_secret("0.0.0.0", folder)  # noqa: S104
    monkeypatch.setenv("FORESEEN_SECRET", "changeme")
    with pytest.raises(InputError, match="32 random"):
        find_secret("127.0.0.1", folder)
    monkeypatch.setenv("FORESEEN_SECRET", "k3Vd9-2mPq8Zx7Lw5Tn1Rb6Yc4Hf0Gj_")
    assert find_secret("0.0.0.0", folder) == "k3Vd9-2mPq8Zx7Lw5Tn1Rb6Yc4Hf0Gj_"  # noqa: S104
    monkeypatch.delenv("FORESEEN_SECRET")
    generated = find_secret("127.0.0.1", folder)
    assert find_secret("::1", folder) == generated
    if os.name != "nt":
        assert (tmp_path / "m.secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve", "nowhere"], "holds no model"),
        (["models", "nowhere"], "holds no model"),
        (["update", "nowhere", "--ratings", "x.csv"], "holds no model"),
        (["import", "nowhere.zip", "--from", "letterboxd"], "cannot be read"),
    ],
)
def test_a_usage_error_prints_one_line(words: list[str], message: str) -> None:
    done = run_command(*words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["", "https://films.example.org", "*", "films example"])
def test_an_allowed_host_is_a_name_or_an_address(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="--allowed-host"):
        run(folder, None, "127.0.0.1", 0, False, [], [name], 1, None)


def test_a_listening_socket_has_an_explicit_protocol() -> None:
    """asyncio disables Nagle's algorithm only on such sockets."""
    with listen("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()[:2]):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP
