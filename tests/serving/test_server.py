"""`foreseen serve` as a real process: what it promises is kept, even when it is killed."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
from tests.serving.conftest import start_server

from foreseen.errors import InputError
from foreseen.serving.server import find_secret, listen

FORM = "X-Foreseen-Form"


def test_an_acknowledged_rating_outlives_a_kill_under_load(folder: Path) -> None:
    server = start_server(folder)
    opened = httpx.post(f"{server.address}/api/v1/guests", headers={FORM: "new"})
    cookies, headers = dict(opened.cookies), {FORM: opened.json()["formKey"]}
    ids = [
        entry["movieId"]
        for word in ("the", "man", "love", "day", "night")
        for entry in httpx.get(
            f"{server.address}/api/v1/movies", params={"query": word, "limit": 100}
        ).json()["movies"]
    ]
    acknowledged: list[int] = []

    def rate(movies: list[int]) -> None:
        with httpx.Client(base_url=server.address, cookies=cookies, headers=headers) as client:
            for movie in movies:
                try:
                    put = client.put(f"/api/v1/me/ratings/{movie}", json={"rating": 4})
                except httpx.TransportError:
                    return
                if put.status_code == 200:
                    acknowledged.append(movie)

    threads = [threading.Thread(target=rate, args=(ids[n::3],)) for n in range(3)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 40 and any(thread.is_alive() for thread in threads):
        threads[0].join(0.01)
    server.process.kill()
    server.process.wait()
    server.close()
    for thread in threads:
        thread.join()
    assert len(acknowledged) >= 40
    with closing(sqlite3.connect(folder.with_name("m.db"))) as database:
        kept = {row[0] for row in database.execute("SELECT movie_id FROM ratings")}
    assert set(acknowledged) <= kept
    again = start_server(folder)
    me = httpx.get(f"{again.address}/api/v1/me", cookies=cookies)
    assert me.json()["ratings"] == len(kept)
    again.stop()


def workers_of(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_worker_is_replaced_and_the_others_end_with_the_first_process(
    folder: Path,
) -> None:
    server = start_server(folder, workers=2)
    opened = httpx.post(f"{server.address}/api/v1/guests", headers={FORM: "new"})
    cookies, headers = dict(opened.cookies), {FORM: opened.json()["formKey"]}
    found = httpx.get(f"{server.address}/api/v1/movies?query=the&limit=60").json()["movies"]
    killed, acknowledged = workers_of(server.process.pid)[0], set[int]()
    for n, movie in enumerate(entry["movieId"] for entry in found):
        # A connection each, so that both answer.
        with suppress(httpx.TransportError):
            put = httpx.put(
                f"{server.address}/api/v1/me/ratings/{movie}",
                json={"rating": 4},
                cookies=cookies,
                headers=headers,
            )
            assert put.status_code == 200
            acknowledged.add(movie)
        if n == 20:
            os.kill(killed, signal.SIGKILL)
    rated = httpx.get(f"{server.address}/api/v1/me/ratings?limit=100", cookies=cookies).json()
    assert acknowledged <= {entry["movieId"] for entry in rated["ratings"]}
    assert len(acknowledged) > 40
    deadline = time.monotonic() + 60
    while len(left := set(workers_of(server.process.pid)) - {killed}) < 2:
        assert time.monotonic() < deadline, "the killed worker is not replaced"
        time.sleep(0.1)
    figures = httpx.get(f"{server.address}/metrics").text
    assert "foreseen_model_version 1.0" in figures
    asked = re.findall(
        r'foreseen_requests_total\{route="\S+ratings/\S+",status="200"\} (\S+)', figures
    )
    # The killed one may have counted what it could not send any more, or not what it sent last.
    assert len(acknowledged) - 1 <= sum(map(float, asked)) <= len(found)
    server.process.kill()
    server.process.wait()
    server.close()
    while any(Path(f"/proc/{worker}").exists() for worker in left):
        assert time.monotonic() < deadline, "workers go on without the first process"
        time.sleep(0.1)


def test_a_damaged_model_is_not_served(folder: Path) -> None:
    for weights in folder.rglob("*.safetensors"):
        weights.write_bytes(b"broken")
    command = [sys.executable, "-c", "from foreseen.cli import main; main()", "serve", str(folder)]
    done = subprocess.run(
        [*command, "--port", "0"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "is not what was saved" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_told_to_stop_it_ends_by_itself(folder: Path) -> None:
    server = start_server(folder)
    assert server.stop() in {0, -signal.SIGTERM, 128 + signal.SIGTERM}


def test_where_others_can_reach_it_a_secret_must_be_set(
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
    made = find_secret("127.0.0.1", folder)
    assert find_secret("::1", folder) == made
    if os.name != "nt":
        assert (tmp_path / "m.secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve", "nowhere"], "holds no model"),
        (["models", "nowhere"], "holds no model"),
        (["update", "nowhere", "--ratings", "x.csv"], "no such folder"),
        (["import", "nowhere.zip", "--from", "letterboxd"], "cannot be read"),
    ],
)
def test_a_mistake_ends_with_one_clear_line(words: list[str], message: str) -> None:
    command = [sys.executable, "-c", "from foreseen.cli import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_answers_on_a_kept_connection_are_not_held_back() -> None:
    """asyncio turns Nagle's algorithm off only for sockets that are named as TCP."""
    with listen("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()[:2]):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP
