"""Errors as problem details."""

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from foreseen.errors import InputError
from foreseen.serving.accounts import SignInError
from foreseen.serving.bounded_pool import OverloadedError
from foreseen.serving.problem_handlers import add_handlers
from foreseen.serving.problems import MEDIA_TYPE, ProblemError, problem
from foreseen.serving.sign_in_limits import TooManyAttemptsError
from foreseen.serving.store import ConflictError, StoreUnavailableError


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
    ("error", "status", "kind", "retry_after"),
    [
        (ProblemError(418, "teapot", "x"), 418, "teapot", None),
        (ProblemError(429, "too-many-requests", "x", 7), 429, "too-many-requests", "7"),
        (InputError("x"), 422, "invalid-input", None),
        (SignInError("x"), 401, "invalid-credentials", None),
        (TooManyAttemptsError("x", 90), 429, "too-many-requests", "90"),
        (ConflictError("x"), 409, "conflict", None),
        (StoreUnavailableError("x"), 503, "database-unavailable", "5"),
        (OverloadedError("x"), 503, "overloaded", "2"),
    ],
)
def test_errors_have_a_status_a_kind_and_when_to_try_again(
    error: Exception, status: int, kind: str, retry_after: str | None
) -> None:
    app = FastAPI()
    add_handlers(app)

    @app.get("/")
    def fail() -> None:  # pyright: ignore[reportUnusedFunction]
        raise error

    response = TestClient(app).get("/")
    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["type"] == f"urn:foreseen:{kind}"
    assert response.headers.get("retry-after") == retry_after


def test_browsers_get_a_page_and_programs_get_json(client: TestClient) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path, status in (("/nothing", 404), ("/film/99999999", 404), ("/?balance=900", 422)):
        page = client.get(path, headers=browser)
        assert page.status_code == status
        assert page.headers["content-type"].startswith("text/html")
        assert f'<p class="code">{status}</p>' in page.text
        assert client.get(path).headers["content-type"] == MEDIA_TYPE
    posted = client.post("/rate", headers=browser)
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET")
    assert "<h1>" in posted.text
    api = client.get("/api/v1/nothing", headers=browser)
    assert (api.status_code, api.headers["content-type"]) == (404, MEDIA_TYPE)


def test_the_page_of_an_outage_reloads_by_itself_and_escapes_its_message() -> None:
    app = FastAPI()
    add_handlers(app)

    @app.get("/")
    def fail() -> None:  # pyright: ignore[reportUnusedFunction]
        raise ProblemError(503, "outage", "<b>down</b>", 7)

    response = TestClient(app).get("/", headers={"Accept": "text/html"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert '<meta http-equiv="refresh" content="7">' in response.text
    assert "&lt;b&gt;down&lt;/b&gt;" in response.text
