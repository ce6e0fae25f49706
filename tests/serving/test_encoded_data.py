"""The API and the pages on data with texts for ids and points out of a hundred."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import open_account, open_guest
from tests.serving.conftest import SECRET

from foreseen.data.canonical import Tables, load_data
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.serving.app import create_app
from foreseen.serving.store import Store


@pytest.fixture(scope="module")
def trained(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    ratings = small.ratings.select(
        pl.format("user-{}", "userId").alias("userId"),
        pl.format("tt{} é", "movieId").alias("movieId"),
        ((pl.col("rating") - 0.5) / 4.5 * 100).round(),
        "timestamp",
    )
    folder = tmp_path_factory.mktemp("encoded") / "m"
    versions.save_model(train(load_data(ratings), "bias"), folder)
    return folder


@pytest.fixture
def named(trained: Path, tmp_path: Path, fast_hasher: None) -> Iterator[TestClient]:  # noqa: ARG001
    folder = shutil.copytree(trained, tmp_path / "m")
    with TestClient(
        create_app(folder, Store(f"sqlite:///{tmp_path / 'r.db'}"), SECRET, admins=("Ada",))
    ) as client:
        yield client


def test_the_api_has_the_ids_and_the_scale_of_the_data(named: TestClient) -> None:
    headers = open_guest(named)
    path = "/api/v1/me/ratings/tt318 é"
    for rating in (100, 0):
        put = named.put(path, json={"rating": rating}, headers=headers)
        assert put.json() | {"rated": 0} == {"movieId": "tt318 é", "rating": rating, "rated": 0}
    for wrong in (-1, 101, 72.5):
        refused = named.put(path, json={"rating": wrong}, headers=headers)
        assert refused.status_code == 422
        assert "from 0 to 100 in steps of 1" in refused.json()["detail"]
    assert (
        named.put("/api/v1/me/ratings/318", json={"rating": 9}, headers=headers).status_code == 404
    )
    assert named.get("/api/v1/me/ratings").json()["ratings"][0]["movieId"] == "tt318 é"
    movie = named.get("/api/v1/movies/tt318 é").json()
    assert 80 < movie["mean"] <= 100
    assert movie["rating"] == 0
    assert list(movie["prediction"]["chances"]) == [str(10 * n) for n in range(11)]
    found = named.get("/api/v1/me/recommendations").json()["recommendations"]
    assert all(entry["movieId"].endswith(" é") for entry in found)
    assert found[0]["prediction"] > 20
    (reason,) = named.get("/api/v1/movies/tt50 é/why").json()
    assert (reason["movieId"], reason["rating"]) == ("tt318 é", 0)
    assert reason["effect"] < -1
    predicted = named.post(
        "/api/v1/me/predictions", json={"movies": ["tt50 é", 7, "none"]}, headers=headers
    ).json()
    assert [entry["movieId"] for entry in predicted] == ["tt50 é", 7, "none"]
    exported = named.get("/api/v1/me/export").json()
    assert exported["ratings"][0]["movie"] == "tt318 é"
    assert exported["shown"][0]["movies"][0] == found[0]["movieId"]


def test_the_pages_have_the_ids_and_the_scale_of_the_data(named: TestClient) -> None:
    headers = open_guest(named)
    named.put("/api/v1/me/ratings/tt318 é", json={"rating": 73}, headers=headers)
    page = named.get("/film/tt318%20%C3%A9").text
    assert 'min="0" max="100" step="1" value="73"' in page
    assert "73 of 100" in page
    assert 'href="/film/tt' in page
    for path in ("/", "/rate", "/top", "/me", "/me/ratings"):
        assert "tt318 é" in named.get("/me/ratings").text
        assert named.get(path).status_code == 200


def test_an_update_adds_the_ratings_of_accounts_with_the_ids_of_the_data(
    named: TestClient, tmp_path: Path
) -> None:
    headers = open_account(named, "Ada")
    named.put("/api/v1/me/ratings/tt318 é", json={"rating": 50}, headers=headers)
    assert named.post("/api/v1/model/update", headers=headers).json()["observed"] == 1
    model = versions.load_model(tmp_path / "m")
    added = model.encoding.decode(model.log.ratings.tail(1)).row(0, named=True)
    assert (added["movieId"], added["rating"]) == ("tt318 é", 50)
    assert "user-15" in model.encoding.users.names
