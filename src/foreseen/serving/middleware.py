"""ASGI middleware: metrics, log and security headers of every request, and body size limits."""

import json
import logging
import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from foreseen.messages import Message
from foreseen.serving.problems import problem

_LOG: Final = logging.getLogger("foreseen.serving")
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "manifest-src 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_HTTPS_HEADERS: Final = {"Strict-Transport-Security": "max-age=31536000"}
_MAX_BODY: Final = 1 << 16
_MAX_IMPORT_BODY: Final = 33 << 20
"""The largest body, in bytes, of a request to `IMPORT_PATH`."""
IMPORT_PATH: Final = "/api/v1/me/imports"


class RequestMiddleware:
    """Counts, times and logs requests, adds security headers, and handles unexpected errors."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry, secure: bool = False) -> None:
        """Wrap an application.

        Args:
            app: The application.
            registry: Of the metrics.
            secure: Whether browsers should use HTTPS from now on.
        """
        self._app = app
        self._headers = {**_HEADERS, **(_HTTPS_HEADERS if secure else {})}
        self._requests = Counter(
            "foreseen_requests", "Requests handled.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "foreseen_request_seconds", "Seconds per request.", ["route"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; an unexpected error becomes a response with status 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def send_with_headers(message: Event) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            _LOG.exception("a request failed", exc_info=error)
            if status:
                raise
            detail = Message("an unexpected error occurred; it was logged")
            await problem(500, "internal-error", detail)(scope, receive, send_with_headers)
        finally:
            self._record(scope, status, time.perf_counter() - start)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: ids and search texts stay out of logs and metrics.
        route = getattr(scope.get("route"), "path", "none")
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        _LOG.info(
            json.dumps(
                {
                    "at": round(time.time(), 3),
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 1),
                }
            )
        )


class BodyLimit:
    """Receives the body of a request before anything else happens, and bounds its size.

    A client that sends slowly thus occupies no thread and no slot. Imports are passed on as they
    arrive, because they are large. A larger body is refused with status 413.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_import = scope["path"] == IMPORT_PATH
        limit = _MAX_IMPORT_BODY if is_import else _MAX_BODY
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
            await _refuse(limit, scope, receive, send)
        elif is_import:
            await self._stream(limit, scope, receive, send)
        else:
            await self._receive_first(limit, scope, receive, send)

    async def _receive_first(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > limit:
                await _refuse(limit, scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        is_received = False

        async def replay() -> Event:
            nonlocal is_received
            if is_received:
                return await receive()
            is_received = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, replay, send)

    async def _stream(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        received, refused = 0, False

        async def receive_limited() -> Event:
            nonlocal received, refused
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit and not refused:
                refused = True
                await _refuse(limit, scope, receive, send)
            return {"type": "http.disconnect"} if refused else message

        async def send_unless_refused(message: Event) -> None:
            if not refused:
                await send(message)

        await self._app(scope, receive_limited, send_unless_refused)


async def _refuse(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    detail = Message("the body of this request may have at most %(size)s KiB", size=limit >> 10)
    await problem(413, "too-large", detail)(scope, receive, send)
