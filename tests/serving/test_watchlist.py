"""The watchlist: its ranking, and titles that are pasted into it."""

from fastapi.testclient import TestClient
from tests.serving.api.calls import open_guest, recommended

from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.watchlist import find_titles


def titles_of(snapshot: ModelSnapshot, text: str) -> tuple[list[str], list[str]]:
    rows, missing = find_titles(snapshot, text)
    return [snapshot.model.titles[row] for row in rows], missing


def test_titles_are_found_with_years_bullets_articles_and_numbers(
    snapshot: ModelSnapshot,
) -> None:
    text = (
        "- The Matrix (1999)\n2. Usual Suspects, The\n\n  pulp fiction 1994 \n2001: A Space Odyssey"
    )
    found, missing = titles_of(snapshot, text)
    assert found == [
        "Matrix, The",
        "Usual Suspects, The",
        "Pulp Fiction",
        "2001: A Space Odyssey",
    ]
    assert missing == []


def test_lines_without_a_movie_are_returned_as_they_are(snapshot: ModelSnapshot) -> None:
    assert titles_of(snapshot, "Zzyzx Qqq (1901)\r\nThe Matrix\nThe Matrix") == (
        ["Matrix, The"],
        ["Zzyzx Qqq (1901)"],
    )


def test_the_watchlist_is_ranked_for_the_user_without_what_was_watched(
    client: TestClient,
) -> None:
    headers = open_guest(client)
    text = "The Matrix\nPulp Fiction\nFargo\nToy Story\nNo such film"
    added = client.post("/api/v1/me/watchlist/titles", json={"text": text}, headers=headers)
    assert added.json()["added"] == 4
    assert added.json()["missing"] == ["No such film"]
    client.put("/api/v1/me/ratings/1", json={"rating": 4}, headers=headers)
    client.put("/api/v1/me/seen/608", headers=headers)
    ranked = client.get("/api/v1/me/watchlist").json()
    assert {entry["title"] for entry in ranked} == {"The Matrix", "Pulp Fiction"}
    predictions = [entry["prediction"] for entry in ranked]
    assert predictions == sorted(predictions, reverse=True)
    client.delete("/api/v1/me/seen/608", headers=headers)
    assert len(client.get("/api/v1/me/watchlist").json()) == 3


def test_seen_movies_are_never_recommended(client: TestClient) -> None:
    headers = open_guest(client)
    first = recommended(client, k=5)
    for movie in first:
        assert client.put(f"/api/v1/me/seen/{movie}", headers=headers).status_code == 204
    for by in ("rating", "likely", "blend"):
        assert set(first).isdisjoint(recommended(client, k=200, by=by))
    page = client.get("/?shown=100").text
    assert all(f'data-movie="{movie}"' not in page for movie in first)
