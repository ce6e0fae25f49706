"""How responses are sent: HEAD requests, compression and caching of static files."""

from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COMPRESSED: Final = ("/api/", "/static/")
_SMALLEST: Final = 1024
_LEVEL: Final = 6


class HeadRequests:
    """Handles HEAD requests as GET requests, without the body of the response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # The server, which writes no body for HEAD, goes on reading the method of its own scope.
        as_get = {**scope, "method": "GET"}
        try:
            await self._app(as_get, receive, send_without_body)
        finally:
            if "route" in as_get:
                scope["route"] = as_get["route"]


class Compression:
    """Compresses the responses of the API and static files.

    Pages are not compressed: they contain the session's CSRF token beside text of the address, so
    that the length of a compressed page would depend on the token (the BREACH attack).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=_SMALLEST, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        is_compressed = scope["type"] == "http" and scope["path"].startswith(_COMPRESSED)
        await (self._compressing if is_compressed else self._app)(scope, receive, send)


class CachedStaticFiles(StaticFiles):
    """Static files with cache headers.

    A file whose address has a version (`foreseen.css?1a2b`) never changes. Others are kept, and
    revalidated by their ETag.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the response for a path."""
        response = await super().get_response(path, scope)
        is_versioned = bool(scope.get("query_string")) and response.status_code < 400
        kept = "public, max-age=31536000, immutable" if is_versioned else "no-cache"
        response.headers["Cache-Control"] = kept
        return response
