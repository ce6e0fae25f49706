"""Routes for the model."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import open_account, open_guest
from tests.serving.conftest import SECRET

from foreseen.data.encoding import USER_LIMIT
from foreseen.registry import versions
from foreseen.serving.app import create_app
from foreseen.serving.store import Store


@pytest.fixture
def client(folder: Path, tmp_path: Path) -> Iterator[TestClient]:
    """An application with a copy of the model that a test may change."""
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    with TestClient(create_app(folder, store, SECRET)) as testing:
        yield testing


def test_deleted_ratings_leave_the_model_with_the_next_update(
    client: TestClient, folder: Path
) -> None:
    headers = open_account(client, "ann")
    user = USER_LIMIT + client.get("/api/v1/me").json()["userId"]
    for movie in (318, 296):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": 5}, headers=headers)
    client.post("/api/v1/model/update", headers=headers)
    client.delete("/api/v1/me/ratings/296", headers=headers)
    client.post("/api/v1/model/update", headers=headers)
    assert versions.load_model(folder).history(user).movies.tolist() == [318]


def test_administrators_update_the_model_and_others_may_not(
    client: TestClient, folder: Path
) -> None:
    headers = open_account(client, "ann")
    empty = client.post("/api/v1/model/update", headers=headers)
    assert empty.status_code == 422
    assert empty.json()["type"] == "urn:foreseen:no-ratings"
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    user = client.get("/api/v1/me").json()["userId"]
    update = client.post("/api/v1/model/update", headers=headers)
    assert update.status_code == 200, update.text
    assert update.json()["observed"] == 1
    again = client.post("/api/v1/model/update", headers={**headers, "Accept-Language": "de"})
    assert (update.json()["decision"], again.json()["decision"]) == (
        "no challenger is needed",
        "kein Herausforderer nötig",
    )
    assert len(versions.load_model(folder).history(USER_LIMIT + user).movies) == 1
    assert client.post("/api/v1/model/rollback", headers=headers).status_code == 422
    viewer = open_account(client, "ben")
    for path in ("update", "rollback"):
        assert client.post(f"/api/v1/model/{path}", headers=viewer).status_code == 403
    refused = client.post("/api/v1/model/promote", json={"version": 1}, headers=viewer)
    assert refused.status_code == 403


def test_a_promoted_version_is_served_without_a_restart_or_a_failed_request(
    client: TestClient, folder: Path
) -> None:
    open_guest(client)
    assert client.get("/api/v1/model").json()["current"] == 1
    with versions.write_lock(folder):
        number = versions.add_version(folder, versions.load_model(folder), 1, "test")
        versions.promote(folder, number, "test")
    deadline = time.monotonic() + 30
    while client.get("/ready").json()["version"] != 2 and time.monotonic() < deadline:
        assert client.get("/api/v1/me/recommendations").status_code == 200
    status = client.get("/api/v1/model").json()
    assert status["current"] == 2
    assert [version["number"] for version in status["versions"]] == [1, 2]
    assert status["journal"][-1]["what"] == "promote"
