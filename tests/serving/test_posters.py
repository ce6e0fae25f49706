"""Posters of a folder: shown by the ids of a movie, and no other file is served."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.serving.conftest import SECRET, ignore

from foreseen.serving.app import create_app
from foreseen.serving.posters import Posters
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Store

IMAGE = b"\xff\xd8\xff\xe0 an image \xff\xd9"
LINKS = pl.DataFrame({"movieId": [318, 50], "imdbId": ["0111161", "114814"], "tmdbId": ["278", ""]})


@pytest.fixture
def posters(tmp_path: Path) -> Path:
    folder = tmp_path / "posters"
    folder.mkdir()
    (folder / "278.jpg").write_bytes(IMAGE)
    (folder / "notes.txt").write_text("private")
    (tmp_path / "9.jpg").write_bytes(b"outside")
    return folder


@pytest.fixture
def linked(snapshot: ModelSnapshot) -> ModelSnapshot:
    return replace(snapshot, links=LINKS)


@pytest.fixture
def client(
    trained: Path,
    linked: ModelSnapshot,
    posters: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TestClient]:
    def load(_: Path) -> ModelSnapshot:
        return linked

    monkeypatch.setattr(ModelSnapshot, "load", load)
    monkeypatch.setattr("foreseen.serving.live_model.freeze_gc", ignore)
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    with TestClient(create_app(trained, store, SECRET, posters=posters)) as testing:
        yield testing


def test_a_poster_is_found_by_either_id(linked: ModelSnapshot, posters: Path) -> None:
    found = Posters(posters).address(linked, 318)
    assert found is not None
    assert found.startswith("/posters/278.jpg?")
    assert Posters(posters).address(linked, 50) is None
    (posters / "tt0114814.jpg").write_bytes(IMAGE)
    added = Posters(posters).address(linked, 50)
    assert added is not None
    assert added.startswith("/posters/tt0114814.jpg?")


def test_a_page_shows_the_poster_which_browsers_keep(client: TestClient) -> None:
    text = client.get("/film/318").text
    address = text.split('<img src="')[1].split('"')[0]
    response = client.get(address)
    assert response.content == IMAGE
    assert response.headers["content-type"] == "image/jpeg"
    assert "immutable" in response.headers["cache-control"]
    again = client.get("/posters/278.jpg", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    assert "<img" not in client.get("/film/50").text.split("Similar films")[0]


def test_the_footer_credits_the_posters(client: TestClient, posters: Path) -> None:
    assert "provided by the operator" in client.get("/sign-in").text
    (posters / "credits.txt").write_text("Posters: <TMDB>\nmore")
    fresh = Posters(posters)
    assert fresh.credits == ("Posters: <TMDB>",)


@pytest.mark.parametrize(
    "path",
    ["notes.txt", "..%2f9.jpg", "../9.jpg", "%2e%2e/9.jpg", "..%5c9.jpg", "", "999.jpg",
     "%00278.jpg", "link.jpg", "11.jpg"],
)  # fmt: skip
def test_nothing_else_is_served(client: TestClient, posters: Path, path: str) -> None:
    (posters / "11.jpg").symlink_to(posters.parent / "9.jpg")
    response = client.get(f"/posters/{path}")
    assert response.status_code == 404
    assert b"private" not in response.content
    assert b"outside" not in response.content


def test_a_link_with_an_odd_id_names_no_file(snapshot: ModelSnapshot, posters: Path) -> None:
    odd = LINKS.with_columns(tmdbId=pl.lit("../9"), imdbId=pl.lit(""))
    assert Posters(posters).address(replace(snapshot, links=odd), 318) is None
