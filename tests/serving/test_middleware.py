"""Metrics, headers, unexpected errors, and the limit of a request's body."""

import asyncio
import json
from typing import Any

from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry, generate_latest
from starlette.types import Message, Receive, Scope, Send
from tests.serving.api.calls import open_guest

from foreseen.serving.middleware import RequestMiddleware


def test_metrics_have_routes_and_no_ids(client: TestClient) -> None:
    open_guest(client)
    client.get("/api/v1/movies/318")
    assert client.get("/health").json() == {"status": "alive"}
    text = client.get("/metrics").text
    assert 'foreseen_requests_total{route="/api/v1/movies/{movie}",status="200"} 1.0' in text
    assert "movies/318" not in text
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]


def test_a_body_beyond_the_limit_is_refused(client: TestClient) -> None:
    refused = client.post("/api/v1/session", content=b"x" * (1 << 20))
    assert refused.status_code == 413
    assert refused.json()["type"] == "urn:foreseen:too-large"


def test_an_unexpected_error_becomes_a_problem_and_is_counted() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        raise RuntimeError("secret")

    registry = CollectorRegistry()
    sent: list[Message] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(RequestMiddleware(fail, registry)(scope, receive, send))
    assert sent[0]["status"] == 500
    document = json.loads(sent[1]["body"])
    assert document["type"] == "urn:foreseen:internal-error"
    assert "secret" not in document["detail"]
    assert b'status="500"' in generate_latest(registry)
