"""Titles of other services find their movies in the catalogue."""

import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.errors import InputError
from foreseen.data.title_matching import TitleIndex, match_export, parse_choices
from foreseen.data.sources.personal import PersonalExport, PersonalRating


@pytest.fixture(scope="module")
def index(real: Tables) -> TitleIndex:
    return TitleIndex.of(real.movies, real.links)


def found(index: TitleIndex, title: str, year: int | None) -> list[str]:
    return [str(entry) for entry in index.find(PersonalRating(1, title, year, 4.0))]


@pytest.mark.parametrize(
    ("title", "year", "expected"),
    [
        ("The Matrix", 1999, "Matrix, The (1999)"),
        ("Se7en", 1995, "Seven (a.k.a. Se7en) (1995)"),
        ("Star Wars", 1977, "Star Wars: Episode IV - A New Hope (1977)"),
        ("Amélie", 2001, "Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)"),
        ("Le fabuleux destin d'Amélie Poulain", 2001,
         "Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)"),
        ("City of God", 2003, "City of God (Cidade de Deus) (2002)"),
        ("Die Hard", 1988, "Die Hard (1988)"),
        ("WALL·E", 2008, "WALL·E (2008)"),
        ("The Good, the Bad and the Ugly", 1966,
         "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)"),
        ("Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", 1964,
         "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb (1964)"),
    ],
)  # fmt: skip
def test_known_differences_between_titles_are_bridged(
    index: TitleIndex, title: str, year: int, expected: str
) -> None:
    assert found(index, title, year) == [expected]


def test_an_id_decides_before_any_title(index: TitleIndex) -> None:
    wrong = PersonalRating(1, "Something else", 1950, 4.0, movie=318)
    assert [entry.movie for entry in index.find(wrong)] == [318]


def test_every_movie_of_the_catalogue_finds_itself(index: TitleIndex) -> None:
    lost = [m for m in index.movies.values()
            if m not in index.find(PersonalRating(1, m.title, m.year, 4.0))]  # fmt: skip
    assert lost == []


def test_without_a_year_all_of_the_name_are_offered_and_a_choice_decides(index: TitleIndex) -> None:
    export = PersonalExport((PersonalRating(7, "Hamlet", None, 4.0),))
    report = match_export(export, index)
    assert len(report.ambiguous[0].candidates) > 1
    meant = report.ambiguous[0].candidates[1].movie
    chosen = match_export(export, index, {7: meant})
    assert [match.candidates[0].movie for match in chosen.matched] == [meant]


def test_what_is_not_there_is_missing_and_what_is_there_twice_counts_once(
    index: TitleIndex,
) -> None:
    rows = (
        PersonalRating(1, "Zorblax the Unmade", 2011, 1.0),
        PersonalRating(2, "Alien", 1979, 3.0, at=10),
        PersonalRating(3, "Alien", 1979, 4.5, at=20),
    )
    report = match_export(PersonalExport(rows), index)
    assert [match.rating.line for match in report.missing] == [1]
    assert [match.rating.stars for match in report.matched] == [4.5]
    assert report.repeated == 1


def test_five_thousand_rows_are_matched(index: TitleIndex, real: Tables) -> None:
    titles = real.movies.filter(pl.col("title").is_not_null()).head(5000)
    rows = [
        PersonalRating(n, row["title"], row["year"], 4.0)
        for n, row in enumerate(titles.iter_rows(named=True))
    ]
    report = match_export(PersonalExport(tuple(rows)), index)
    assert len(report.matched) + report.repeated + len(report.ambiguous) == 5000


def test_a_choice_that_is_none_is_refused() -> None:
    assert parse_choices(["12:318"]) == {12: 318}
    with pytest.raises(InputError, match="LINE:MOVIE"):
        parse_choices(["12"])
