"""Groups of accounts over HTTP: invitations, the ranking for all members, and its page."""

import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import CSRF, PASSWORD, open_account, open_guest

from foreseen.serving.dependencies import now
from foreseen.serving.groups import INVITATION_SECONDS, digest_of, new_invitation

BASE = "/api/v1/me/groups"


def sign_in(client: TestClient, name: str) -> dict[str, str]:
    client.cookies.clear()
    response = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
    return {CSRF: response.json()["formKey"]}


def test_an_invitation_is_random_and_stored_by_its_digest() -> None:
    one, other = new_invitation(), new_invitation()
    assert one.text != other.text
    assert len(one.text) == 32
    assert one.digest == digest_of(one.text)
    assert one.text not in one.digest


@pytest.mark.usefixtures("fast_hasher")
def test_members_get_one_list_without_what_any_of_them_rated_or_dismissed(
    client: TestClient,
) -> None:
    ann = open_account(client, "ann")
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=ann)
    created = client.post(BASE, headers=ann).json()
    assert created["members"] == ["ann"]
    assert created["isOwner"]
    ben = open_account(client, "ben")
    client.put("/api/v1/me/ratings/296", json={"rating": 1}, headers=ben)
    joined = client.post(f"{BASE}/join", json={"invitation": created["invitation"]}, headers=ben)
    assert joined.json() == {
        "groupId": created["groupId"], "isOwner": False, "members": ["ann", "ben"],
        "expires": created["expires"], "invitation": None,
    }  # fmt: skip
    path = f"{BASE}/{created['groupId']}/movies"
    first = client.get(path, params={"k": 20}).json()
    assert len(first) == 20
    assert not {318, 296} & {entry["movieId"] for entry in first}
    assert [person["name"] for person in first[0]["people"]] == ["ann", "ben"]
    least = [min(person["prediction"] for person in entry["people"]) for entry in first]
    assert least == sorted(least, reverse=True)
    client.put(f"/api/v1/me/dismissed/{first[0]['movieId']}", headers=ben)
    sign_in(client, "ann")
    mean = client.get(path, params={"k": 20, "how": "mean"}).json()
    assert first[0]["movieId"] not in {entry["movieId"] for entry in mean}
    scores = [entry["score"] for entry in mean]
    assert scores == sorted(scores, reverse=True)
    text = client.get(f"/together?group={created['groupId']}&how=mean").text
    assert "For ann, ben" in text
    assert all(f'<h3><a href="/film/{entry["movieId"]}">' in text for entry in mean[:12])
    assert {"id": created["groupId"], "members": ["ann", "ben"]} in client.get(
        "/api/v1/me/export"
    ).json()["groups"]


@pytest.mark.usefixtures("fast_hasher")
def test_a_member_gets_the_reasons_of_their_own_ratings_and_no_others(
    client: TestClient,
) -> None:
    ann = open_account(client, "ann")
    for movie in (318, 50, 593):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": 5}, headers=ann)
    created = client.post(BASE, headers=ann).json()
    ben = open_account(client, "ben")
    for movie in (1, 260, 480):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": 5}, headers=ben)
    client.post(f"{BASE}/join", json={"invitation": created["invitation"]}, headers=ben)
    path = f"{BASE}/{created['groupId']}/movies"
    for place, name, rated in ((0, "ann", {318, 50, 593}), (1, "ben", {1, 260, 480})):
        sign_in(client, name)
        found = client.get(path, params={"k": 50}).json()
        own = [entry["people"][place]["reason"] for entry in found]
        named = {reason["movieId"] for reason in own if reason}
        assert named
        assert named <= rated
        assert all(entry["people"][1 - place]["reason"] is None for entry in found)
        text = client.get(f"/together?group={created['groupId']}").text
        shown = [reason["title"] for reason in own[:12] if reason]
        assert text.count("raises it by") == len(shown)
        assert all(f"for {title} raises it by" in text for title in shown)


@pytest.mark.usefixtures("fast_hasher")
def test_an_invitation_expires_and_does_not_let_guests_or_strangers_in(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = open_account(client, "ann")
    created = client.post(BASE, headers=ann).json()
    link, body = f"/together/join/{created['invitation']}", {"invitation": created["invitation"]}
    assert "Show the list" in client.get(link).text
    client.cookies.clear()
    text = client.get(link).text
    assert "ann invites you" in text
    assert f"/sign-in?invitation={created['invitation']}" in text
    assert f'data-next="{link}"' in client.get(f"/sign-in?invitation={created['invitation']}").text
    guest = open_guest(client)
    refused = client.post(f"{BASE}/join", json=body, headers=guest)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:foreseen:account-required")
    ben = open_account(client, "ben")
    assert client.get(f"/together?group={created['groupId']}").status_code == 404
    assert client.get(f"{BASE}/{created['groupId']}/movies").status_code == 404
    assert client.post(f"{BASE}/{created['groupId']}/invitation", headers=ben).status_code == 404
    real = now()
    for module in ("foreseen.serving.api.groups", "foreseen.serving.group_pages"):
        monkeypatch.setattr(f"{module}.now", lambda: real + INVITATION_SECONDS + 1)
    assert client.get(link).status_code == 404
    assert client.post(f"{BASE}/join", json=body, headers=ben).status_code == 404
    assert client.get("/together/join/no%20text").status_code == 422


@pytest.mark.usefixtures("fast_hasher")
def test_the_owner_removes_a_member_who_sees_the_group_no_more(client: TestClient) -> None:
    ann = open_account(client, "ann")
    created = client.post(BASE, headers=ann).json()
    body, path = {"invitation": created["invitation"]}, f"{BASE}/{created['groupId']}"
    page = f"/together?group={created['groupId']}"
    ben = open_account(client, "ben")
    client.post(f"{BASE}/join", json=body, headers=ben)
    assert "data-member" not in client.get(page).text
    assert client.delete(f"{path}/members/ann", headers=ben).status_code == 404
    ann = sign_in(client, "ann")
    assert 'data-member="ben"' in client.get(page).text
    own = client.delete(f"{path}/members/ann", headers=ann)
    assert (own.status_code, own.json()["type"]) == (404, "urn:foreseen:no-such-member")
    assert client.delete(f"{path}/members/Ben", headers=ann).status_code == 204
    assert "data-member" not in client.get(page).text
    ben = sign_in(client, "ben")
    assert client.get(BASE).json() == []
    assert client.get(page).status_code == 404
    assert client.post(f"{BASE}/join", json=body, headers=ben).status_code == 404


@pytest.mark.parametrize("invitation", ["//evil.example", "https://evil.example", '"><b>'])
def test_signing_in_leads_nowhere_else(client: TestClient, invitation: str) -> None:
    response = client.get("/sign-in", params={"invitation": invitation})
    assert response.status_code == 422
    assert "evil" not in response.text.split("<h1>")[0]
