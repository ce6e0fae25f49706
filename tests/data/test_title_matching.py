"""Matching of the entries of personal exports to a catalogue."""

import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.data.encoding import FIRST_CODE, IdCodes
from foreseen.data.sources.personal import PersonalExport, PersonalRating, UnreadableEntry
from foreseen.data.title_matching import TitleIndex, match_export, parse_choices
from foreseen.errors import DataError, InputError


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
    assert [match.film.line for match in report.missing] == [1]
    assert [match.film.stars for match in report.matched] == [4.5]
    assert report.repeated == 1


def test_every_row_of_a_large_export_is_accounted_for(index: TitleIndex, real: Tables) -> None:
    titles = real.movies.filter(pl.col("title").is_not_null()).head(5000)
    rows = [
        PersonalRating(n, row["title"], row["year"], 4.0)
        for n, row in enumerate(titles.iter_rows(named=True))
    ]
    report = match_export(PersonalExport(tuple(rows)), index)
    assert len(report.matched) + report.repeated + len(report.ambiguous) == 5000


def series(line: int, title: str, year: int, imdb: str) -> PersonalRating:
    return PersonalRating(line, title, year, 4.0, imdb=imdb, kind="TV Series", only_by_id=True)


def test_a_series_is_matched_by_its_imdb_id_and_else_counted_by_type(real: Tables) -> None:
    links = pl.DataFrame({"movieId": [608], "imdbId": ["0116282"], "tmdbId": ["275"]})
    index = TitleIndex.of(real.movies, links)
    rows = (series(1, "Fargo", 1996, "2802850"), series(2, "Fargo", 1996, "116282"))
    report = match_export(PersonalExport(rows, skipped={"Podcast": 2}), index)
    assert [match.film.line for match in report.matched] == [2]
    assert (report.skipped, report.missing) == ({"Podcast": 2, "TV Series": 1}, ())
    assert report.as_json()["skipped"] == 3


def test_an_unknown_type_is_matched_by_title_and_counted(index: TitleIndex) -> None:
    rows = (
        PersonalRating(1, "Alien", 1979, 4.0, kind="Dizi"),
        PersonalRating(2, "Zorblax", 1979, 4.0, kind="Dizi"),
    )
    report = match_export(PersonalExport(rows), index)
    assert (len(report.matched), len(report.missing)) == (1, 1)
    assert report.as_json()["unknownTypes"] == {"Dizi": 2}


def test_either_title_matches_and_both_together_decide(index: TitleIndex) -> None:
    def find(title: str, original: str, year: int | None) -> list[str]:
        rating = PersonalRating(1, title, year, 4.0, original_title=original)
        return [str(entry) for entry in index.find(rating)]

    assert find("Die Verurteilten", "The Shawshank Redemption", 1994) == [
        "Shawshank Redemption, The (1994)"
    ]
    assert find("The Shawshank Redemption", "Xyz", 1994) == ["Shawshank Redemption, The (1994)"]
    assert len(find("Hamlet", "Hamlet", None)) > 1
    assert find("Alien", "Fargo", None) == ["Alien (1979)", "Fargo (1996)"]


def test_an_export_of_which_nothing_matches_is_refused_with_the_reasons(index: TitleIndex) -> None:
    rows = (PersonalRating(2, "Zorblax", 2011, 1.0), series(3, "Dark", 2017, "5753856"))
    unreadable = (UnreadableEntry(4, "x", "rating should be a number. Received: 'x'"),)
    report = match_export(PersonalExport(rows, unreadable, {"not rated": 7}), index)
    with pytest.raises(DataError) as refused:
        report.check_matched("f", 9742, has_links=False)
    for reason in (
        "f: no rating matches a movie of the catalogue: 1 not among its 9,742 movies (line 2: ",
        "'Zorblax' (2011)), 1 not valid (line 4: rating should be a number. Received: 'x'), ",
        "7 skipped (not rated), 1 skipped (TV Series); check that the file",
    ):
        assert reason in str(refused.value)


def test_without_links_the_reason_is_that_ids_were_not_compared(index: TitleIndex) -> None:
    rating = PersonalRating(2, "Calor", 1995, 4.0, imdb="113277")
    report = match_export(PersonalExport((rating,)), index)
    with pytest.raises(DataError, match=r"; its data have no links.csv, so that only titles"):
        report.check_matched("f", 9742, has_links=index.has_links)
    with pytest.raises(DataError, match="; check that the file has ratings of movies"):
        report.check_matched("f", 9742, has_links=True)


def test_an_empty_export_and_one_with_an_ambiguous_title_are_not_refused(index: TitleIndex) -> None:
    for rows in ((), (PersonalRating(7, "Hamlet", None, 4.0),)):
        match_export(PersonalExport(rows), index).check_matched("f", 9742, has_links=True)


def test_movies_are_reported_and_chosen_by_the_ids_of_the_data() -> None:
    ids = pl.Series(["tt1", "tt2"])
    codes = IdCodes(FIRST_CODE).extended([ids])
    movies = pl.DataFrame(
        {"movieId": codes.encode(ids), "title": ["Hamlet"] * 2, "year": [1990, 1996]}
    )
    index = TitleIndex.of(movies, None, codes)
    export = PersonalExport((PersonalRating(7, "Hamlet", None, 4.0),))
    candidates = match_export(export, index).as_json()["ambiguous"][0]["candidates"]
    assert {entry["movieId"] for entry in candidates} == {"tt1", "tt2"}
    chosen = match_export(export, index, parse_choices(["7:tt2"]))
    assert [match.candidates[0].movie for match in chosen.matched] == [codes.code("tt2")]


def test_a_choice_of_no_entry_or_no_candidate_is_refused(index: TitleIndex) -> None:
    export = PersonalExport((PersonalRating(7, "Hamlet", None, 4.0),))
    with pytest.raises(InputError, match="chosen for line 3, which has no rating"):
        match_export(export, index, {3: 318})
    with pytest.raises(InputError, match=r"for line 7 should be one of 7:\d+, .*Received: 318"):
        match_export(export, index, {7: 318})


def test_a_malformed_choice_is_refused() -> None:
    assert parse_choices(["12:318", "3:tt0012", "4:007"]) == {12: 318, 3: "tt0012", 4: "007"}
    with pytest.raises(InputError, match=r"LINE:MOVIE.*Received: '12'"):
        parse_choices(["12"])
