"""Metrics, headers, unexpected errors, and the limit of a request's body."""

import asyncio
import json

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry, generate_latest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.serving.api.calls import open_account, open_guest

from foreseen.serving.middleware import BodyLimit, RequestMiddleware


def test_metrics_have_routes_and_no_ids(client: TestClient) -> None:
    open_guest(client)
    client.get("/api/v1/movies/318")
    assert client.get("/health").json() == {"status": "alive"}
    local = TestClient(client.app, client=("127.0.0.1", 50000))
    text = local.get("/metrics").text
    assert 'foreseen_requests_total{route="/api/v1/movies/{movie}",status="200"} 1.0' in text
    assert "movies/318" not in text
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]


def test_a_body_beyond_the_limit_is_refused(client: TestClient) -> None:
    refused = client.post("/api/v1/session", content=b"x" * (1 << 20))
    assert refused.status_code == 413
    assert refused.json()["type"] == "urn:foreseen:too-large"


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-For": "192.0.2.1"}])
def test_metrics_are_refused_to_others(client: TestClient, headers: dict[str, str]) -> None:
    address = "127.0.0.1" if headers else "192.0.2.1"
    other = TestClient(client.app, client=(address, 50000), headers=headers)
    assert other.get("/metrics").status_code == 403


def test_an_administrator_reads_metrics_by_a_token(client: TestClient) -> None:
    headers = open_account(client, "ann")
    token = client.post("/api/v1/me/tokens", json={"label": "p"}, headers=headers).json()["token"]
    other = TestClient(client.app, headers={"Authorization": f"Bearer {token}"})
    assert "foreseen_requests_total" in other.get("/metrics").text


def test_a_declared_body_beyond_the_limit_is_refused_before_it_is_sent() -> None:
    sent = handle(BodyLimit(fail), {"content-length": "65537"}, [])
    assert sent[0]["status"] == 413


def test_a_body_is_received_before_the_request_is_handled() -> None:
    parts = [b"a" * 100, b"b" * 100]
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": part is parts[0]} for part in parts
    ]

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        assert not messages
        await send(await receive())

    assert handle(BodyLimit(echo), {}, messages)[0]["body"] == b"".join(parts)


def test_a_request_whose_client_disconnects_is_not_handled() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert handle(BodyLimit(fail), {}, messages) == []


def handle(app: ASGIApp, headers: dict[str, str], messages: list[Message]) -> list[Message]:
    """Return what an application sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": raw}

    async def call() -> None:
        await app(scope, receive, send)

    asyncio.run(call())
    return sent


async def fail(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise RuntimeError("secret")


@pytest.mark.parametrize("secure", [True, False])
def test_browsers_use_https_from_then_on_if_users_connect_by_it(secure: bool) -> None:
    app = RequestMiddleware(PlainTextResponse("fine"), CollectorRegistry(), secure)
    headers = TestClient(app).get("/").headers
    assert ("strict-transport-security" in headers) is secure


def test_an_unexpected_error_becomes_a_problem_and_is_counted() -> None:
    registry = CollectorRegistry()
    sent = handle(RequestMiddleware(fail, registry), {}, [])
    assert sent[0]["status"] == 500
    document = json.loads(sent[1]["body"])
    assert document["type"] == "urn:foreseen:internal-error"
    assert "secret" not in document["detail"]
    assert b'status="500"' in generate_latest(registry)
