"""Generated requests: the API responds as its OpenAPI description says, and never fails."""

# Schemathesis leaves its operations untyped.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeArgument=false

import shutil
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema as OpenApiSchema
from tests.serving.conftest import SECRET

from foreseen.serving.accounts import Accounts
from foreseen.serving.app import create_app
from foreseen.serving.store import Store

# Generating requests from a large description is slow.
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
def schema(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> OpenApiSchema:
    """The OpenAPI description; its requests carry the token of an administrator."""
    root = tmp_path_factory.mktemp("openapi")
    shutil.copytree(trained, root / "m")
    store = Store(f"sqlite:///{root / 'ratings.db'}")
    accounts = Accounts(store, SECRET)
    session = accounts.sign_up(accounts.open_guest(), "ann", "correct horse battery")
    _, token = accounts.add_token(session.user, "tests")
    loaded = schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", create_app(root / "m", store, SECRET)
    )
    loaded.config.headers = {"Authorization": f"Bearer {token}"}
    # The first would delete the account, the second would train for minutes.
    return loaded.exclude(path="/api/v1/me", method="DELETE").exclude(path="/api/v1/model/update")


def test_no_request_makes_the_server_fail(schema: OpenApiSchema) -> None:
    tested: set[str] = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        tested.add(operation.label)

        @settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
        @given(case=operation.as_strategy())
        def respond(case: schemathesis.Case) -> None:
            response = case.call()
            assert response.status_code < 500, (case.as_curl_command(), response.text)
            if response.status_code >= 400:
                kind = response.headers["content-type"][0]
                assert kind == "application/problem+json", case.as_curl_command()

        respond()
    assert "PUT /api/v1/me/ratings/{movie}" in tested
