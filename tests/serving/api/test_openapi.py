"""Generated requests: the API responds as its OpenAPI description says, and never fails."""

# Schemathesis leaves its operations untyped.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeArgument=false

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema as OpenApiSchema
from tests.serving.api.sequences import ADMIN, SLOW, Headers, run_sequences, session_headers
from tests.serving.conftest import SECRET

from foreseen.serving.accounts import Accounts
from foreseen.serving.app import create_app
from foreseen.serving.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path_factory.mktemp('openapi') / 'ratings.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def admin(store: Store) -> Headers:
    """The headers of an administrator's requests."""
    accounts = Accounts(store, SECRET, [ADMIN["name"]])
    session = accounts.sign_up(accounts.open_guest(), ADMIN["name"], ADMIN["password"])
    return session_headers(session.cookie, session.csrf_token)


@pytest.fixture(scope="module")
def schema(trained: Path, store: Store, tmp_path_factory: pytest.TempPathFactory) -> OpenApiSchema:
    """The OpenAPI description of an application."""
    folder = tmp_path_factory.mktemp("openapi") / "m"
    shutil.copytree(trained, folder)
    app = create_app(folder, store, SECRET)
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)


def test_no_sequence_of_requests_makes_the_server_fail(
    schema: OpenApiSchema, admin: Headers
) -> None:
    counts = run_sequences(schema, admin, 100)
    assert len({label for label, _ in counts}) > 10


def test_no_request_makes_the_server_fail(schema: OpenApiSchema, admin: Headers) -> None:
    tested: set[str] = set()
    # These would end the session or delete the account; the third would train for minutes.
    tried = schema.exclude(path="/api/v1/me", method="DELETE").exclude(
        path="/api/v1/session", method="DELETE"
    )
    for found in tried.exclude(path="/api/v1/model/update").get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        tested.add(operation.label)

        @settings(max_examples=10, deadline=None, suppress_health_check=SLOW)
        @given(case=operation.as_strategy())
        def respond(case: schemathesis.Case) -> None:
            response = case.call(headers=admin)
            assert response.status_code < 500, (case.as_curl_command(), response.text)
            if response.status_code >= 400:
                kind = response.headers["content-type"][0]
                assert kind == "application/problem+json", case.as_curl_command()

        respond()
    assert "PUT /api/v1/me/ratings/{movie}" in tested
