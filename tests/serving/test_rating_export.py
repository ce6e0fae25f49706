"""The table of ratings in Letterboxd's import layout, and its way back."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.serving.api.calls import open_guest

from foreseen.data.schema import LINKS_SCHEMA
from foreseen.data.sources.exports import read_export
from foreseen.data.sources.personal import FilmList
from foreseen.data.title_matching import match_export
from foreseen.serving.rating_export import COLUMNS, list_csv, ratings_csv
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import ListedMovie, StoredRating

DAY = 86_400


@pytest.fixture(scope="module")
def linked(snapshot: ModelSnapshot) -> ModelSnapshot:
    """The snapshot with ids of IMDb, and for all but every fifth movie of TMDB."""
    ids = snapshot.ids.tolist()
    tmdb = [str(movie + 7) if movie % 5 else None for movie in ids]
    links = {"movieId": ids, "imdbId": [f"{movie:07}" for movie in ids], "tmdbId": tmdb}
    return replace(snapshot, links=pl.DataFrame(links, LINKS_SCHEMA))


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def read_back(text: str, snapshot: ModelSnapshot) -> list[tuple[int, float, int | None]]:
    """Return what an import reads: movies, stars and times."""
    export = read_export(text.encode(), "ratings.csv")
    assert export.service == "letterboxd"
    assert not export.unreadable
    report = match_export(export, snapshot.title_index)
    return [
        (match.candidates[0].movie, match.film.stars, match.film.timestamp)
        for match in report.matched
    ]


def every_movie(snapshot: ModelSnapshot) -> list[StoredRating]:
    """Return a rating of every movie that has a title: all half stars, one a day."""
    return [
        StoredRating(movie, 0.5 + row % 10 / 2, (10_000 + row) * DAY)
        for row, movie in enumerate(snapshot.title_index.movies)
    ]


def days(ratings: Sequence[StoredRating]) -> list[tuple[int, float, int | None]]:
    return [(entry.movie, entry.rating, entry.rated // DAY * DAY) for entry in ratings]


def test_ratings_of_all_movies_are_read_back_unchanged(linked: ModelSnapshot) -> None:
    ratings = every_movie(linked)
    assert len(ratings) > 5000
    assert sorted(read_back(ratings_csv(linked, ratings), linked)) == sorted(days(ratings))


def test_without_links_all_but_movies_of_one_name_are_read_back(snapshot: ModelSnapshot) -> None:
    ratings = every_movie(snapshot)
    found = read_back(ratings_csv(snapshot, ratings), snapshot)
    assert set(found) <= set(days(ratings))
    assert len(found) > 0.995 * len(ratings)


def test_a_row_has_the_title_the_year_and_the_ids(linked: ModelSnapshot) -> None:
    text = ratings_csv(linked, [StoredRating(296, 4.5, 19_000 * DAY + 7)])
    assert text.splitlines()[0] == ",".join(COLUMNS)
    assert rows_of(text) == [
        {
            "tmdbID": "303",
            "imdbID": "tt0000296",
            "Title": "Pulp Fiction",
            "Year": "1994",
            "Rating10": "9",
            "WatchedDate": "2022-01-08",
        }
    ]


def test_a_movie_that_nothing_identifies_is_left_out(linked: ModelSnapshot) -> None:
    unknown = StoredRating(99_999_999, 3.0, DAY)
    assert rows_of(ratings_csv(linked, [unknown])) == []
    links = pl.DataFrame({"movieId": [99_999_999], "imdbId": ["12"], "tmdbId": [None]})
    (row,) = rows_of(ratings_csv(replace(linked, links=links), [unknown]))
    assert (row["imdbID"], row["Title"]) == ("tt0000012", "")


def test_the_download_changes_nothing_when_imported(client: TestClient) -> None:
    headers = open_guest(client)
    for movie, rating in ((318, 5), (50, 0.5), (296, 3.5)):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": rating}, headers=headers)
    before = client.get("/api/v1/me/ratings").json()
    response = client.get("/api/v1/me/ratings.csv")
    assert response.headers["content-type"].startswith("text/csv")
    assert 'filename="ratings.csv"' in response.headers["content-disposition"]
    file = {"file": ("ratings.csv", response.content)}
    report = client.post("/api/v1/me/imports", files=file, headers=headers).json()
    assert (report["changed"], report["service"]) == (0, "letterboxd")
    assert client.get("/api/v1/me/ratings").json() == before

    other = TestClient(client.app)
    report = other.post("/api/v1/me/imports", files=file, headers=open_guest(other)).json()
    assert report["changed"] == 3
    moved = other.get("/api/v1/me/ratings").json()["ratings"]
    assert {entry["movieId"]: entry["rating"] for entry in moved} == {318: 5, 50: 0.5, 296: 3.5}


def test_lists_are_read_back_unchanged(client: TestClient) -> None:
    headers = open_guest(client)
    for place in ("watchlist/318", "watchlist/50", "seen/296", "seen/50", "dismissed/1"):
        assert client.put(f"/api/v1/me/{place}", headers=headers).status_code == 204
    other = TestClient(client.app)
    moved = open_guest(other)
    for name in ("watchlist", "seen"):
        response = client.get(f"/api/v1/me/{name}.csv")
        assert f'filename="{name}.csv"' in response.headers["content-disposition"]
        file = {"file": (f"foreseen-{name}.csv", response.content)}
        report = client.post("/api/v1/me/imports", files=file, headers=headers).json()
        assert (report["changed"], report["added"][name]) == (0, 0)
        report = other.post("/api/v1/me/imports", files=file, headers=moved).json()
        assert (report["service"], report["added"][name]) == ("letterboxd", 2)
    first, second = (person.get("/api/v1/me/export").json() for person in (client, other))
    for name in ("watchlist", "seen", "ratings"):
        assert sorted(first[name]) == sorted(second[name])
    assert second["dismissed"] == []


@pytest.mark.parametrize("film_list", ["seen", "watchlist"])
def test_lists_of_all_movies_are_read_back_with_their_days(
    linked: ModelSnapshot, film_list: FilmList
) -> None:
    entries = [ListedMovie(entry.movie, entry.rated) for entry in every_movie(linked)]
    text = list_csv(linked, film_list, entries)
    report = match_export(read_export(text.encode(), f"{film_list}.csv"), linked.title_index)
    found = [
        ListedMovie(match.candidates[0].movie, match.film.timestamp or 0)
        for match in report.lists[film_list].matched
    ]
    assert found == entries
