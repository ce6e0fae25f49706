"""Films that exports list without a rating: seen, or saved to be watched."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.data.samples import LETTERBOXD, zipped
from tests.data.sources.export_samples import MAY_4

from foreseen.data.canonical import Tables
from foreseen.data.sources.exports import Provider, load_export, read_export
from foreseen.data.sources.personal import ListedFilm
from foreseen.data.title_matching import TitleIndex, match_export
from foreseen.errors import DataError, InputError

LIST = "Date,Name,Year,Letterboxd URI\r\n2024-05-04,Heat,1995,https://boxd.it/2ahM\r\n"
DIARY = (
    "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\r\n"
    "2024-05-06,Heat,1995,https://boxd.it/5,,,,2024-05-04\r\n"
    "2024-05-06,Alien,1979,https://boxd.it/6,3.5,,,2024-05-04\r\n"
)
IMDB_WATCHLIST = (
    "Position,Const,Created,Modified,Description,Title,Original Title,URL,Title Type,IMDb Rating,"
    "Runtime (mins),Year,Genres,Num Votes,Release Date,Directors,Your Rating,Date Rated\n"
    '1,tt0113277,2024-05-04,2024-05-04,,Heat,Heat,x,Movie,8.3,170,1995,"Crime, Drama",1,1995-12-15,'
    "Michael Mann,,\n"
    "2,tt0078748,2024-05-01,2024-05-01,,Alien,Alien,x,Movie,8.5,117,1979,Horror,1,1979-05-25,"
    "Ridley Scott,9,2024-05-05\n"
    "3,tt5753856,2024-05-01,2024-05-01,,Dark,Dark,x,TV Series,8.7,60,2017,Drama,1,2017-12-01,,,\n"
)
HEAT = {"title": "Heat", "year": 1995, "ids": {"trakt": 1, "imdb": "tt0113277", "tmdb": 949}}
AT = "2024-05-04T00:00:00.000Z"
TRAKT: dict[str, list[dict[str, object]]] = {
    "watched-movies": [{"plays": 2, "last_watched_at": AT, "last_updated_at": AT, "movie": HEAT}],
    "watched-history": [
        {"id": 1, "watched_at": AT, "action": "watch", "type": "movie", "movie": HEAT},
        {"id": 2, "watched_at": AT, "type": "episode", "episode": {}, "show": {"title": "Dark"}},
    ],
    "lists-watchlist": [
        {"rank": 1, "id": 7, "listed_at": AT, "notes": None, "type": "movie", "movie": HEAT}
    ],
}
MOVARY = "title,year,tmdbId,imdbId,{}\nHeat,1995,949,tt0113277,2024-05-04\n"


def listed(films: Sequence[ListedFilm]) -> list[tuple[str, str, int | None]]:
    return [(film.title, film.film_list, film.timestamp) for film in films]


@pytest.mark.parametrize(
    ("name", "text", "provider", "film_list"),
    [
        ("watchlist.csv", LIST, "letterboxd", "watchlist"),
        ("foreseen-watchlist (1).csv", LIST, "letterboxd", "watchlist"),
        ("watched.csv", LIST, "letterboxd", "seen"),
        ("films.csv", LIST, "letterboxd", "seen"),
        ("watched.csv", LIST.replace(",", ";"), "letterboxd", "seen"),
        ("x.csv", MOVARY.format("watchedAt"), "movary", "seen"),
        ("x.csv", MOVARY.format("addedAt"), "movary", "watchlist"),
        ("x.json", json.dumps(TRAKT["watched-movies"]), "trakt", "seen"),
        ("x.json", json.dumps(TRAKT["watched-history"]), "trakt", "seen"),
        ("x.json", json.dumps(TRAKT["lists-watchlist"]), "trakt", "watchlist"),
    ],
)
def test_a_list_is_recognised_and_read(
    name: str, text: str, provider: Provider, film_list: str
) -> None:
    export = read_export(text.encode(), name)
    assert (export.service, export.ratings, export.unreadable) == (provider, (), ())
    assert listed(export.listed) == [("Heat", film_list, MAY_4)]


def test_the_watchlist_of_imdb_is_saved_and_what_is_rated_in_it_rated() -> None:
    for name in ("WATCHLIST.csv", "1b2c.csv"):
        export = read_export(IMDB_WATCHLIST.encode(), name)
        assert (export.service, listed(export.listed)[0]) == ("imdb", ("Heat", "watchlist", MAY_4))
        assert [(rating.title, rating.stars) for rating in export.ratings] == [("Alien", 4.5)]
        assert [(film.title, film.only_by_id) for film in export.listed[1:]] == [("Dark", True)]


def test_a_viewing_without_a_rating_in_a_diary_is_seen() -> None:
    export = read_export(DIARY.encode(), "diary.csv")
    assert listed(export.listed) == [("Heat", "seen", MAY_4)]
    assert [(rating.title, rating.stars) for rating in export.ratings] == [("Alien", 3.5)]


def test_a_list_of_letterboxd_whose_name_says_nothing_has_to_be_named() -> None:
    (entry,) = read_export(LIST.encode(), "x.csv").unreadable
    assert "name the file watched.csv or watchlist.csv" in entry.reason


@pytest.fixture
def letterboxd_zip() -> bytes:
    """A whole export of Letterboxd, with what the user deleted."""
    deleted = LIST.replace("Heat", "Regret")
    return zipped(
        **{
            "watched.csv": LIST + LETTERBOXD.split("\r\n", 1)[1].replace(",4.5", ""),
            "ratings.csv": LETTERBOXD,
            "diary.csv": DIARY,
            "watchlist.csv": LIST.replace("Heat", "Aliens").replace("1995", "1986"),
            "likes/films.csv": LIST.replace("Heat", "Hamlet").replace("1995", ""),
            "deleted/diary.csv": deleted,
            "deleted/seen.csv": deleted,
            "lists/best.csv": "Letterboxd list export v7\n\nPosition,Name,Year\n1,Seven,1995\n",
        }
    )


def test_a_zip_of_letterboxd_is_read_whole_and_the_rating_of_a_diary_is_not_one(
    letterboxd_zip: bytes,
) -> None:
    export = read_export(letterboxd_zip, "letterboxd.zip")
    assert [rating.title for rating in export.ratings] == [
        "The Matrix",
        "Good, the Bad and the Ugly",
    ]
    films = {(film.title, film.film_list) for film in export.listed}
    assert ("Aliens", "watchlist") in films
    assert {title for title, name in films if name == "seen"} == {
        *("Heat", "Alien", "Hamlet", "The Matrix", "Good, the Bad and the Ugly")
    }
    lines = [film.line for film in (*export.ratings, *export.listed)]
    assert len(lines) == len(set(lines))


def test_an_unpacked_export_has_its_likes_too(tmp_path: Path) -> None:
    (tmp_path / "likes").mkdir()
    (tmp_path / "likes" / "films.csv").write_text(LIST)
    assert listed(load_export(tmp_path).listed) == [("Heat", "seen", MAY_4)]


def test_a_zip_of_trakt_is_read_with_files_of_one_name_in_several_folders() -> None:
    rated = json.dumps([{"rating": 9, "rated_at": AT, "movie": HEAT}])
    watched = json.dumps(TRAKT["watched-movies"])
    export = read_export(
        zipped(**{"ratings/movies.json": rated, "watched/movies.json": watched}), "trakt.zip"
    )
    assert (len(export.ratings), len(export.listed)) == (1, 1)


def test_a_film_is_matched_once_per_list_and_not_seen_if_it_is_rated(
    real: Tables, letterboxd_zip: bytes
) -> None:
    index = TitleIndex.of(real.movies, real.links)
    export = read_export(letterboxd_zip, "letterboxd.zip")
    report = match_export(export, index)
    seen, saved = report.lists["seen"], report.lists["watchlist"]
    assert [str(match.candidates[0]) for match in seen.matched] == ["Heat (1995)", "Alien (1979)"]
    assert [str(match.candidates[0]) for match in saved.matched] == ["Aliens (1986)"]
    assert [match.film.title for match in seen.ambiguous] == ["Hamlet"]
    line = seen.ambiguous[0].film.line
    chosen = seen.ambiguous[0].candidates[0].movie
    resolved = match_export(export, index, {line: chosen}).lists["seen"]
    assert chosen in [match.candidates[0].movie for match in resolved.matched]
    assert (report.repeated, len(report.matched)) == (0, 2)
    document = report.as_json()
    assert [entry["title"] for entry in document["lists"]["watchlist"]["matched"]] == ["Aliens"]
    with pytest.raises(InputError, match="line 999"):
        match_export(export, index, {999: chosen})


def test_a_list_of_which_nothing_matches_is_refused(real: Tables) -> None:
    index = TitleIndex.of(real.movies, real.links)
    for text in (LIST.replace("Heat", "Zorblax"), LIST):
        report = match_export(read_export(text.encode(), "watchlist.csv"), index)
        if "Zorblax" in text:
            with pytest.raises(DataError, match=r"no film matches .* \(line 2: 'Zorblax' \(1995\)"):
                report.check_matched("f", 9061, has_links=True)
        else:
            report.check_matched("f", 9061, has_links=True)
