"""Movies whose ids have characters with a meaning in paths, in every route and link."""

import html
import re
from collections.abc import Iterator

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import open_guest
from tests.serving.conftest import SECRET

from foreseen.data.canonical import Tables, load_data
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.serving.app import create_app
from foreseen.serving.paths import path_segment
from foreseen.serving.store import MOVIE_LISTS, Store

IDS = [
    "B00/12", "/", "a//b", "x/similar", "x/why", "../me", "..", ".", "a?b=c", "a#b", "50%", "%2F",
    "%252F", "a b", "a+b&c;d", "back\\slash", "<b>\"'", "ü/é", "007",
]  # fmt: skip


@pytest.fixture(scope="module")
def odd(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    popular = small.ratings["movieId"].value_counts(sort=True)["movieId"].to_list()
    names = dict(zip(popular, IDS, strict=False))
    ratings = small.ratings.with_columns(
        pl.col("movieId").replace_strict(names, default=pl.col("movieId").cast(pl.String))
    )
    folder = tmp_path_factory.mktemp("paths")
    versions.save_model(train(load_data(ratings), "bias"), folder / "m")
    store = Store(f"sqlite:///{folder / 'r.db'}")
    with TestClient(create_app(folder / "m", store, SECRET)) as client:
        yield client


@pytest.mark.parametrize("movie", IDS)
def test_every_route_finds_the_movie(odd: TestClient, movie: str) -> None:
    headers = open_guest(odd)
    path = path_segment(movie)
    details = odd.get(f"/api/v1/movies/{path}")
    assert details.status_code == 200, details.text
    assert details.json()["movieId"] == movie
    similar = odd.get(f"/api/v1/movies/{path}/similar").json()
    assert len(similar) == 12
    assert movie not in [entry["movieId"] for entry in similar]
    put = odd.put(f"/api/v1/me/ratings/{path}", json={"rating": 2}, headers=headers)
    assert put.json()["movieId"] == movie
    other = path_segment(IDS[IDS.index(movie) - 1])
    reasons = odd.get(f"/api/v1/movies/{other}/why").json()
    assert [entry["movieId"] for entry in reasons] == [movie]
    assert movie in html.unescape(odd.get(f"/film/{path}").text)
    for kind in ("ratings", *MOVIE_LISTS):
        url = f"/api/v1/me/{kind}/{path}"
        assert odd.put(url, json={"rating": 2}, headers=headers).status_code in {200, 204}
        assert odd.delete(url, headers=headers).status_code == 204
        missing = odd.delete(url, headers=headers)
        assert missing.status_code == 404
        assert missing.json()["detail"].endswith(f"movie {movie}")


def test_every_link_of_a_page_leads_to_its_movie(odd: TestClient) -> None:
    headers = open_guest(odd)
    for movie in IDS:
        url = f"/api/v1/me/ratings/{path_segment(movie)}"
        assert odd.put(url, json={"rating": 4}, headers=headers).status_code == 200
    links = re.findall(r'href="(/film/[^"]*)">movie ([^<]*)<', odd.get("/me/ratings").text)
    found = {html.unescape(title).strip(): link for link, title in links}
    assert set(found) == set(IDS)
    for movie, link in found.items():
        assert f"<h1>movie {movie}" in html.unescape(odd.get(link).text)


@pytest.mark.parametrize("path", ["/film/a%2Fb", "/film/%2E%2E%2Frate", "/static/..%2Fm", "/%2F"])
def test_an_encoded_slash_separates_no_segments(odd: TestClient, path: str) -> None:
    assert odd.get(path).status_code == 404
