"""Errors as problem details, `application/problem+json` (RFC 9457), or as pages for browsers."""

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import Receive, Scope, Send

# The parent process imports this module before it starts the workers; the templates come later.

MEDIA_TYPE: Final = "application/problem+json"


class ProblemError(Exception):
    """An error to respond with.

    Attributes:
        status: HTTP status code.
        kind: Identifier of the kind of problem, such as `no-such-movie`.
        detail: What is wrong and how to correct it.
        retry_after: Seconds after which the same request may succeed; None if it will not.
    """

    def __init__(self, status: int, kind: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after


_TITLES: Final = {
    400: "This address is not served here",
    401: "Please sign in",
    403: "Not allowed",
    404: "Page not found",
    405: "This page cannot do that",
    409: "Changed meanwhile",
    413: "Too large",
    422: "That does not fit",
    429: "Too many requests",
    500: "An error on our side",
    503: "Back in a moment",
}


class ProblemResponse(JSONResponse):
    """A problem: as a page if the client accepts HTML and the path is not of the API."""

    media_type = MEDIA_TYPE

    def __init__(self, status: int, kind: str, detail: str, retry_after: int | None = None) -> None:
        """Describe a problem; see `ProblemError` for the arguments."""
        content = {
            "type": f"urn:foreseen:{kind}",
            "title": kind.replace("-", " "),
            "status": status,
            "detail": detail,
        }
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(content, status, {**headers, "Vary": "Accept"})
        self._detail = detail
        self._retry_after = retry_after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response in the form that suits the request."""
        if not _wants_page(scope):
            await super().__call__(scope, receive, send)
            return
        from foreseen.serving.templates import render_template

        reloads = scope["method"] == "GET" and self.status_code == 503
        text = render_template(
            "error.html",
            path=scope["path"],
            user=None,
            csrf_token="",
            title=_TITLES.get(self.status_code, "This did not work"),
            status=self.status_code,
            detail=self._detail[:1].upper() + self._detail[1:],
            reload_after=self._retry_after if reloads else None,
        )
        kept = {
            name: value
            for name, value in self.headers.items()
            if name not in {"content-type", "content-length"}
        }
        page = HTMLResponse(text, self.status_code, {**kept, "Cache-Control": "no-store"})
        await page(scope, receive, send)


def _wants_page(scope: Scope) -> bool:
    accepted = Headers(scope=scope).get("accept", "")
    return "text/html" in accepted and not scope["path"].startswith("/api/")


def problem(status: int, kind: str, detail: str, retry_after: int | None = None) -> ProblemResponse:
    """Return a response with a problem; see `ProblemError` for the arguments."""
    return ProblemResponse(status, kind, detail, retry_after)
