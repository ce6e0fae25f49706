"""Tables that no known service wrote."""

import pytest

from foreseen.data.rating_scale import RatingScale
from foreseen.data.sources.export_columns import parse_columns
from foreseen.data.sources.exports import ReadOptions, read_export
from foreseen.data.sources.personal import PersonalExport
from foreseen.errors import DataError, InputError


def read(text: str, columns: str = "", scale: str = "") -> PersonalExport:
    options = ReadOptions(
        parse_columns(columns) if columns else {}, RatingScale.parse(scale) if scale else None
    )
    return read_export(text.encode(), "mine.csv", None, options)


@pytest.mark.parametrize(
    "header",
    [
        "title,year,rating,date",
        "Name;Release Year;My Rating;Date Watched",
        "movie\trelease_year\tscore\twatched_at",
        "Titel;Jahr;Bewertung;Datum",
        "Título,Año,Puntuación,Fecha",
    ],
)
def test_columns_are_found_by_common_names(header: str) -> None:
    separator = next(mark for mark in ";\t," if mark in header)
    row = separator.join(("Heat", "1995", "4.5", "2024-05-04"))
    export = read(f"{header}\n{row}\n")
    assert [(r.title, r.year, r.stars, r.timestamp) for r in export.ratings] == [
        ("Heat", 1995, 4.5, 1_714_780_800)
    ]


def test_named_columns_come_before_those_found() -> None:
    text = "Title,Rating,Mine,Jahr der Premiere\nHeat,8.3,4,1995\n"
    export = read(text, "title=title,rating=Mine,year=jahr der premiere")
    assert [(r.title, r.year, r.stars) for r in export.ratings] == [("Heat", 1995, 4.0)]


def test_the_year_may_be_in_the_title_or_a_date() -> None:
    text = "title,released,rating\nHeat (1995),,4\nAlien,1979-05-25,4\nJaws,1975.0,4\n"
    export = read(text)
    assert [(r.title, r.year) for r in export.ratings] == [
        ("Heat", 1995),
        ("Alien", 1979),
        ("Jaws", 1975),
    ]


def test_a_film_may_be_given_by_its_id_alone() -> None:
    assert read("tconst,score\ntt0113277,4\n").ratings[0].imdb == "113277"


@pytest.mark.parametrize(
    ("ratings", "scale", "stars"),
    [
        (("0.5", "5"), "0.5 to 5", [0.5, 5.0]),
        (("0", "5"), "0 to 5", [0.5, 5.0]),
        (("1", "9"), "1 to 10", [0.5, 4.5]),
        (("0", "10"), "0 to 10", [0.5, 5.0]),
        (("8,5", "7"), "1 to 10", [4.0, 3.5]),
        (("100", "55"), "0 to 100", [5.0, 3.0]),
        (("5", "n/a"), "0.5 to 5", [5.0]),
    ],
)
def test_the_scale_is_the_smallest_usual_one(
    ratings: tuple[str, str], scale: str, stars: list[float]
) -> None:
    rows = "".join(f"F{n};{rating}\n" for n, rating in enumerate(ratings))
    export = read(f"title;rating\n{rows}")
    assert str(export.scale) == scale
    assert [rating.stars for rating in export.ratings] == stars


def test_the_scale_can_be_given() -> None:
    export = read("title,rating\nHeat,4\nAlien,12\n", scale="1:10")
    assert [rating.stars for rating in export.ratings] == [2.0]
    assert [entry.reason for entry in export.unreadable] == [
        "rating should be between 1 and 10. Received: 12"
    ]


def test_ratings_on_no_usual_scale_are_refused() -> None:
    with pytest.raises(DataError, match=r"from 4 to 4000, are on no usual scale; give .*--scale"):
        read("title,rating\nHeat,4000\nAlien,4\n")


@pytest.mark.parametrize("columns", ["", "title", "title=", "star=a", "title=a,title=b"])
def test_malformed_columns_are_refused(columns: str) -> None:
    with pytest.raises(InputError, match="as in title=name,rating=score"):
        parse_columns(columns)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"mine.csv, line 1: no column 'stars'; this has a, b"):
        read("a,b\n1,2\n", "title=a,rating=stars")
    with pytest.raises(DataError, match=r"titles and ratings are needed; name them with --columns"):
        read_export(b"a,b\n1,2\n", "mine.csv", "csv")


def test_options_are_only_for_tables_of_no_service() -> None:
    with pytest.raises(InputError, match=r"only for tables of ratings \(csv\)"):
        read_export(b"", "x", "imdb", ReadOptions({"title": "x"}))
