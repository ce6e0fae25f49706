"""HEAD requests, compression and cache headers."""

import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import open_guest

PATHS = ("/", "/health", "/ready", "/static/foreseen.css", "/api/v1/movies/318", "/api/v1/model")


@pytest.fixture
def guest(client: TestClient) -> TestClient:
    open_guest(client)
    return client


@pytest.mark.parametrize("path", PATHS)
def test_head_has_the_status_and_the_headers_of_get(guest: TestClient, path: str) -> None:
    get, head = guest.get(path), guest.head(path)
    assert head.status_code == get.status_code == 200
    assert not head.content
    assert head.headers["content-type"] == get.headers["content-type"]
    assert set(head.headers) == set(get.headers)


def test_head_of_what_is_missing_or_not_readable_fails_as_get_does(client: TestClient) -> None:
    for path in ("/api/v1/movies/99999999", "/nothing", "/api/v1/me", "/api/v1/guests"):
        get, head = client.get(path), client.head(path)
        assert head.status_code == get.status_code >= 400
        assert not head.content


def test_head_requests_are_counted_under_their_route(client: TestClient) -> None:
    client.head("/api/v1/movies/318")
    local = TestClient(client.app, client=("127.0.0.1", 50000))
    text = local.get("/metrics").text
    assert 'foreseen_requests_total{route="/api/v1/movies/{movie}",status="200"} 1.0' in text


def test_the_api_and_static_files_are_compressed(guest: TestClient) -> None:
    for path in ("/api/v1/me/recommendations?k=50", "/static/foreseen.css"):
        plain = guest.get(path, headers={"Accept-Encoding": "identity"})
        packed = guest.get(path, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["vary"]
        assert packed.content == plain.content
        assert 3 * int(packed.headers["content-length"]) < len(plain.content)


def test_pages_with_the_csrf_token_are_not_compressed(guest: TestClient) -> None:
    page = guest.get("/?genre=Comedy", headers={"Accept-Encoding": "gzip"})
    assert "csrf-token" in page.text
    assert "content-encoding" not in page.headers


def test_unchanged_static_files_are_not_sent_again(client: TestClient) -> None:
    first = client.get("/static/foreseen.css")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/static/foreseen.css", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert not again.content


def test_static_files_with_a_version_are_kept(client: TestClient) -> None:
    versioned = client.get("/static/foreseen.css?1a2b").headers["cache-control"]
    assert versioned == "public, max-age=31536000, immutable"
