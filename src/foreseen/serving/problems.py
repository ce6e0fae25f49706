"""Errors as problem details, `application/problem+json` (RFC 9457)."""

from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from foreseen.errors import InputError
from foreseen.serving.accounts import SignInError, TooManyAttemptsError

MEDIA_TYPE: Final = "application/problem+json"


class ProblemError(Exception):
    """An error to respond with.

    Attributes:
        status: HTTP status code.
        kind: Identifier of the kind of problem, such as `no-such-movie`.
        detail: What is wrong and how to correct it.
    """

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail


def problem(status: int, kind: str, detail: str) -> JSONResponse:
    """Return a response with a problem; see `ProblemError` for the arguments."""
    content = {
        "type": f"urn:foreseen:{kind}",
        "title": kind.replace("-", " "),
        "status": status,
        "detail": detail,
    }
    return JSONResponse(content, status, media_type=MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Make an application respond to errors with problems."""

    @app.exception_handler(ProblemError)
    def _problem(_: Request, error: ProblemError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(error.status, error.kind, error.detail)

    @app.exception_handler(TooManyAttemptsError)
    def _attempts(_: Request, error: TooManyAttemptsError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(429, "too-many-requests", str(error))

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
        response = problem(error.status_code, "http-error", str(error.detail))
        response.headers.update(error.headers or {})
        return response
