"""Every request counted, timed, written down, and given the headers that browsers heed."""

import json
import logging
import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Watch:
    """Stands around the application; what fails within it is answered as our mistake."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "foreseen_requests", "Requests answered.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "foreseen_request_seconds", "Seconds to an answer.", ["route"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:
            _LOG.exception("a request failed", exc_info=error)
            if status:
                raise
            detail = "something went wrong; it has been written down"
            await problem(500, "our-mistake", detail)(scope, receive, with_headers)
        finally:
            self._write_down(scope, status, time.perf_counter() - begun)

    def _write_down(self, scope: Scope, status: int, took: float) -> None:
        # The route's pattern, never the path: ids and what people search for stay out of logs.
        route = getattr(scope.get("route"), "path", "none")
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(took)
        _LOG.info(
            json.dumps(
                {
                    "at": round(time.time(), 3),
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(took * 1000, 1),
                }
            )
        )
