"""Personal exports in the services' real layouts."""

import io
import json
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.errors import DataError
from foreseen.data.sources.exports import read_export

LETTERBOXD = (
    "Date,Name,Year,Letterboxd URI,Rating\r\n"
    "2021-03-07,The Matrix,1999,https://boxd.it/2a1m,4.5\r\n"
    '2021-03-08,"Good, the Bad and the Ugly",1966,https://boxd.it/2apM,5\r\n'
)
IMDB = (
    "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),"
    "Year,Genres,Num Votes,Release Date,Directors\n"
    "tt0133093,9,2020-05-01,The Matrix,The Matrix,https://www.imdb.com/title/tt0133093,Movie,8.7,"
    '136,1999,"Action, Sci-Fi",2000000,1999-03-31,"Lana Wachowski, Lilly Wachowski"\n'
    "tt0944947,10,2020-05-02,Game of Thrones,Game of Thrones,https://www.imdb.com/title/tt0944947,"
    "TV Series,9.2,60,2011,Drama,2000000,2011-04-17,\n"
)
OLD_IMDB = (
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


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, text in files.items():
            bundle.writestr(name, text)
    return buffer.getvalue()


def test_letterboxds_zip_is_read_and_its_look_alikes_are_not() -> None:
    deleted = LETTERBOXD.replace("The Matrix", "Regret")
    data = zipped(**{"deleted/ratings.csv": deleted, "ratings.csv": LETTERBOXD, "diary.csv": "x"})
    export = read_export(data, "letterboxd.zip", "letterboxd")
    assert [(r.title, r.year, r.stars) for r in export.ratings] == [
        ("The Matrix", 1999, 4.5),
        ("Good, the Bad and the Ugly", 1966, 5.0),
    ]
    assert export.ratings[0].at == 1_615_075_200
    assert read_export(LETTERBOXD.encode(), "ratings.csv", "letterboxd") == export


def test_imdbs_points_are_halved_and_series_left_aside() -> None:
    export = read_export(IMDB.encode(), "ratings.csv", "imdb")
    assert [(r.imdb, r.stars, r.year) for r in export.ratings] == [("133093", 4.5, 1999)]
    assert export.skipped == 1


def test_imdbs_layout_of_before_2017_in_latin_1_is_read() -> None:
    export = read_export(OLD_IMDB.encode("latin-1"), "ratings.csv", "imdb")
    assert [(r.title, r.stars, r.at) for r in export.ratings] == [("Amélie", 4.0, 1_488_585_600)]


def test_trakts_pages_are_read_in_the_order_of_their_numbers() -> None:
    pages = {f"ratings-movies-{n}.json": json.dumps(TRAKT) for n in (10, 2)}
    export = read_export(zipped(**pages), "trakt.zip", "trakt")
    assert [(r.title, r.imdb, r.tmdb, r.stars) for r in export.ratings] == [
        ("Pulp Fiction", "110912", "680", 4.0)
    ] * 2
    assert export.skipped == 2


def test_movielens_export_has_the_ids_of_the_data_sets_and_ones_own_rating() -> None:
    export = read_export(MOVIELENS.encode(), "movielens-ratings.csv", "movielens")
    assert [(r.movie, r.imdb, r.stars, r.title) for r in export.ratings] == [
        (50, "114814", 4.0, "The Usual Suspects")
    ]


def test_a_bad_entry_is_told_with_its_line_and_the_others_are_read() -> None:
    text = LETTERBOXD + "2021-13-45,Alien,1979,x,4\r\n2021-03-09,Alien,1979,x,7\r\n"
    export = read_export(text.encode(), "ratings.csv", "letterboxd")
    assert len(export.ratings) == 2
    assert [(entry.line, entry.reason) for entry in export.unreadable] == [
        (4, "'2021-13-45' is no date such as 2020-01-31"),
        (5, "the rating 7 is not between 0.5 and 5"),
    ]


@pytest.mark.parametrize(
    ("data", "service", "message"),
    [
        (b"a,b\n1,2\n", "letterboxd", "Letterboxd's ratings.csv has the columns name, rating"),
        (b"{}", "trakt", "should hold a list"),
        (b"[{]", "trakt", "no sound JSON"),
        (b"PK\x03\x04torn", "imdb", "no whole zip"),
        (zipped(other="x"), "imdb", "holds no ratings.csv"),
    ],
)
def test_a_file_of_another_layout_is_refused_with_what_was_expected(
    data: bytes, service: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_export(data, "file", service)  # pyright: ignore[reportArgumentType]


@given(st.binary(max_size=200), st.sampled_from(["letterboxd", "imdb", "trakt", "movielens"]))
def test_any_bytes_are_an_export_or_clearly_refused(data: bytes, service: str) -> None:
    with suppress(DataError):
        export = read_export(data, "file", service)  # pyright: ignore[reportArgumentType]
        assert all(0.5 <= rating.stars <= 5 for rating in export.ratings)
