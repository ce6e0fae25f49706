"""Errors as problem+json (RFC 9457): what went wrong and what to do about it."""

import logging
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from foreseen.errors import InputError
from foreseen.serving.accounts import SignInError, TooManyTriesError

_LOG: Final = logging.getLogger("foreseen.serving")
MEDIA_TYPE: Final = "application/problem+json"


class ProblemError(Exception):
    """A request that cannot be answered as asked."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail


def problem(status: int, kind: str, detail: str) -> JSONResponse:
    """Return a problem as a response."""
    content = {
        "type": f"urn:foreseen:{kind}",
        "title": kind.replace("-", " "),
        "status": status,
        "detail": detail,
    }
    return JSONResponse(content, status, media_type=MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Let an application answer every error with a problem."""

    @app.exception_handler(ProblemError)
    def _problem(_: Request, error: ProblemError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(error.status, error.kind, error.detail)

    @app.exception_handler(TooManyTriesError)
    def _tries(_: Request, error: TooManyTriesError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(429, "too-many-tries", str(error))

    @app.exception_handler(SignInError)
    def _sign_in(_: Request, error: SignInError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(401, "not-signed-in", str(error))

    @app.exception_handler(InputError)
    def _input(_: Request, error: InputError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(422, "unfit-input", str(error))

    @app.exception_handler(RequestValidationError)
    def _validation(_: Request, error: RequestValidationError) -> Response:  # pyright: ignore[reportUnusedFunction]
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'][1:])) or fault['loc'][0]}: {fault['msg']}"
            for fault in error.errors()
        )
        return problem(422, "unfit-input", faults)

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> Response:  # pyright: ignore[reportUnusedFunction]
        response = problem(error.status_code, "http-error", str(error.detail))
        response.headers.update(error.headers or {})
        return response
