"""The downloader against a real HTTP server on loopback."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from foreseen.errors import DownloadError
from foreseen.data.sources import download


@dataclass
class Site:
    url: str
    content: bytes
    checksum: str
    ranges: list[str | None] = field(default_factory=list[str | None])


@pytest.fixture
def site() -> Iterator[Site]:
    content = bytes(range(256)) * 4096
    served = Site("", content, hashlib.md5(content, usedforsecurity=False).hexdigest())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".md5"):
                self._send(200, f"MD5 (x.zip) = {served.checksum}\n".encode())
            elif self.path.endswith("ml-latest.zip"):
                served.ranges.append(self.headers["Range"])
                asked = self.headers["Range"]
                if asked is None:
                    self._send(200, content)
                else:
                    start = int(asked.removeprefix("bytes=").removesuffix("-"))
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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_is_checked_and_kept(site: Site, tmp_path: Path) -> None:
    file = download.fetch("ml-latest", site=site.url, folder=tmp_path)
    assert file.read_bytes() == site.content
    assert download.fetch("ml-latest", site="http://127.0.0.1:9", folder=tmp_path) == file
    assert site.ranges == [None]


def test_an_interrupted_download_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    (tmp_path / "ml-latest.zip.part").write_bytes(site.content[:1000])
    file = download.fetch("ml-latest", site=site.url, folder=tmp_path)
    assert file.read_bytes() == site.content
    assert site.ranges == ["bytes=1000-"]


def test_a_part_that_is_already_whole_is_taken(site: Site, tmp_path: Path) -> None:
    (tmp_path / "ml-latest.zip.part").write_bytes(site.content)
    assert download.fetch("ml-latest", site=site.url, folder=tmp_path).read_bytes() == site.content


def test_a_damaged_download_never_gets_its_name(site: Site, tmp_path: Path) -> None:
    site.checksum = "0" * 32
    with pytest.raises(DownloadError, match="checksum"):
        download.fetch("ml-latest", site=site.url, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_it_says_what_to_fetch_and_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        download.fetch("ml-25m", site="http://127.0.0.1:9", folder=tmp_path)
    assert "http://127.0.0.1:9/ml-25m.zip" in str(caught.value)
    assert str(tmp_path / "ml-25m.zip") in str(caught.value)


def test_a_name_the_site_does_not_have_is_an_error(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="404"):
        download.fetch("ml-1m", site=site.url, folder=tmp_path)
