"""Responses while the database is locked or damaged."""

import logging
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import PASSWORD, open_account, open_guest, recommended

SECONDS = 2.0
PAGES = ("/", "/rate", "/top", "/film/318", "/me", "/model", "/api/v1/me/recommendations")


@contextmanager
def locked(folder: Path) -> Generator[None]:
    with closing(sqlite3.connect(folder / "ratings.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_pages_and_rankings_do_not_wait_for_a_locked_database(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account(client, "ann")
    recommended(client)
    # The session is due to be renewed.
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 10 * 86_400)
    with locked(tmp_path):
        for path in PAGES:
            start = time.monotonic()
            assert client.get(path).status_code == 200, path
            assert time.monotonic() - start < SECONDS, path


def test_a_change_that_cannot_be_stored_is_refused_until_it_can(
    client: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    headers = open_guest(client)
    caplog.set_level(logging.INFO)
    with locked(tmp_path):
        refused = client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:foreseen:database-unavailable"
    failures = [record for record in caplog.records if record.levelno > logging.INFO]
    assert [record.getMessage() for record in failures] == [
        "the database is unavailable (database is locked)"
    ]
    assert failures[0].exc_info is None
    accepted = client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    assert accepted.status_code == 200


def test_a_damaged_database_is_reported_without_a_traceback_and_without_sql(
    client: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    headers = open_account(client, "ann")
    session = client.cookies["foreseen_session"]
    with closing(sqlite3.connect(tmp_path / "ratings.db")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = tmp_path / "ratings.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096))
    caplog.set_level(logging.INFO, "foreseen.serving")
    calls = [
        client.get("/"),
        client.get("/api/v1/me"),
        client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers),
        client.post("/api/v1/session", json={"name": "ann", "password": PASSWORD}),
    ]
    assert [call.status_code for call in calls] == [503] * 4
    records = [record for record in caplog.records if record.name == "foreseen.serving"]
    assert len([record for record in records if record.levelno > logging.INFO]) == len(calls)
    for record in records:
        line = record.getMessage()
        assert record.exc_info is None
        assert not any(word in line for word in ("SELECT", "INSERT", "UPDATE", "ann", session))
