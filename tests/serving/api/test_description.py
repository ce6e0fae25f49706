"""The description of the API is complete and true, and its page readable."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from tests.serving.api.calls import open_guest

from foreseen.serving.api.description import operations
from foreseen.serving.api.examples import PARAMETERS, REQUESTS, RESPONSES

BASE = "/api/v1"


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    return client.get(f"{BASE}/openapi.json").json()


def success(operation: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return next(entry for entry in operation["responses"].items() if entry[0].startswith("2"))


def check(document: dict[str, Any], schema: dict[str, Any], body: object) -> None:
    """Raise an error if a body does not have the schema."""
    Draft202012Validator({**schema, "components": document["components"]}).validate(body)


def bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the bodies of a request and of its response, as the description has them."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    yield from success(operation)[1].get("content", {}).values()


def test_every_operation_has_a_tag_authentication_a_schema_and_valid_examples(
    document: dict[str, Any],
) -> None:
    schemes = set(document["components"]["securitySchemes"])
    tags = {tag["name"] for tag in document["tags"]}
    labels: set[str] = set()
    for method, path, operation in operations(document):
        label = f"{method} {path.removeprefix(BASE)}"
        labels.add(label)
        assert set(operation["tags"]) <= tags
        assert operation["description"], label
        assert {name for choice in operation["security"] for name in choice} <= schemes
        status, response = success(operation)
        assert (status == "204") == ("content" not in response), label
        for content in bodies(operation):
            assert content["schema"], label
            if label != "POST /me/imports" or "file" not in content["example"]:
                check(document, content["schema"], content["example"])
        for parameter in operation.get("parameters", ()):
            check(document, parameter["schema"], parameter["example"])
    assert len(labels) > 30
    assert {*REQUESTS, *RESPONSES} <= labels
    used = {p["name"] for _, _, o in operations(document) for p in o.get("parameters", ())}
    assert used == set(PARAMETERS)


def test_authentication_is_described_as_it_is_required(
    client: TestClient, document: dict[str, Any]
) -> None:
    for method, path, operation in operations(document):
        if not operation["security"] or {} in operation["security"]:
            continue
        response = client.request(method, path.format(**PARAMETERS), json={})
        assert response.status_code in {401, 422}, (method, path)
    open_routes = {
        f"{method} {path.removeprefix(BASE)}"
        for method, path, operation in operations(document)
        if not operation["security"]
    }
    assert open_routes == {
        *("GET /movies", "GET /movies/{movie}/similar", "GET /model"),
        *("POST /guests", "POST /session"),
    }
    security = document["paths"][f"{BASE}/me/tokens"]["post"]["security"]
    assert security == [{"session": [], "csrf": []}]


def test_responses_have_the_described_schemas(client: TestClient, document: dict[str, Any]) -> None:
    headers = open_guest(client)
    for movie, rating in ((318, 5), (50, 4.5), (296, 3.5)):
        client.put(f"{BASE}/me/ratings/{movie}", json={"rating": rating}, headers=headers)
    for place in ("watchlist/1", "seen/2", "dismissed/3", "unseen/6"):
        client.put(f"{BASE}/me/{place}", headers=headers)
    file = {"file": ("ratings.csv", "Title,Year,Rating10\nAlien,1979,8\nZorblax,1,2\nHamlet,,7\n")}
    checked: set[str] = set()
    for method, path, operation in operations(document):
        label = f"{method} {path.removeprefix(BASE)}"
        (content,) = success(operation)[1].get("content", {}).values() or (None,)
        if content is None or path.startswith(f"{BASE}/model/") or "/session" in path:
            continue
        # These need an account, whose password takes time.
        if label in {"POST /accounts", "POST /me/tokens"} or "/groups" in path:
            continue
        query = "?query=godfathr" if label == "GET /movies" else ""
        body: dict[str, Any] = {"json": REQUESTS.get(label)}
        if label == "POST /me/imports":
            body = {"files": file}
        address = path.format(**PARAMETERS) + query
        response = client.request(method, address, headers=headers, **body)
        assert response.status_code == int(success(operation)[0]), (label, response.text)
        is_text = response.headers["content-type"].startswith("text/csv")
        check(document, content["schema"], response.text if is_text else response.json())
        checked.add(label)
    assert len(checked) > 20


def test_the_page_shows_every_operation_without_scripts_or_other_addresses(
    client: TestClient, document: dict[str, Any]
) -> None:
    response = client.get("/docs")
    assert response.status_code == 200
    assert "script-src 'self'" in response.headers["content-security-policy"]
    for method, path, operation in operations(document):
        assert f'id="{operation["operationId"]}"' in response.text, (method, path)
    for text in ("style=", "https://", "<script>", "onclick="):
        assert text not in response.text
