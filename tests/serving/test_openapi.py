"""Whatever is sent, the API answers as it is described and never fails."""

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

# Drawing requests from a large description takes its time.
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
def described(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> OpenApiSchema:
    """The API with an administrator who holds a token, read from its own description."""
    root = tmp_path_factory.mktemp("described")
    shutil.copytree(trained, root / "m")
    store = Store(f"sqlite:///{root / 'ratings.db'}")
    accounts = Accounts(store, SECRET)
    session = accounts.sign_up(accounts.open_guest(), "ann", "correct horse battery")
    _, token = accounts.add_token(session.user, "tests")
    schema = schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", create_app(root / "m", store, SECRET)
    )
    schema.config.headers = {"Authorization": f"Bearer {token}"}
    # The one would end the account that asks, the other trains for minutes.
    return schema.exclude(path="/api/v1/me", method="DELETE").exclude(path="/api/v1/model/update")


def test_no_request_makes_the_server_fail(described: OpenApiSchema) -> None:
    asked: set[str] = set()
    for found in described.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        asked.add(operation.label)

        @settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
        @given(case=operation.as_strategy())
        def answers(case: schemathesis.Case) -> None:
            response = case.call()
            assert response.status_code < 500, (case.as_curl_command(), response.text)
            if response.status_code >= 400:
                kind = response.headers["content-type"][0]
                assert kind == "application/problem+json", case.as_curl_command()

        answers()
    assert "PUT /api/v1/me/ratings/{movie}" in asked
