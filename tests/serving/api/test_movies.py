"""Routes for movies."""

import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import open_guest


def test_search_tolerates_typing_errors_and_prefers_popular_movies(client: TestClient) -> None:
    for query, title in (("godfather", "The Godfather"), ("shawshenk", "The Shawshank Redemption"),
                         ("star wars", "Star Wars: Episode IV - A New Hope")):  # fmt: skip
        found = client.get("/api/v1/movies", params={"query": query}).json()["movies"]
        assert title in [movie["title"] for movie in found][:3]
    assert client.get("/api/v1/movies", params={"query": "  "}).json()["movies"] == []


def test_search_results_are_paged(client: TestClient) -> None:
    first = client.get("/api/v1/movies", params={"query": "the", "limit": 2}).json()
    both = client.get("/api/v1/movies", params={"query": "the", "limit": 4}).json()
    second = client.get("/api/v1/movies", params={"query": "the", "limit": 2, "offset": 2}).json()
    assert first["more"]
    assert first["movies"] + second["movies"] == both["movies"]


def test_a_movie_has_its_ratings_by_year_and_a_prediction_for_the_user(client: TestClient) -> None:
    assert "prediction" not in client.get("/api/v1/movies/318").json()
    headers = open_guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 4.5}, headers=headers)
    movie = client.get("/api/v1/movies/318").json()
    assert movie["rating"] == 4.5
    assert sum(movie["prediction"]["chances"].values()) == pytest.approx(1, abs=0.01)
    assert sum(year["ratings"] for year in movie["years"]) == movie["views"]
    assert len(client.get("/api/v1/movies/318/similar").json()) == 12


def test_an_unknown_movie_is_not_found(client: TestClient) -> None:
    response = client.get("/api/v1/movies/99999999")
    assert response.status_code == 404
    assert response.json()["type"] == "urn:foreseen:no-such-movie"


def test_influences_are_those_of_the_users_ratings_strongest_first(client: TestClient) -> None:
    headers = open_guest(client)
    for movie, rating in ((296, 5), (593, 1), (318, 4)):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": rating}, headers=headers)
    influences = client.get("/api/v1/movies/50/why").json()
    assert {entry["movieId"] for entry in influences} == {296, 593, 318}
    effects = [abs(entry["effect"]) for entry in influences]
    assert effects == sorted(effects, reverse=True)
