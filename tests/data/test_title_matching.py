"""Matching of the entries of personal exports to a catalogue."""

import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.data.sources.personal import PersonalExport, PersonalRating
from foreseen.data.title_matching import TitleIndex, match_export, parse_choices
from foreseen.errors import InputError


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
def test_known_differences_between_titles_are_tolerated(
    index: TitleIndex, title: str, year: int, expected: str
) -> None:
    assert found(index, title, year) == [expected]


def test_an_id_takes_precedence_over_the_title(index: TitleIndex) -> None:
    wrong = PersonalRating(1, "Something else", 1950, 4.0, movie=318)
    assert [entry.movie for entry in index.find(wrong)] == [318]


def test_every_movie_of_the_catalogue_matches_itself(index: TitleIndex) -> None:
    unmatched = [m for m in index.movies.values()
            if m not in index.find(PersonalRating(1, m.title, m.year, 4.0))]  # fmt: skip
    assert unmatched == []


def test_an_entry_without_a_year_is_ambiguous_until_chosen(index: TitleIndex) -> None:
    export = PersonalExport((PersonalRating(7, "Hamlet", None, 4.0),))
    report = match_export(export, index)
    assert len(report.ambiguous[0].candidates) > 1
    chosen = report.ambiguous[0].candidates[1].movie
    resolved = match_export(export, index, {7: chosen})
    assert [match.candidates[0].movie for match in resolved.matched] == [chosen]


def test_unknown_movies_are_missing_and_repeated_ones_counted(
    index: TitleIndex,
) -> None:
    rows = (
        PersonalRating(1, "Zorblax the Unmade", 2011, 1.0),
        PersonalRating(2, "Alien", 1979, 3.0, timestamp=10),
        PersonalRating(3, "Alien", 1979, 4.5, timestamp=20),
    )
    report = match_export(PersonalExport(rows), index)
    assert [match.rating.line for match in report.missing] == [1]
    assert [match.rating.stars for match in report.matched] == [4.5]
    assert report.repeated == 1


def test_every_row_of_a_large_export_is_accounted_for(index: TitleIndex, real: Tables) -> None:
    titles = real.movies.filter(pl.col("title").is_not_null()).head(5000)
    rows = [
        PersonalRating(n, row["title"], row["year"], 4.0)
        for n, row in enumerate(titles.iter_rows(named=True))
    ]
    report = match_export(PersonalExport(tuple(rows)), index)
    assert len(report.matched) + report.repeated + len(report.ambiguous) == 5000


def test_a_malformed_choice_is_refused() -> None:
    assert parse_choices(["12:318"]) == {12: 318}
    with pytest.raises(InputError, match=r"LINE:MOVIE.*Received: '12'"):
        parse_choices(["12"])
