"""One ranking for several people."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import open_guest

from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating
from foreseen.serving.together import How, rank_for_group

ANN = [StoredRating(318, 5.0, 10), StoredRating(50, 1.0, 20)]
BEN = [StoredRating(50, 5.0, 10), StoredRating(296, 0.5, 20)]


def test_least_misery_ranks_by_the_least_and_mean_by_the_mean(snapshot: ModelSnapshot) -> None:
    people = [snapshot.history(ANN), snapshot.history(BEN)]
    cases: list[tuple[How, Callable[[tuple[float, ...]], Any]]] = [
        ("least-misery", min),
        ("mean", np.mean),
    ]
    for how, aggregate in cases:
        ranked = rank_for_group(Recommender(), snapshot, people, [], how, 20)
        assert len(ranked) == 20
        scores = [entry.score for entry in ranked]
        assert scores == sorted(scores, reverse=True)
        assert scores == pytest.approx([aggregate(entry.predictions) for entry in ranked])
        assert {318, 50, 296}.isdisjoint(int(snapshot.ids[entry.row]) for entry in ranked)


def test_each_prediction_is_that_of_the_person_alone(snapshot: ModelSnapshot) -> None:
    people = [snapshot.history(ANN), snapshot.history(BEN)]
    entry = rank_for_group(Recommender(), snapshot, people, [], "mean", 1)[0]
    movies = [int(snapshot.ids[entry.row])]
    alone = [Recommender().predict(snapshot, person, movies)[0] for person in people]
    assert entry.predictions == pytest.approx([found.rating for found in alone], abs=1e-5)


def test_the_api_ranks_for_the_user_and_guests_without_what_the_user_has_seen(
    client: TestClient,
) -> None:
    headers = open_guest(client)
    client.put("/api/v1/me/ratings/318", json={"rating": 5}, headers=headers)
    guest = {"name": "Ben", "ratings": [{"movieId": 50, "rating": 5}]}
    body = {"guests": [guest], "how": "mean", "k": 5}
    found = client.post("/api/v1/me/together", json=body, headers=headers).json()
    assert len(found) == 5
    assert [person["name"] for person in found[0]["people"]] == ["you", "Ben"]
    reasons = [person["reason"] for entry in found for person in entry["people"]]
    named = {reason["title"]: reason for reason in reasons if reason}
    titles = Counter(reason["title"] for reason in reasons if reason)
    assert all(count <= 2 for count in titles.values())
    assert set(named) <= {"The Shawshank Redemption", "The Usual Suspects"}
    assert all(reason["rating"] == 5 and reason["effect"] >= 0.1 for reason in named.values())
    client.put(f"/api/v1/me/seen/{found[0]['movieId']}", headers=headers)
    again = client.post("/api/v1/me/together", json=body, headers=headers).json()
    assert found[0]["movieId"] not in {entry["movieId"] for entry in again}


@pytest.mark.parametrize(
    "guest",
    [
        {"name": "Ben", "ratings": [{"movieId": 99999999, "rating": 5}]},
        {"name": "Ben", "ratings": [{"movieId": 50, "rating": 9}]},
        {"name": "", "ratings": []},
    ],
)
def test_a_guest_without_a_name_or_with_an_invalid_rating_is_refused(
    client: TestClient, guest: dict[str, object]
) -> None:
    headers = open_guest(client)
    response = client.post("/api/v1/me/together", json={"guests": [guest]}, headers=headers)
    assert response.status_code in {404, 422}


def test_at_most_five_people_watch_together(client: TestClient) -> None:
    headers = open_guest(client)
    guests: list[dict[str, Any]] = [{"name": f"guest {n}", "ratings": []} for n in range(5)]
    response = client.post("/api/v1/me/together", json={"guests": guests}, headers=headers)
    assert response.status_code == 422
