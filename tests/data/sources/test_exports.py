"""Reading of personal exports in the real formats of the services."""

import json
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.samples import LETTERBOXD, zipped

from foreseen.data.sources import export_tables, exports
from foreseen.data.sources.exports import (
    EXPORT_FORMATS,
    Provider,
    imdb_digits,
    load_export,
    read_export,
)
from foreseen.errors import DataError

IMDB = (
    "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),"
    "Year,Genres,Num Votes,Release Date,Directors\n"
    "tt0133093,9,2020-05-01,The Matrix,The Matrix,https://www.imdb.com/title/tt0133093,Movie,8.7,"
    '136,1999,"Action, Sci-Fi",2000000,1999-03-31,"Lana Wachowski, Lilly Wachowski"\n'
    "tt0944947,10,2020-05-02,Game of Thrones,Game of Thrones,https://www.imdb.com/title/tt0944947,"
    "TV Series,9.2,60,2011,Drama,2000000,2011-04-17,\n"
)
IMDB_2016 = (
    '"position","const","created","modified","description","Title","Title type","Directors",'
    '"You rated","IMDb Rating","Runtime (mins)","Year","Genres","Num. Votes",'
    '"Release Date (month/day/year)","URL"\n'
    '"1","tt0211915","Sat Mar  4 00:00:00 2017","","","Amélie","Feature Film","Jean-Pierre Jeunet",'
    '"8","8.3","122","2001","comedy","600000","2001-04-25","http://www.imdb.com/title/tt0211915/"\n'
)
TRAKT = [
    {
        "rated_at": "2024-03-07T19:37:27.000Z",
        "rating": 8,
        "type": "movie",
        "movie": {
            "title": "Pulp Fiction",
            "year": 1994,
            "ids": {"trakt": 554, "slug": "pulp-fiction-1994", "imdb": "tt0110912", "tmdb": 680},
        },
    },
    {"rated_at": "2024-03-08T00:00:00.000Z", "rating": 9, "type": "show", "show": {"title": "x"}},
]
MOVIELENS = (
    "movie_id,imdb_id,tmdb_id,rating,average_rating,title\r\n"
    "50,0114814,629,4.0,4.30325,The Usual Suspects (1995)\r\n"
)


def test_the_top_level_ratings_file_of_a_letterboxd_zip_is_read() -> None:
    deleted = LETTERBOXD.replace("The Matrix", "Regret")
    data = zipped(**{"deleted/ratings.csv": deleted, "ratings.csv": LETTERBOXD, "diary.csv": "x"})
    export = read_export(data, "letterboxd.zip", "letterboxd")
    assert [(r.title, r.year, r.stars) for r in export.ratings] == [
        ("The Matrix", 1999, 4.5),
        ("Good, the Bad and the Ugly", 1966, 5.0),
    ]
    assert export.ratings[0].timestamp == 1_615_075_200
    assert read_export(LETTERBOXD.encode(), "ratings.csv", "letterboxd") == export


def test_imdb_points_become_half_stars_and_tv_series_are_known_by_id_only() -> None:
    export = read_export(IMDB.encode(), "ratings.csv", "imdb")
    assert [(r.imdb, r.stars, r.year, r.only_by_id, r.kind) for r in export.ratings] == [
        ("133093", 4.5, 1999, False, ""),
        ("944947", 5.0, 2011, True, "TV Series"),
    ]


def test_the_imdb_format_before_2017_is_read() -> None:
    export = read_export(IMDB_2016.encode("latin-1"), "ratings.csv", "imdb")
    assert [(r.title, r.stars, r.timestamp) for r in export.ratings] == [
        ("Amélie", 4.0, 1_488_585_600)
    ]


def test_lines_continue_from_file_to_file() -> None:
    pages = {f"ratings-movies-{n}.json": json.dumps(TRAKT) for n in (1, 2)}
    export = read_export(zipped(**pages), "trakt.zip", "trakt")
    assert [rating.line for rating in export.ratings] == [1, 3]


def test_an_imdb_id_is_reduced_to_its_digits() -> None:
    assert [imdb_digits(text) for text in ("tt0111161", "0111161", "0", "nm1", "")] == [
        *("111161", "111161", "0"),
        *(None, None),
    ]


def test_numbered_trakt_files_are_read_in_numeric_order() -> None:
    pages = {f"ratings-movies-{n}.json": json.dumps(TRAKT) for n in (10, 2)}
    export = read_export(zipped(**pages), "trakt.zip", "trakt")
    assert [(r.title, r.imdb, r.tmdb, r.stars) for r in export.ratings] == [
        ("Pulp Fiction", "110912", "680", 4.0)
    ] * 2
    assert export.skipped == {"show": 2}


def test_a_movielens_export_keeps_movielens_and_imdb_ids() -> None:
    export = read_export(MOVIELENS.encode(), "movielens-ratings.csv", "movielens")
    assert [(r.movie, r.imdb, r.stars, r.title) for r in export.ratings] == [
        (50, "114814", 4.0, "The Usual Suspects")
    ]


def test_an_unreadable_entry_is_reported_with_its_line_and_the_others_are_read() -> None:
    text = LETTERBOXD + "2021-13-45,Alien,1979,x,4\r\n2021-03-09,Alien,1979,x,7\r\n"
    export = read_export(text.encode(), "ratings.csv", "letterboxd")
    assert len(export.ratings) == 2
    assert [(entry.line, entry.reason) for entry in export.unreadable] == [
        (4, "date should be as in 2020-01-31. Received: '2021-13-45'"),
        (5, "rating should be between 0.5 and 5. Received: 7"),
    ]


@pytest.mark.parametrize(
    ("data", "provider", "message"),
    [
        (b"a,b\n1,2\n", "letterboxd", "Letterboxd's ratings.csv has the columns name, rating"),
        (b'{"a": [1]}', "trakt", "should be a list"),
        (b"[{]", "trakt", "invalid JSON"),
        (b"PK\x03\x04torn", "imdb", "not a complete zip"),
        (zipped(other="x"), "imdb", "has no file ratings.csv"),
    ],
)
def test_a_file_of_another_format_is_refused(data: bytes, provider: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_export(data, "file", provider)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "text",
    [
        LETTERBOXD.replace(",", ";").replace("Good; the", "Good, the"),
        "Title,Year,Rating10,WatchedDate,tmdbID\nThe Matrix,1999,9,2021-03-07,603\n",
        "Title,Year,Directors,Rating,WatchedDate\nThe Matrix,1999,x,4.5,2021-03-07\n",
        "Date;Name;Year;Letterboxd URI;Rating\r\n07.03.2021;The Matrix;1999;x;4.5\r\n",
        "Date\tName\tYear\tRating\n2021-03-07\tThe Matrix\t1999\t4.5\n",
    ],
    ids=["semicolons", "import, points", "import, stars", "spreadsheet", "tabs"],
)
def test_letterboxd_tables_of_other_programs_are_read(text: str) -> None:
    first = read_export(text.encode(), "ratings.csv", "letterboxd").ratings[0]
    assert (first.title, first.year, first.stars) == ("The Matrix", 1999, 4.5)
    assert first.timestamp == 1_615_075_200


def test_a_date_whose_day_could_be_its_month_is_left_out() -> None:
    text = "Date,Name,Rating\n05/01/2021,M,4\n25/01/2021,M,4\n01/25/2021,M,4\n01/01/2021,M,4\n"
    export = read_export(text.encode(), "ratings.csv", "letterboxd")
    assert [r.timestamp for r in export.ratings] == [None, 1611532800, 1611532800, 1609459200]


def test_an_unpacked_letterboxd_export_is_read(tmp_path: Path) -> None:
    (tmp_path / "deleted").mkdir()
    (tmp_path / "deleted" / "ratings.csv").write_text("x")
    (tmp_path / "ratings.csv").write_text(LETTERBOXD)
    assert len(load_export(tmp_path, "letterboxd").ratings) == 2
    with pytest.raises(DataError, match="has no file ratings-movies"):
        load_export(tmp_path, "trakt")


def test_imdb_types_in_other_languages_are_read_and_original_titles_kept() -> None:
    rows = IMDB.replace(",Movie,", ",Película,").replace("The Matrix,The", "Matrix,The")
    rows += "tt1,9,2020-05-01,A,A,x,Fernsehserie,8,9,2001,,1,,\n"
    rows += "tt2,9,2020-05-01,B,B,x,Miniserie,8,9,2001,,1,,\n"
    rows += "tt3,9,2020-05-01,C,C,x,Dizi,8,9,2001,,1,,\n"
    rows += "x3,9,2020-05-01,D,D,x,Videospiel,8,9,2001,,1,,\n"
    export = read_export(rows.encode(), "ratings.csv", "imdb")
    assert [(r.title, r.original_title, r.kind, r.only_by_id) for r in export.ratings] == [
        ("Matrix", "The Matrix", "", False),
        ("Game of Thrones", None, "TV Series", True),
        ("A", None, "Fernsehserie", True),
        ("B", None, "Miniserie", False),
        ("C", None, "Dizi", False),
    ]
    assert export.skipped == {"Videospiel": 1}


def test_other_layouts_of_trakt_are_read() -> None:
    odd: list[dict[str, object]] = [
        {"rating": 8, "movie": {"title": None, "year": 1979, "ids": {"imdb": "tt0078748"}}},
        {"rating": None, "movie": {"title": "Alien", "year": 1979, "ids": {}}},
        {"rated_at": 1409562611, "rating": 8.0, "movie": {"title": "Heat", "year": 1995.0}},
    ]
    whole = json.dumps({"username": "x", "history": [{"a": 1}], "ratings": odd}).encode()
    folder = zipped(**{"ratings/movies.json": json.dumps(odd)})
    for data in (whole, folder):
        export = read_export(data, "trakt", "trakt")
        assert [(r.title, r.year, r.imdb, r.timestamp) for r in export.ratings] == [
            ("", 1979, "78748", None),
            ("Heat", 1995, None, 1409562611),
        ]
        assert [entry.reason for entry in export.unreadable] == [
            "rating should be a number. Received: nothing"
        ]


@pytest.mark.parametrize(
    ("text", "provider", "right"),
    [
        (IMDB, "letterboxd", "IMDb \\(imdb\\)"),
        (LETTERBOXD, "imdb", "Letterboxd \\(letterboxd\\)"),
        (LETTERBOXD, "trakt", "Letterboxd \\(letterboxd\\)"),
        (MOVIELENS, "imdb", "MovieLens \\(movielens\\)"),
        (json.dumps(TRAKT), "imdb", "Trakt \\(trakt\\)"),
    ],
)
def test_a_file_of_another_service_is_recognised(text: str, provider: Provider, right: str) -> None:
    with pytest.raises(DataError, match=f"looks like an export of {right}"):
        read_export(text.encode(), "file", provider)


def test_a_file_beyond_the_limits_or_without_ratings_is_not_called_that_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exports, "_MAX_ENTRIES", 10)
    with pytest.raises(DataError, match=r"at most 10 entries; split it$"):
        read_export(b"name,rating\n" + b"a,4\n" * 11, "file", "letterboxd")
    assert read_export(b"name,rating\na,\n", "file", "letterboxd").skipped == {"not rated": 1}


@pytest.mark.parametrize(
    ("data", "provider"),
    [
        (b"[" + b"{}," * 40_000 + b"{}]", "trakt"),
        (b"name,rating\n" + b"a,\n" * 40_000, "letterboxd"),
        (b"name,rating\n" + b"\n" * 250_000, "letterboxd"),
        (b"name,rating\n" + b"," * 200_000, "letterboxd"),
        (b"[" * 200_000, "trakt"),
        (b" " * (33 << 20), "imdb"),
    ],
    ids=["objects", "rows", "blank lines", "fields", "brackets", "bytes"],
)
def test_an_export_beyond_the_limits_is_refused_while_it_is_read(
    data: bytes, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A fifth of the limits: memory is traced slowly.
    monkeypatch.setattr(exports, "_MAX_ENTRIES", 20_000)
    monkeypatch.setattr(export_tables, "MAX_LINES", 200_000)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"at most|too deep"):
        read_export(data, "file", provider)
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([*EXPORT_FORMATS, None]))
def test_arbitrary_bytes_are_read_or_refused(data: bytes, provider: Provider | None) -> None:
    with suppress(DataError):
        export = read_export(data, "file", provider)
        assert all(0.5 <= rating.stars <= 5 for rating in export.ratings)
