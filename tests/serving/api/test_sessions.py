"""Routes for authentication."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import CSRF, PASSWORD, open_account, open_guest

from foreseen.serving.passwords import Passwords

pytestmark = pytest.mark.usefixtures("fast_hasher")


def test_a_guests_ratings_are_kept_by_signing_up(client: TestClient) -> None:
    headers = open_guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    credentials = {"name": "ann", "password": PASSWORD}
    old = client.cookies["foreseen_session"]
    opened = client.post("/api/v1/accounts", json=credentials, headers=headers)
    assert opened.json()["name"] == "ann"
    assert client.cookies["foreseen_session"] != old
    headers = {CSRF: opened.json()["formKey"]}
    assert client.delete("/api/v1/session", headers=headers).status_code == 204
    assert client.get("/api/v1/me").status_code == 401
    client.cookies.set("foreseen_session", old)
    assert client.get("/api/v1/me").status_code == 401
    client.cookies.clear()
    assert client.post("/api/v1/session", json=credentials).status_code == 201
    assert client.get("/api/v1/me").json()["ratings"] == 1


def test_a_guests_data_is_moved_to_the_account_by_signing_in(client: TestClient) -> None:
    headers = open_account(client, "ann")
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    client.delete("/api/v1/session", headers=headers)
    headers = open_guest(client)
    for movie, rating in ((318, 1), (296, 4)):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": rating}, headers=headers)
    client.put("/api/v1/me/dismissed/50", headers=headers)
    credentials = {"name": "ann", "password": PASSWORD}
    assert client.post("/api/v1/session", json=credentials, headers=headers).status_code == 201
    ratings = client.get("/api/v1/me/ratings").json()["ratings"]
    assert {entry["movieId"] for entry in ratings} == {318, 296}
    assert client.get("/api/v1/me/export").json()["dismissed"] == [50]


def test_a_sign_in_without_the_csrf_token_does_not_move_a_guests_data(client: TestClient) -> None:
    open_account(client, "mallory")
    client.cookies.clear()
    headers = open_guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    victim = client.cookies["foreseen_session"]
    credentials = {"name": "mallory", "password": PASSWORD}
    assert client.post("/api/v1/session", json=credentials).status_code == 201
    assert client.get("/api/v1/me").json()["ratings"] == 0
    client.cookies.clear()
    client.cookies.set("foreseen_session", victim)
    assert client.get("/api/v1/me").json()["ratings"] == 1


def test_a_changed_password_ends_all_other_sessions(client: TestClient) -> None:
    open_account(client, "ann")
    elsewhere = client.cookies["foreseen_session"]
    client.cookies.clear()
    credentials = {"name": "ann", "password": PASSWORD}
    headers = {CSRF: client.post("/api/v1/session", json=credentials).json()["formKey"]}

    def change(old: str, new: str) -> int:
        body = {"old": old, "new": new}
        return client.put("/api/v1/me/password", json=body, headers=headers).status_code

    assert change("wrong", "another long one") == 401
    assert change(PASSWORD, "short") == 422
    assert change(PASSWORD, "another long one") == 204
    assert client.get("/api/v1/me").json()["name"] == "ann"
    client.cookies.clear()
    assert client.post("/api/v1/session", json=credentials).status_code == 401
    client.cookies.set("foreseen_session", elsewhere)
    assert client.get("/api/v1/me").status_code == 401


def test_a_session_expires_only_when_unused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_guest(client)
    real = time.time
    for days in (60, 120, 180):
        monkeypatch.setattr(time, "time", lambda days=days: real() + days * 86_400)
        assert client.get("/api/v1/me").status_code == 200
    monkeypatch.setattr(time, "time", lambda: real() + 271 * 86_400)
    assert client.get("/api/v1/me").status_code == 401


def test_a_token_authenticates_until_it_is_deleted(client: TestClient) -> None:
    headers = open_account(client, "ann")
    token = client.post("/api/v1/me/tokens", json={"label": "script"}, headers=headers).json()
    session = client.cookies["foreseen_session"]
    client.cookies.clear()
    bearer = {"Authorization": f"Bearer {token['token']}"}
    put = client.put("/api/v1/me/ratings/318", json={"rating": 4}, headers=bearer)
    assert put.status_code == 200
    listed = client.get("/api/v1/me/tokens", headers=bearer).json()
    assert [(entry["label"], entry["token"]) for entry in listed] == [("script", None)]
    client.cookies.set("foreseen_session", session)
    client.delete(f"/api/v1/me/tokens/{token['id']}", headers=headers)
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=bearer).status_code == 401


def test_a_token_alone_neither_takes_an_account_over_nor_deletes_it(client: TestClient) -> None:
    headers = open_account(client, "ann")
    created = client.post("/api/v1/me/tokens", json={"label": "script"}, headers=headers).json()
    session = client.cookies["foreseen_session"]
    client.cookies.clear()
    bearer = {"Authorization": f"Bearer {created['token']}"}
    passwords = {"old": PASSWORD, "new": "another long one"}
    for response in (
        client.delete("/api/v1/me", headers=bearer),
        client.post("/api/v1/me/tokens", json={"label": "more"}, headers=bearer),
        client.put("/api/v1/me/password", json=passwords, headers=bearer),
    ):
        assert response.status_code == 403
        assert response.json()["type"] == "urn:foreseen:session-required"
    client.cookies.set("foreseen_session", session)
    assert client.put("/api/v1/me/password", json=passwords, headers=headers).status_code == 204
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=bearer).status_code == 401


def test_a_change_without_the_csrf_token_is_refused(client: TestClient) -> None:
    open_guest(client)
    refused = client.put("/api/v1/me/ratings/318", json={"rating": 5})
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:foreseen:invalid-csrf-token"
    wrong = {CSRF: "0" * 64}
    assert client.delete("/api/v1/me", headers=wrong).status_code == 403


def test_a_forged_session_cookie_does_not_authenticate(client: TestClient) -> None:
    client.cookies.set("foreseen_session", "forged.signature")
    refused = client.get("/api/v1/me")
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:foreseen:not-authenticated"


def test_password_attempts_are_limited(client: TestClient) -> None:
    open_account(client, "ann")
    client.cookies.clear()
    statuses = [
        client.post("/api/v1/session", json={"name": "ann", "password": f"wrong {n}"}).status_code
        for n in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2
    credentials = {"name": "ann", "password": PASSWORD}
    refused = client.post("/api/v1/session", json=credentials)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 300


def test_forty_simultaneous_sign_ins_do_not_keep_others_waiting(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    verify = Passwords.verify

    def verify_slowly(self: Passwords, password: str, digest: str | None) -> bool:
        release.wait(30)
        return verify(self, password, digest)

    monkeypatch.setattr(Passwords, "verify", verify_slowly)
    refused: list[str] = []

    def sign_in(n: int) -> int:
        body = {"name": f"name{n}", "password": PASSWORD}
        response = client.post("/api/v1/session", json=body)
        if response.status_code == 503:
            refused.append(response.headers["retry-after"])
        return response.status_code

    with ThreadPoolExecutor(40) as threads:
        pending = [threads.submit(sign_in, n) for n in range(40)]
        deadline = time.monotonic() + 20
        while len(refused) < 30 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert client.get("/api/v1/movies/318").status_code == 200
        assert not release.is_set()
        release.set()
        statuses = [response.result() for response in pending]
    assert sorted(statuses) == [401] * 10 + [503] * 30
    assert all(int(seconds) > 0 for seconds in refused)


def test_new_accounts_and_guests_are_limited_with_the_seconds_to_wait(client: TestClient) -> None:
    context = client.app.state.context  # type: ignore[attr-defined]
    while not context.sign_ups.take("testclient"):
        pass
    refused = client.post("/api/v1/guests", headers={CSRF: "new"})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3600


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "Via"])
def test_the_first_account_through_a_proxy_is_no_administrator(
    client: TestClient, header: str
) -> None:
    body = {"name": "ann", "password": PASSWORD}
    opened = client.post("/api/v1/accounts", json=body, headers={header: "192.0.2.1"})
    assert opened.status_code == 201
    assert opened.json()["role"] == "viewer"


def test_a_guest_session_is_reused_and_requires_the_csrf_header(client: TestClient) -> None:
    headers = open_guest(client)
    again = client.post("/api/v1/guests", headers={CSRF: "new"})
    assert again.json()["formKey"] == headers[CSRF]
    assert client.post("/api/v1/guests").status_code == 403


def test_only_the_first_account_becomes_an_administrator(client: TestClient) -> None:
    open_account(client, "Ann")
    me = client.get("/api/v1/me").json()
    assert (me["name"], me["role"]) == ("ann", "admin")
    open_account(client, "ben")
    assert client.get("/api/v1/me").json()["role"] == "viewer"


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("a", PASSWORD, "2 to 32"),
        ("ann b", PASSWORD, "2 to 32"),
        ("ann", "short", "at least 10"),
        ("ann", "aaaaaaaaaaaa", "easily guessed"),
        ("annabel", "ANNABEL1234", "easily guessed"),
    ],
)
def test_an_invalid_name_or_password_is_refused_with_the_rule(
    client: TestClient, name: str, password: str, message: str
) -> None:
    refused = client.post("/api/v1/accounts", json={"name": name, "password": password})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert message in refused.json()["detail"]
