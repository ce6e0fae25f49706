"""Errors as problem details."""

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from foreseen.errors import InputError
from foreseen.serving.accounts import SignInError, TooManyAttemptsError
from foreseen.serving.problems import MEDIA_TYPE, ProblemError, add_handlers, problem


def test_a_problem_has_the_fields_of_rfc_9457() -> None:
    response = problem(404, "no-such-movie", "the catalogue has no movie 7")
    assert (response.status_code, response.media_type) == (404, MEDIA_TYPE)
    assert json.loads(bytes(response.body)) == {
        "type": "urn:foreseen:no-such-movie",
        "title": "no such movie",
        "status": 404,
        "detail": "the catalogue has no movie 7",
    }


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ProblemError(409, "conflict", "x"), 409, "conflict"),
        (InputError("x"), 422, "invalid-input"),
        (SignInError("x"), 401, "invalid-credentials"),
        (TooManyAttemptsError("x"), 429, "too-many-requests"),
    ],
)
def test_errors_have_a_status_and_a_kind(error: Exception, status: int, kind: str) -> None:
    app = FastAPI()
    add_handlers(app)

    @app.get("/")
    def fail() -> None:  # pyright: ignore[reportUnusedFunction]
        raise error

    response = TestClient(app).get("/")
    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["type"] == f"urn:foreseen:{kind}"
