"""Errors as problem details, `application/problem+json` (RFC 9457), or as pages for browsers."""

from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import Receive, Scope, Send

from foreseen.messages import Message

# The parent process imports this module before it starts the workers; the templates and languages
# come later.

MEDIA_TYPE: Final = "application/problem+json"


class ProblemError(Exception):
    """An error to respond with.

    Attributes:
        status: HTTP status code.
        kind: Identifier of the kind of problem, such as `no-such-movie`.
        detail: What is wrong and how to correct it; a `Message` is translated.
        retry_after: Seconds after which the same request may succeed; None if it will not.
    """

    def __init__(self, status: int, kind: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after


_TITLES: Final = {
    400: Message("This address is not served here"),
    401: Message("Please sign in"),
    403: Message("Not allowed"),
    404: Message("Page not found"),
    405: Message("This page cannot do that"),
    409: Message("Changed meanwhile"),
    413: Message("Too large"),
    422: Message("That does not fit"),
    429: Message("Too many requests"),
    500: Message("An error on our side"),
    503: Message("Back in a moment"),
}
_OTHER_TITLE: Final = Message("This did not work")
_VARY: Final = "Accept, Accept-Language, Cookie"


class ProblemResponse(JSONResponse):
    """A problem: as a page if the client accepts HTML and the path is not of the API.

    The detail is in the language of the request, which is English unless the request asks for
    another.
    """

    media_type = MEDIA_TYPE

    def __init__(self, status: int, kind: str, detail: str, retry_after: int | None = None) -> None:
        """Describe a problem; see `ProblemError` for the arguments."""
        self._content = {
            "type": f"urn:foreseen:{kind}",
            "title": kind.replace("-", " "),
            "status": status,
            "detail": detail,
        }
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(self._content, status, {**headers, "Vary": _VARY})
        self._detail = detail
        self._retry_after = retry_after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response in the form that suits the request."""
        from foreseen.serving.languages import SOURCE, language_of

        chosen = language_of(scope)
        detail = chosen.translate(self._detail)
        if not _wants_page(scope):
            if chosen.code != SOURCE:
                self.body = self.render({**self._content, "detail": detail})
                self.headers["Content-Length"] = str(len(self.body))
            await super().__call__(scope, receive, send)
            return
        from foreseen.serving.templates import render_template

        reloads = scope["method"] == "GET" and self.status_code == 503
        text = render_template(
            "error.html",
            chosen,
            path=scope["path"],
            parameters=parse_qs(scope["query_string"].decode("latin-1")),
            user=None,
            csrf_token="",
            title=chosen.translate(_TITLES.get(self.status_code, _OTHER_TITLE)),
            status=self.status_code,
            detail=detail[:1].upper() + detail[1:],
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
