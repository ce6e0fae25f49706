"""Errors as problem details, `application/problem+json` (RFC 9457), or as pages for browsers."""

from logging import getLogger
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from foreseen.errors import InputError
from foreseen.serving.accounts import SignInError
from foreseen.serving.bounded_pool import OverloadedError
from foreseen.serving.sign_in_limits import TooManyAttemptsError
from foreseen.serving.store import ConflictError, StoreUnavailableError
from foreseen.serving.templates import render_template

MEDIA_TYPE: Final = "application/problem+json"
_LOG: Final = getLogger("foreseen.serving")
_DATABASE_SECONDS: Final = 5
_OVERLOAD_SECONDS: Final = 2
"""When to try again, for clients: the field `Retry-After` of a response with status 503."""


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


_HTTP_DETAILS: Final = {
    404: "there is nothing at this address",
    405: "this address does not support that method",
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


def add_handlers(app: FastAPI) -> None:
    """Make an application respond to errors with problems."""

    @app.exception_handler(ProblemError)
    def _problem(_: Request, error: ProblemError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(error.status, error.kind, error.detail, error.retry_after)

    @app.exception_handler(TooManyAttemptsError)
    def _attempts(_: Request, error: TooManyAttemptsError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(429, "too-many-requests", str(error), error.retry_after)

    @app.exception_handler(OverloadedError)
    def _overload(_: Request, error: OverloadedError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(503, "overloaded", str(error), _OVERLOAD_SECONDS)

    @app.exception_handler(StoreUnavailableError)
    def _database(_: Request, error: StoreUnavailableError) -> Response:  # pyright: ignore[reportUnusedFunction]
        _LOG.error("%s", error)
        detail = "the database is unavailable; nothing was changed; try again in a moment"
        return problem(503, "database-unavailable", detail, _DATABASE_SECONDS)

    @app.exception_handler(ConflictError)
    def _conflict(_: Request, error: ConflictError) -> Response:  # pyright: ignore[reportUnusedFunction]
        _LOG.error("%s", error)
        detail = "the stored data changed at the same time; reload and try again"
        return problem(409, "conflict", detail)

    @app.exception_handler(SignInError)
    def _sign_in(_: Request, error: SignInError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(401, "invalid-credentials", str(error))

    @app.exception_handler(InputError)
    def _input(_: Request, error: InputError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(422, "invalid-input", str(error))

    @app.exception_handler(RequestValidationError)
    def _validation(_: Request, error: RequestValidationError) -> Response:  # pyright: ignore[reportUnusedFunction]
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'][1:])) or fault['loc'][0]}: {fault['msg']}"
            for fault in error.errors()
        )
        return problem(422, "invalid-input", faults)

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> Response:  # pyright: ignore[reportUnusedFunction]
        detail = _HTTP_DETAILS.get(error.status_code, str(error.detail))
        response = problem(error.status_code, "http-error", detail)
        response.headers.update(error.headers or {})
        return response
