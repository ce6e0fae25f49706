"""The downloader, tested against a real HTTP server on localhost."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from foreseen.data.sources import download
from foreseen.errors import DownloadError


@dataclass
class StubServer:
    url: str
    content: bytes
    checksum: str
    ranges: list[str | None] = field(default_factory=list[str | None])


@pytest.fixture
def server() -> Iterator[StubServer]:
    content = bytes(range(256)) * 4096
    served = StubServer("", content, hashlib.md5(content, usedforsecurity=False).hexdigest())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".md5"):
                self._send(200, f"MD5 (x.zip) = {served.checksum}\n".encode())
            elif self.path.endswith("ml-latest.zip"):
                served.ranges.append(self.headers["Range"])
                requested = self.headers["Range"]
                if requested is None:
                    self._send(200, content)
                else:
                    start = int(requested.removeprefix("bytes=").removesuffix("-"))
                    self._send(206 if start < len(content) else 416, content[start:])
            else:
                self._send(404, b"")

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{http_server.server_address[1]}"
    yield served
    http_server.shutdown()
    thread.join()
    http_server.server_close()


def test_a_download_is_cached(server: StubServer, tmp_path: Path) -> None:
    file = download.fetch("ml-latest", site=server.url, folder=tmp_path)
    assert file.read_bytes() == server.content
    assert download.fetch("ml-latest", site="http://127.0.0.1:9", folder=tmp_path) == file
    assert server.ranges == [None]


def test_an_interrupted_download_is_resumed(server: StubServer, tmp_path: Path) -> None:
    (tmp_path / "ml-latest.zip.part").write_bytes(server.content[:1000])
    file = download.fetch("ml-latest", site=server.url, folder=tmp_path)
    assert file.read_bytes() == server.content
    assert server.ranges == ["bytes=1000-"]


def test_a_complete_partial_file_is_used(server: StubServer, tmp_path: Path) -> None:
    (tmp_path / "ml-latest.zip.part").write_bytes(server.content)
    assert (
        download.fetch("ml-latest", site=server.url, folder=tmp_path).read_bytes() == server.content
    )


def test_a_download_with_a_wrong_checksum_is_removed(server: StubServer, tmp_path: Path) -> None:
    server.checksum = "0" * 32
    with pytest.raises(DownloadError, match="MD5 sum should be"):
        download.fetch("ml-latest", site=server.url, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_site_is_an_error_with_instructions(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        download.fetch("ml-25m", site="http://127.0.0.1:9", folder=tmp_path)
    assert "http://127.0.0.1:9/ml-25m.zip" in str(caught.value)
    assert str(tmp_path / "ml-25m.zip") in str(caught.value)


def test_a_file_missing_on_the_site_is_an_error(server: StubServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="404"):
        download.fetch("ml-1m", site=server.url, folder=tmp_path)


def test_the_cache_folder_can_be_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESEEN_CACHE", str(tmp_path))
    assert download.cache_folder() == tmp_path
    monkeypatch.delenv("FORESEEN_CACHE")
    assert download.cache_folder().name == "foreseen"
