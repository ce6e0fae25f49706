"""Allowed names of the server, and requests from this machine."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from foreseen.serving.hosts import AllowedHosts, host_name, is_local


async def respond(_: Request) -> PlainTextResponse:
    return PlainTextResponse("fine")


ROUTES = [Route("/", respond), Route("/health", respond)]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Example.org:8000", "example.org"),
        ("example.org.", "example.org"),
        ("[::1]:8000", "::1"),
        ("[::1]", "::1"),
        ("::1", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("films.example.org", 200),
        ("FILMS.example.org:443", 200),
        ("localhost:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 400),
        ("films.example.org.evil.example", 400),
        ("films.example.org@evil.example", 400),
        ("", 400),
    ],
)
def test_only_allowed_names_and_loopback_names_are_served(host: str, status: int) -> None:
    application = AllowedHosts(Starlette(routes=ROUTES), ["films.example.org"])
    client = TestClient(application)
    response = client.get("/", headers={"host": host})
    assert response.status_code == status
    if status == 400:
        assert response.json()["type"] == "urn:foreseen:unknown-host"
    assert client.get("/health", headers={"host": host}).status_code == 200


def test_any_name_is_served_if_none_is_configured() -> None:
    client = TestClient(AllowedHosts(Starlette(routes=ROUTES), []))
    assert client.get("/", headers={"host": "any.example"}).status_code == 200


@pytest.mark.parametrize(
    ("client", "headers", "local"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, False),
        ("127.0.0.1", {"Via": "1.1 proxy"}, False),
        ("192.0.2.1", {}, False),
    ],
)
def test_requests_from_this_machine(client: str, headers: dict[str, str], local: bool) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": raw, "client": (client, 50000)}
    assert is_local(Request(scope)) is local
