"""The API as a program meets it."""

import io
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.data.samples import LETTERBOXD, zipped

from foreseen.registry import versions as registry
from foreseen.serving.store import FIRST_ID

FORM = "X-Foreseen-Form"
PASSWORD = "correct horse battery"  # noqa: S105


def guest(client: TestClient) -> dict[str, str]:
    """Open a guest's session; return the headers that changes need."""
    opened = client.post("/api/v1/guests", headers={FORM: "new"})
    assert opened.status_code == 201
    return {FORM: opened.json()["formKey"]}


def account(client: TestClient, name: str) -> dict[str, str]:
    client.cookies.clear()
    opened = client.post("/api/v1/accounts", json={"name": name, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    return {FORM: opened.json()["formKey"]}


def ranking(client: TestClient, **wanted: str | float) -> list[int]:
    answer = client.get("/api/v1/me/recommendations", params=wanted)
    assert answer.status_code == 200, answer.text
    return [entry["movieId"] for entry in answer.json()["recommendations"]]


def test_a_newcomers_first_ratings_change_their_ranking_and_leave_out_what_was_rated(
    client: TestClient,
) -> None:
    headers = guest(client)
    before = ranking(client, k=20)
    assert not client.get("/api/v1/me/recommendations").json()["known"]
    for movie in before[:2]:
        put = client.put(f"/api/v1/me/ratings/{movie}", json={"rating": 1.0}, headers=headers)
        assert put.status_code == 200
    after = ranking(client, k=20)
    assert set(before[:2]).isdisjoint(after)
    assert after != before[2:]
    assert client.get("/api/v1/me/ratings").json()["total"] == 2


def test_rankings_obey_their_filters(client: TestClient) -> None:
    guest(client)
    wanted = {"k": 15, "genre": "Comedy", "first_year": 1980, "last_year": 1989, "by": "likely"}
    found = client.get("/api/v1/me/recommendations", params=wanted).json()["recommendations"]
    assert found
    assert all("Comedy" in movie["genres"] and 1980 <= movie["year"] <= 1989 for movie in found)
    assert ranking(client, k=10, diversity=0.7) != ranking(client, k=10)
    refused = client.get("/api/v1/me/recommendations", params={"genre": "Comody"})
    assert refused.status_code == 422
    assert "Comedy" in refused.json()["detail"]


def test_an_unchanged_ranking_is_not_sent_again(client: TestClient) -> None:
    headers = guest(client)
    first = client.get("/api/v1/me/recommendations")
    tag = {"If-None-Match": first.headers["etag"]}
    assert client.get("/api/v1/me/recommendations", headers=tag).status_code == 304
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    assert client.get("/api/v1/me/recommendations", headers=tag).status_code == 200


def test_what_is_of_no_interest_is_not_recommended(client: TestClient) -> None:
    headers = guest(client)
    movie = ranking(client)[0]
    assert client.put(f"/api/v1/me/dismissed/{movie}", headers=headers).status_code == 204
    assert movie not in ranking(client, k=50)
    assert client.delete(f"/api/v1/me/dismissed/{movie}", headers=headers).status_code == 204
    assert ranking(client)[0] == movie


def test_search_forgives_typos_and_prefers_what_is_known(client: TestClient) -> None:
    for query, title in (("godfather", "The Godfather"), ("shawshenk", "The Shawshank Redemption"),
                         ("star wars", "Star Wars: Episode IV - A New Hope")):  # fmt: skip
        found = client.get("/api/v1/movies", params={"query": query}).json()["movies"]
        assert title in [movie["title"] for movie in found][:3]
    assert client.get("/api/v1/movies", params={"query": "  "}).json()["movies"] == []


def test_a_movie_tells_its_past_and_what_one_would_give_it(client: TestClient) -> None:
    assert "prediction" not in client.get("/api/v1/movies/318").json()
    headers = guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 4.5}, headers=headers)
    told = client.get("/api/v1/movies/318").json()
    assert told["rating"] == 4.5
    assert sum(told["prediction"]["chances"].values()) == pytest.approx(1, abs=0.01)
    assert sum(year["ratings"] for year in told["years"]) == told["views"]
    assert len(client.get("/api/v1/movies/318/similar").json()) == 12
    assert client.get("/api/v1/movies/99999999").status_code == 404


def test_why_names_the_ratings_that_moved_the_number(client: TestClient) -> None:
    headers = guest(client)
    for movie, rating in ((296, 5), (593, 1), (318, 4)):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": rating}, headers=headers)
    why = client.get("/api/v1/movies/50/why").json()
    assert {entry["movieId"] for entry in why} == {296, 593, 318}
    effects = [abs(entry["effect"]) for entry in why]
    assert effects == sorted(effects, reverse=True)
    pairs = {"movies": [50, 99999999]}
    answered = client.post("/api/v1/me/predictions", json=pairs, headers=headers).json()
    assert [entry["movieId"] for entry in answered] == [50, 99999999]


def test_a_guests_ratings_are_theirs_when_they_sign_up_in_and_out(client: TestClient) -> None:
    headers = guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    given = {"name": "ann", "password": PASSWORD}
    old = client.cookies["foreseen_session"]
    opened = client.post("/api/v1/accounts", json=given, headers=headers)
    assert opened.json()["name"] == "ann"
    assert client.cookies["foreseen_session"] != old
    headers = {FORM: opened.json()["formKey"]}
    assert client.delete("/api/v1/session", headers=headers).status_code == 204
    assert client.get("/api/v1/me").status_code == 401
    client.cookies.set("foreseen_session", old)
    assert client.get("/api/v1/me").status_code == 401
    client.cookies.clear()
    assert client.post("/api/v1/session", json=given).status_code == 201
    assert client.get("/api/v1/me").json()["ratings"] == 1


def test_what_a_guest_rated_goes_along_when_they_sign_in(client: TestClient) -> None:
    headers = account(client, "ann")
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    client.delete("/api/v1/session", headers=headers)
    headers = guest(client)
    for movie, rating in ((318, 1), (296, 4)):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": rating}, headers=headers)
    client.put("/api/v1/me/dismissed/50", headers=headers)
    given = {"name": "ann", "password": PASSWORD}
    assert client.post("/api/v1/session", json=given, headers=headers).status_code == 201
    kept = client.get("/api/v1/me/ratings").json()["ratings"]
    assert {entry["movieId"]: entry["rating"] for entry in kept}.keys() == {318, 296}
    assert client.get("/api/v1/me/export").json()["dismissed"] == [50]


def test_another_sites_form_takes_no_guests_ratings_along(client: TestClient) -> None:
    account(client, "mallory")
    client.cookies.clear()
    headers = guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    theirs = client.cookies["foreseen_session"]
    given = {"name": "mallory", "password": PASSWORD}
    assert client.post("/api/v1/session", json=given).status_code == 201
    assert client.get("/api/v1/me").json()["ratings"] == 0
    client.cookies.clear()
    client.cookies.set("foreseen_session", theirs)
    assert client.get("/api/v1/me").json()["ratings"] == 1


def test_a_changed_password_ends_all_other_sessions(client: TestClient) -> None:
    account(client, "ann")
    elsewhere = client.cookies["foreseen_session"]
    client.cookies.clear()
    given = {"name": "ann", "password": PASSWORD}
    headers = {FORM: client.post("/api/v1/session", json=given).json()["formKey"]}

    def change(old: str, new: str) -> int:
        given = {"old": old, "new": new}
        return client.put("/api/v1/me/password", json=given, headers=headers).status_code

    assert change("wrong", "another long one") == 401
    assert change(PASSWORD, "short") == 422
    assert change(PASSWORD, "another long one") == 204
    assert client.get("/api/v1/me").json()["name"] == "ann"
    client.cookies.clear()
    assert client.post("/api/v1/session", json=given).status_code == 401
    client.cookies.set("foreseen_session", elsewhere)
    assert client.get("/api/v1/me").status_code == 401


def test_a_session_in_use_does_not_expire(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest(client)
    real = time.time
    for days in (60, 120, 180):
        monkeypatch.setattr(time, "time", lambda days=days: real() + days * 86_400)
        assert client.get("/api/v1/me").status_code == 200
    monkeypatch.setattr(time, "time", lambda: real() + 271 * 86_400)
    assert client.get("/api/v1/me").status_code == 401


def test_one_person_never_sees_anothers_ratings(client: TestClient) -> None:
    headers = account(client, "ann")
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    token = client.post("/api/v1/me/tokens", json={"label": "x"}, headers=headers).json()
    headers = account(client, "ben")
    assert client.get("/api/v1/me/ratings").json()["total"] == 0
    assert client.delete(f"/api/v1/me/tokens/{token['id']}", headers=headers).status_code == 404
    assert client.delete("/api/v1/me/ratings/318", headers=headers).status_code == 404


def test_a_token_speaks_for_its_owner_until_it_is_deleted(client: TestClient) -> None:
    headers = account(client, "ann")
    made = client.post("/api/v1/me/tokens", json={"label": "script"}, headers=headers).json()
    session = client.cookies["foreseen_session"]
    client.cookies.clear()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    put = client.put("/api/v1/me/ratings/318", json={"rating": 4}, headers=bearer)
    assert put.status_code == 200
    listed = client.get("/api/v1/me/tokens", headers=bearer).json()
    assert [(entry["label"], entry["token"]) for entry in listed] == [("script", None)]
    client.cookies.set("foreseen_session", session)
    client.delete(f"/api/v1/me/tokens/{made['id']}", headers=headers)
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=bearer).status_code == 401


def test_a_change_by_cookie_alone_is_refused_as_another_sites_may_be(client: TestClient) -> None:
    guest(client)
    assert client.put("/api/v1/me/ratings/318", json={"rating": 5}).status_code == 403
    wrong = {FORM: "0" * 64}
    assert client.delete("/api/v1/me", headers=wrong).status_code == 403
    client.cookies.clear()
    client.cookies.set("foreseen_session", "forged.signature")
    assert client.get("/api/v1/me").status_code == 401


def test_guessing_passwords_is_slowed_down(client: TestClient) -> None:
    account(client, "ann")
    client.cookies.clear()
    tries = [
        client.post("/api/v1/session", json={"name": "ann", "password": f"wrong {n}"}).status_code
        for n in range(12)
    ]
    assert tries == [401] * 10 + [429] * 2
    given = {"name": "ann", "password": PASSWORD}
    assert client.post("/api/v1/session", json=given).status_code == 429


def test_a_session_that_is_open_is_found_again_and_foreign_forms_open_none(
    client: TestClient,
) -> None:
    headers = guest(client)
    again = client.post("/api/v1/guests", headers={FORM: "new"})
    assert again.json()["formKey"] == headers[FORM]
    assert client.post("/api/v1/guests").status_code == 403


def test_only_the_first_to_sign_up_on_ones_own_machine_administers(client: TestClient) -> None:
    account(client, "Ann")
    assert (
        client.get("/api/v1/me").json() | {"role": "admin", "name": "ann"}
        == client.get("/api/v1/me").json()
    )
    account(client, "ben")
    assert client.get("/api/v1/me").json()["role"] == "viewer"


def test_a_body_larger_than_any_request_needs_is_refused(client: TestClient) -> None:
    refused = client.post("/api/v1/session", content=b"x" * (1 << 20))
    assert refused.status_code == 413


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
def test_names_and_passwords_that_will_not_do_are_told_why(
    client: TestClient, name: str, password: str, message: str
) -> None:
    refused = client.post("/api/v1/accounts", json={"name": name, "password": password})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert message in refused.json()["detail"]


def test_an_import_by_file_is_matched_kept_and_changes_nothing_the_second_time(
    client: TestClient,
) -> None:
    headers = guest(client)
    text = LETTERBOXD + "2021-03-09,Hamlet,,x,4\r\n2021-03-09,Zorblax,2011,x,4\r\n"
    file = ("letterboxd.zip", io.BytesIO(zipped(**{"ratings.csv": text})))
    url = "/api/v1/me/imports?from=letterboxd"
    first = client.post(url, files={"file": file}, headers=headers).json()
    assert (first["changed"], len(first["matched"])) == (2, 2)
    assert [entry["title"] for entry in first["missing"]] == ["Zorblax"]
    choice = first["ambiguous"][0]
    url += f"&choose={choice['line']}:{choice['candidates'][0]['movieId']}"
    for changed in (1, 0):
        file = ("letterboxd.zip", io.BytesIO(zipped(**{"ratings.csv": text})))
        again = client.post(url, files={"file": file}, headers=headers).json()
        assert (again["changed"], again["ambiguous"]) == (changed, [])
    assert client.get("/api/v1/me/ratings").json()["total"] == 3
    bad = client.post(
        "/api/v1/me/imports?from=imdb", files={"file": ("x", b"nothing")}, headers=headers
    )
    assert bad.status_code == 422


def test_an_import_does_not_undo_what_was_rated_here_since(client: TestClient) -> None:
    headers = guest(client)
    matrix = client.get("/api/v1/movies", params={"query": "the matrix"}).json()["movies"][0]
    path = f"/api/v1/me/ratings/{matrix['movieId']}"
    client.put(path, json={"rating": 1}, headers=headers)
    file = ("ratings.csv", LETTERBOXD.encode())
    url = "/api/v1/me/imports?from=letterboxd"
    assert client.post(url, files={"file": file}, headers=headers).json()["changed"] == 1
    kept = {r["movieId"]: r["rating"] for r in client.get("/api/v1/me/ratings").json()["ratings"]}
    assert kept[matrix["movieId"]] == 1


def test_ratings_dated_ahead_do_not_move_the_clock(client: TestClient) -> None:
    headers = guest(client)
    text = LETTERBOXD.replace("2021-03-07", "2095-01-01").replace("2021-03-08", "0001-01-01")
    url = "/api/v1/me/imports?from=letterboxd"
    report = client.post(url, files={"file": ("r.csv", text.encode())}, headers=headers).json()
    assert [entry["line"] for entry in report["unreadable"]] == [3]
    rated = client.get("/api/v1/me/ratings").json()["ratings"]
    assert [entry["rated"] <= time.time() for entry in rated] == [True]


def test_what_was_taken_back_leaves_the_model_with_the_next_update(
    client: TestClient, folder: Path
) -> None:
    admin = account(client, "ann")
    me = FIRST_ID + client.get("/api/v1/me").json()["userId"]
    for movie in (318, 296):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": 5}, headers=admin)
    client.post("/api/v1/model/update", headers=admin)
    client.delete("/api/v1/me/ratings/296", headers=admin)
    client.post("/api/v1/model/update", headers=admin)
    assert registry.load_model(folder).history(me).movies.tolist() == [318]


def test_all_of_me_can_be_downloaded_and_deleted(client: TestClient) -> None:
    headers = guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    ranking(client)
    kept = client.get("/api/v1/me/export").json()
    assert kept["ratings"][0]["movie"] == 318
    assert kept["shown"][0]["version"] == 1
    assert client.delete("/api/v1/me", headers=headers).status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_an_administrator_feeds_the_model_and_chooses_versions_and_others_may_not(
    client: TestClient, folder: Path
) -> None:
    admin = account(client, "ann")
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=admin)
    me = client.get("/api/v1/me").json()["userId"]
    done = client.post("/api/v1/model/update", headers=admin)
    assert done.status_code == 200, done.text
    assert done.json()["observed"] == 1
    assert len(registry.load_model(folder).history(FIRST_ID + me).movies) == 1
    assert client.post("/api/v1/model/rollback", headers=admin).status_code == 422
    viewer = account(client, "ben")
    for path in ("update", "rollback"):
        assert client.post(f"/api/v1/model/{path}", headers=viewer).status_code == 403
    refused = client.post("/api/v1/model/promote", json={"version": 1}, headers=viewer)
    assert refused.status_code == 403


def test_a_promoted_version_answers_without_a_restart_or_a_failed_request(
    client: TestClient, folder: Path
) -> None:
    guest(client)
    assert client.get("/ready").json()["version"] == 1
    with registry.changing(folder):
        number = registry.add_version(folder, registry.load_model(folder), 1, "a try")
        registry.promote(folder, number, "a try")
    deadline = time.monotonic() + 30
    while client.get("/ready").json()["version"] != 2 and time.monotonic() < deadline:
        assert client.get("/api/v1/me/recommendations").status_code == 200
    assert client.get("/ready").json()["version"] == 2


def test_operations_see_health_and_metrics_and_no_ids(client: TestClient) -> None:
    guest(client)
    client.get("/api/v1/movies/318")
    assert client.get("/health").json() == {"status": "alive"}
    text = client.get("/metrics").text
    assert 'foreseen_requests_total{route="/api/v1/movies/{movie}",status="200"} 1.0' in text
    assert "movies/318" not in text
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]
