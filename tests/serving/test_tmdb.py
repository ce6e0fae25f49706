"""Posters of TMDB: fetched from a server that responds as its API does, and kept in a folder."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.serving.conftest import SECRET, ignore

from foreseen.errors import InputError
from foreseen.serving.app import create_app
from foreseen.serving.server import TMDB_KEY, run
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Store
from foreseen.serving.tmdb import CREDIT, TmdbConfig, TmdbPosters

KEY = "0a" * 16
TOKEN = "a-read-access-token." * 5
IMAGE = b"\xff\xd8\xff\xe0 an image \xff\xd9"
LINKS = pl.DataFrame({"movieId": [318, 50], "imdbId": ["0111161", "114814"], "tmdbId": ["278", ""]})


@dataclass
class Api:
    """What the server of a test responds with, and the requests that it got."""

    posters: dict[str, str | None]
    image: bytes = IMAGE
    status: int = 200
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def wait_for(self, part: str) -> None:
        wait(lambda: any(part in path for path, _ in self.requests))


def wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def api() -> Iterator[Api]:
    state = Api({"278": "/shawshank.jpg", "279": None})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers.get("Authorization", "")
            state.requests.append((self.path, key))
            parts = urlsplit(self.path)
            is_allowed = parse_qs(parts.query).get("api_key") == [KEY] or TOKEN in key
            if parts.path.startswith("/images/"):
                self._respond(200, state.image)
            elif state.status != 200 or not is_allowed:
                self._respond(state.status if is_allowed else 401, b"{}")
            elif parts.path == "/3/configuration":
                images = {
                    "secure_base_url": f"{state.url.removesuffix('/3')}/images/",
                    "poster_sizes": ["w92", "w342", "original"],
                }
                self._respond(200, json.dumps({"images": images}).encode())
            else:
                movie = parts.path.rpartition("/")[2]
                found = movie in state.posters
                content = {"id": movie, "poster_path": state.posters.get(movie)}
                self._respond(200 if found else 404, json.dumps(content).encode())

        def _respond(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/3"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def posters(api: Api, tmp_path: Path) -> Iterator[TmdbPosters]:
    fetching = TmdbPosters(TmdbConfig(tmp_path / "posters", api.url, KEY))
    yield fetching
    fetching.close()


def test_a_missing_poster_is_fetched_once_and_kept(
    api: Api, posters: TmdbPosters, tmp_path: Path
) -> None:
    assert posters.version("278") is None
    wait(lambda: posters.version("278") is not None)
    assert (tmp_path / "posters" / "278.jpg").read_bytes() == IMAGE
    paths = [urlsplit(path).path for path, _ in api.requests]
    assert paths == ["/3/configuration", "/3/movie/278", "/images/w342/shawshank.jpg"]
    # The key goes to the API only.
    assert KEY not in api.requests[-1][0]
    again = TmdbPosters(TmdbConfig(tmp_path / "posters", api.url, KEY))
    assert again.version("278") is not None
    again.close()
    assert len(api.requests) == 3


def test_a_movie_without_a_poster_is_asked_for_once(api: Api, posters: TmdbPosters) -> None:
    for movie in ("279", "999", "", "../9", "0", "x"):
        assert posters.version(movie) is None
    api.wait_for("/movie/999")
    assert posters.version("279") is None
    assert posters.version("278") is None
    wait(lambda: posters.version("278") is not None)
    paths = [urlsplit(path).path for path, _ in api.requests]
    assert paths.count("/3/movie/279") == 1
    assert not [path for path in paths if "9" in path.rpartition("/")[2] and path.endswith(".jpg")]


def test_an_old_poster_is_fetched_again(posters: TmdbPosters, tmp_path: Path) -> None:
    file = tmp_path / "posters" / "278.jpg"
    file.write_bytes(b"\xff\xd8\xff old")
    half_a_year_ago = time.time() - 183 * 86_400
    os.utime(file, (half_a_year_ago, half_a_year_ago))
    assert posters.version("278") is None
    wait(lambda: posters.version("278") is not None)
    assert file.read_bytes() == IMAGE


def test_a_token_is_sent_as_a_header(api: Api, tmp_path: Path) -> None:
    posters = TmdbPosters(TmdbConfig(tmp_path / "posters", api.url, TOKEN))
    posters.version("278")
    wait(lambda: posters.version("278") is not None)
    posters.close()
    assert api.requests[0] == ("/3/configuration", f"Bearer {TOKEN}")


@pytest.mark.parametrize(
    ("status", "image", "reason"),
    [
        (401, IMAGE, "status 401"),
        (429, IMAGE, "status 429"),
        (200, b"<html>", "no JPEG"),
        (200, b"\xff\xd8\xff" + b"x" * (2 << 20), "more than 2 MiB"),
    ],
)
def test_a_refusal_is_logged_without_the_key_and_pauses(
    api: Api,
    posters: TmdbPosters,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    status: int,
    image: bytes,
    reason: str,
) -> None:
    api.status, api.image = status, image
    assert posters.version("278") is None
    wait(lambda: reason in caplog.text)
    assert KEY not in caplog.text
    asked = len(api.requests)
    assert posters.version("279") is None
    time.sleep(0.05)
    assert len(api.requests) == asked
    assert list((tmp_path / "posters").iterdir()) == []


def test_a_page_shows_a_drawn_cover_until_the_poster_is_there(
    api: Api,
    trained: Path,
    snapshot: ModelSnapshot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    linked = replace(snapshot, links=LINKS)

    def load(_: Path) -> ModelSnapshot:
        return linked

    monkeypatch.setattr(ModelSnapshot, "load", load)
    monkeypatch.setattr("foreseen.serving.live_model.freeze_gc", ignore)
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    config = TmdbConfig(tmp_path / "posters", api.url, KEY)
    with TestClient(create_app(trained, store, SECRET, tmdb=config)) as client:
        page = client.get("/film/318").text
        assert "<img" not in page.split("Similar films")[0]
        assert CREDIT in page
        wait((config.folder / "278.jpg").exists)
        address = client.get("/film/318").text.split('<img src="')[1].split('"')[0]
        assert address.startswith("/posters/tmdb/278.jpg?")
        assert client.get(address).content == IMAGE
        assert client.get("/posters/tmdb/notes.txt").status_code == 404
        policy = client.get("/").headers["content-security-policy"]
        assert "img-src 'self' data:;" in policy


def test_a_url_without_encryption_is_refused(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TMDB_KEY, KEY)
    with pytest.raises(InputError, match="--tmdb-url: a URL should begin with https://"):
        run(trained, None, "127.0.0.1", 0, False, [], [], 1, None, None, "http://example.org/3")
