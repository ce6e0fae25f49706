"""Handlers that respond to the errors of requests with problem details."""

from logging import getLogger
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from foreseen.errors import InputError
from foreseen.messages import Message, message_of
from foreseen.serving.accounts import SignInError
from foreseen.serving.bounded_pool import OverloadedError
from foreseen.serving.languages import SOURCE, language_of
from foreseen.serving.problems import ProblemError, problem
from foreseen.serving.sign_in_limits import TooManyAttemptsError
from foreseen.serving.store import ConflictError, StoreUnavailableError

_LOG: Final = getLogger("foreseen.serving")
_DATABASE_SECONDS: Final = 5
_OVERLOAD_SECONDS: Final = 2
"""When to try again, for clients: the field `Retry-After` of a response with status 503."""
_HTTP_DETAILS: Final = {
    404: Message("there is nothing at this address"),
    405: Message("this address does not support that method"),
}


def add_handlers(app: FastAPI) -> None:
    """Make an application respond to errors with problems."""

    @app.exception_handler(ProblemError)
    def _problem(_: Request, error: ProblemError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(error.status, error.kind, error.detail, error.retry_after)

    @app.exception_handler(TooManyAttemptsError)
    def _attempts(_: Request, error: TooManyAttemptsError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(429, "too-many-requests", message_of(error), error.retry_after)

    @app.exception_handler(OverloadedError)
    def _overload(_: Request, error: OverloadedError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(503, "overloaded", message_of(error), _OVERLOAD_SECONDS)

    @app.exception_handler(StoreUnavailableError)
    def _database(_: Request, error: StoreUnavailableError) -> Response:  # pyright: ignore[reportUnusedFunction]
        _LOG.error("%s", error)
        detail = Message("the database is unavailable; nothing was changed; try again in a moment")
        return problem(503, "database-unavailable", detail, _DATABASE_SECONDS)

    @app.exception_handler(ConflictError)
    def _conflict(_: Request, error: ConflictError) -> Response:  # pyright: ignore[reportUnusedFunction]
        _LOG.error("%s", error)
        detail = Message("the stored data changed at the same time; reload and try again")
        return problem(409, "conflict", detail)

    @app.exception_handler(SignInError)
    def _sign_in(_: Request, error: SignInError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return problem(401, "invalid-credentials", message_of(error))

    @app.exception_handler(InputError)
    def _input(request: Request, error: InputError) -> Response:  # pyright: ignore[reportUnusedFunction]
        detail = message_of(error)
        if not isinstance(detail, Message) and language_of(request.scope).code != SOURCE:
            # The readers of files have English messages only, those of the command line.
            detail = Message("this is not valid; the reason, in English: %(reason)s", reason=detail)
        return problem(422, "invalid-input", detail)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> Response:  # pyright: ignore[reportUnusedFunction]
        if language_of(request.scope).code != SOURCE:
            # The messages of Pydantic are English.
            names = ", ".join(str(fault["loc"][-1]) for fault in error.errors())
            detail = Message("these values are not valid: %(names)s", names=names)
            return problem(422, "invalid-input", detail)
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
