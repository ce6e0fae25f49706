"""Routes for the user's data."""

import io
import time

from fastapi.testclient import TestClient
from tests.data.samples import LETTERBOXD, zipped
from tests.data.sources.export_samples import EXPORTS
from tests.serving.api.calls import open_account, open_guest, recommended

from foreseen.data.sources.exports import EXPORT_FORMATS


def test_first_ratings_change_the_ranking_and_leave_it(client: TestClient) -> None:
    headers = open_guest(client)
    before = recommended(client, k=20)
    assert not client.get("/api/v1/me/recommendations").json()["known"]
    for movie in before[:2]:
        put = client.put(f"/api/v1/me/ratings/{movie}", json={"rating": 1.0}, headers=headers)
        assert put.status_code == 200
    after = recommended(client, k=20)
    assert set(before[:2]).isdisjoint(after)
    assert after != before[2:]
    assert client.get("/api/v1/me/ratings").json()["total"] == 2


def test_rankings_are_filtered_and_diversified(client: TestClient) -> None:
    open_guest(client)
    filters = {"k": 15, "genre": "Comedy", "first_year": 1980, "last_year": 1989, "by": "likely"}
    found = client.get("/api/v1/me/recommendations", params=filters).json()["recommendations"]
    assert found
    assert all("Comedy" in movie["genres"] and 1980 <= movie["year"] <= 1989 for movie in found)
    assert recommended(client, k=10, diversity=0.7) != recommended(client, k=10)


def test_an_unknown_genre_is_refused_with_the_known_ones(client: TestClient) -> None:
    open_guest(client)
    refused = client.get("/api/v1/me/recommendations", params={"genre": "Comody"})
    assert refused.status_code == 422
    assert "Comedy" in refused.json()["detail"]


def test_an_unchanged_ranking_is_not_sent_again(client: TestClient) -> None:
    headers = open_guest(client)
    first = client.get("/api/v1/me/recommendations")
    tag = {"If-None-Match": first.headers["etag"]}
    assert client.get("/api/v1/me/recommendations", headers=tag).status_code == 304
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    assert client.get("/api/v1/me/recommendations", headers=tag).status_code == 200


def test_a_dismissed_movie_is_not_recommended(client: TestClient) -> None:
    headers = open_guest(client)
    movie = recommended(client)[0]
    assert client.put(f"/api/v1/me/dismissed/{movie}", headers=headers).status_code == 204
    assert movie not in recommended(client, k=50)
    for status in (204, 404):
        deleted = client.delete(f"/api/v1/me/dismissed/{movie}", headers=headers)
        assert deleted.status_code == status
    assert recommended(client)[0] == movie


def test_predictions_keep_the_order_and_cover_unknown_movies(client: TestClient) -> None:
    headers = open_guest(client)
    body = {"movies": [50, 99999999, 1]}
    predictions = client.post("/api/v1/me/predictions", json=body, headers=headers).json()
    assert [entry["movieId"] for entry in predictions] == [50, 99999999, 1]
    assert all(entry["low"] <= entry["prediction"] <= entry["high"] for entry in predictions)


def test_a_deleted_rating_is_gone(client: TestClient) -> None:
    headers = open_guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    for status in (204, 404):
        deleted = client.delete("/api/v1/me/ratings/318", headers=headers)
        assert deleted.status_code == status
    assert client.get("/api/v1/me/ratings").json()["ratings"] == []


def test_a_user_has_no_access_to_the_ratings_of_another(client: TestClient) -> None:
    headers = open_account(client, "ann")
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    token = client.post("/api/v1/me/tokens", json={"label": "x"}, headers=headers).json()
    headers = open_account(client, "ben")
    assert client.get("/api/v1/me/ratings").json()["total"] == 0
    assert client.delete(f"/api/v1/me/tokens/{token['id']}", headers=headers).status_code == 404
    assert client.delete("/api/v1/me/ratings/318", headers=headers).status_code == 404


def test_an_imported_file_is_matched_and_a_repeated_import_changes_nothing(
    client: TestClient,
) -> None:
    headers = open_guest(client)
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


def test_a_file_of_another_format_is_refused(client: TestClient) -> None:
    headers = open_guest(client)
    refused = client.post(
        "/api/v1/me/imports?from=imdb", files={"file": ("x", b"nothing")}, headers=headers
    )
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:foreseen:invalid-input"


def test_the_service_of_an_imported_file_is_recognised(client: TestClient) -> None:
    headers = open_guest(client)
    files = {"file": ("export", EXPORTS["tmdb"].encode())}
    report = client.post("/api/v1/me/imports", files=files, headers=headers).json()
    assert (report["service"], report["changed"], report["skipped"]) == ("tmdb", 1, 3)
    files = {"file": ("export", EXPORTS["tmdb"].encode())}
    url = "/api/v1/me/imports?from=movary"
    refused = client.post(url, files=files, headers=headers)
    assert refused.status_code == 422
    assert "it looks like an export of TMDB (tmdb)" in refused.json()["detail"]


def test_the_columns_and_the_scale_of_another_table_can_be_given(client: TestClient) -> None:
    headers = open_guest(client)
    files = {"file": ("mine.csv", b"what,mark\nPulp Fiction (1994),12\n")}
    url = "/api/v1/me/imports?columns=title=what,rating=mark&scale="
    report = client.post(url + "0:20", files=files, headers=headers).json()
    assert [(entry["title"], entry["rating"]) for entry in report["matched"]] == [
        ("Pulp Fiction", 3.0)
    ]
    assert report["scale"] == {"low": 0, "high": 20}
    refused = client.post(url + "20", files=files, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:foreseen:invalid-input")


def test_the_page_offers_every_service(client: TestClient) -> None:
    open_guest(client)
    page = client.get("/me/data").text
    for name, export_format in EXPORT_FORMATS.items():
        assert f'<option value="{name}">{export_format.label} (' in page


def test_an_import_keeps_later_ratings(client: TestClient) -> None:
    headers = open_guest(client)
    matrix = client.get("/api/v1/movies", params={"query": "the matrix"}).json()["movies"][0]
    path = f"/api/v1/me/ratings/{matrix['movieId']}"
    client.put(path, json={"rating": 1}, headers=headers)
    file = ("ratings.csv", LETTERBOXD.encode())
    url = "/api/v1/me/imports?from=letterboxd"
    assert client.post(url, files={"file": file}, headers=headers).json()["changed"] == 1
    ratings = client.get("/api/v1/me/ratings").json()["ratings"]
    assert {entry["movieId"]: entry["rating"] for entry in ratings}[matrix["movieId"]] == 1


def test_imported_timestamps_in_the_future_are_set_to_now(client: TestClient) -> None:
    headers = open_guest(client)
    text = LETTERBOXD.replace("2021-03-07", "2095-01-01").replace("2021-03-08", "0001-01-01")
    url = "/api/v1/me/imports?from=letterboxd"
    report = client.post(url, files={"file": ("r.csv", text.encode())}, headers=headers).json()
    assert [entry["line"] for entry in report["unreadable"]] == [3]
    rated = client.get("/api/v1/me/ratings").json()["ratings"]
    assert [entry["rated"] <= time.time() for entry in rated] == [True]


def test_all_data_of_a_user_can_be_exported_and_deleted(client: TestClient) -> None:
    headers = open_guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    recommended(client)
    exported = client.get("/api/v1/me/export").json()
    assert exported["ratings"][0]["movie"] == 318
    assert exported["shown"][0]["version"] == 1
    assert client.delete("/api/v1/me", headers=headers).status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_years_in_the_wrong_order_are_refused(client: TestClient) -> None:
    open_guest(client)
    response = client.get("/api/v1/me/recommendations?first_year=2016&last_year=1990")
    assert response.status_code == 422
    assert "first_year should be at most last_year" in response.json()["detail"]


def test_a_list_has_its_movies_latest_first_and_each_can_be_removed_once(
    client: TestClient,
) -> None:
    headers = open_guest(client)
    for movie in (318, 50):
        assert client.put(f"/api/v1/me/seen/{movie}", headers=headers).status_code == 204
    found = client.get("/api/v1/me/seen").json()
    assert {entry["movieId"] for entry in found} == {50, 318}
    assert found[0]["title"] in {"The Usual Suspects", "The Shawshank Redemption"}
    assert client.put("/api/v1/me/seen/99999999", headers=headers).status_code == 404
    assert client.delete("/api/v1/me/seen/50", headers=headers).status_code == 204
    removed = client.delete("/api/v1/me/seen/50", headers=headers)
    assert removed.status_code == 404
    assert removed.json()["detail"] == "your list 'seen' does not have movie 50"
