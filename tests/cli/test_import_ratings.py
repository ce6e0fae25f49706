"""`foreseen import`."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Run

from foreseen.registry.versions import load_model


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A Letterboxd export with one movie, an unknown title and an invalid rating."""
    file = tmp_path / "ratings.csv"
    file.write_text(
        "Date,Name,Year,Letterboxd URI,Rating\n2015-03-07,Pulp Fiction,1994,x,4.5\n"
        "2015-03-08,Zorblax,2011,x,4\n2015-03-08,Alien,1979,x,9\n"
    )
    return file


def test_ratings_are_imported_into_a_model_once(
    folder: Path, run: Run, export: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "model", tmp_path / "model")
    words = ("import", export, "--from", "letterboxd", "--into", tmp_path / "model")
    for changed in (1, 0):
        result = run(*words, "--user", 900_001, "--json")
        assert result.exit_code == 0, result.stderr
        report = json.loads(result.stdout)
        assert report["changed"] == changed
        assert [entry["title"] for entry in report["missing"]] == ["Zorblax"]
        assert [entry["line"] for entry in report["unreadable"]] == [4]


def test_ratings_are_written_to_a_file(run: Run, export: Path, tmp_path: Path) -> None:
    out = tmp_path / "imported.csv"
    result = run("import", export, "--from", "letterboxd", "--out", out)
    assert "Zorblax" in result.stdout
    assert pl.read_csv(out).rows() == [(1_000_000_000, 296, 4.5, 1_425_686_400)]


def test_without_an_output_it_is_a_dry_run_that_says_so(run: Run, export: Path) -> None:
    result = run("import", export)
    assert result.exit_code == 0, result.stderr
    for text in ("Letterboxd, rated from 0.5 to 5", "nothing; --into DIR", "--out FILE"):
        assert text in result.stdout
    document = json.loads(run("import", export, "--json").stdout)
    assert (document["dryRun"], document["service"]) == (True, "letterboxd")
    assert document["scale"] == {"low": 0.5, "high": 5}
    assert not any(key in document for key in ("changed", "file"))


def test_an_export_of_which_nothing_matches_is_an_error_and_nothing_is_written(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text(
        "Const,Your Rating,Title,Title Type,Year\ntt0,8,Zorblax,Dizi,2011\n"
        "tt0903747,10,Breaking Bad,Fernsehserie,2008\n"
    )
    result = run("import", file, "--out", tmp_path / "out.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no rating matches a movie of the catalogue: 1 not among its 9,061" in result.stderr
    assert "1 skipped (Fernsehserie)" in result.stderr
    assert not (tmp_path / "out.csv").exists()


def test_titles_of_other_types_and_ambiguous_dates_are_reported(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text(
        "Const,Your Rating,Date Rated,Title,Original Title,Title Type,Year\n"
        "tt0,8,01/05/2021,Sieben,Se7en,Dizi,1995\n"
        "tt0903747,10,2021-05-01,Breaking Bad,Breaking Bad,Fernsehserie,2008\n"
        "tt0185906,9,2021-05-01,Wir waren wie Brüder,Band of Brothers,Miniserie,2001\n"
    )
    document = json.loads(run("import", file, "--json").stdout)
    assert [entry["title"] for entry in document["matched"]] == [
        *("Sieben", "Wir waren wie Brüder")
    ]
    assert document["skippedKinds"] == {"Fernsehserie": 1}
    assert document["unknownTypes"] == {"Dizi": 1, "Miniserie": 1}
    assert (document["ambiguousDates"], document["skipped"]) == (1, 1)
    table = run("import", file).stdout
    assert "1 (Fernsehserie 1)" in table
    assert "2 (Dizi 1, Miniserie 1)" in table


def test_a_table_of_no_service_is_imported_by_its_columns(run: Run, tmp_path: Path) -> None:
    file, out = tmp_path / "mine.csv", tmp_path / "out.csv"
    file.write_text("what;points\nPulp Fiction (1994);90\nAlien (1979);40\n")
    words = ("import", file, "--columns", "title=what", "--out", out)
    result = run(*words)
    assert "a table of ratings, rated from 0 to 100" in result.stdout
    assert sorted(pl.read_csv(out)["rating"].to_list()) == [2.5, 4.5]
    run(*words, "--scale", "10:90")
    assert sorted(pl.read_csv(out)["rating"].to_list()) == [2.0, 5.0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--columns", "stars=x"), "as in title=name,rating=score"),
        (("--scale", "9"), "LOW:HIGH"),
        (("--columns", "title=x"), "no column 'x'; this has date, name"),
        (("--from", "imdb", "--scale", "1:10"), "only for tables of ratings (csv)"),
        (("--from", "simkl"), "it looks like an export of Letterboxd (letterboxd)"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    run: Run, export: Path, words: tuple[str, ...], message: str
) -> None:
    result = run("import", export, *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_model_of_other_data_gets_ratings_with_its_ids_and_on_its_scale(
    run: Run, tmp_path: Path
) -> None:
    data, model, file = tmp_path / "data", tmp_path / "model", tmp_path / "mine.csv"
    data.mkdir()
    films = [f"tt{n},Film number {n} ({1980 + n}),Drama" for n in range(12)]
    (data / "movies.csv").write_text("\n".join(["movieId,title,genres", *films]) + "\n")
    rows = [f"user{u},tt{m},{1 + (u * m) % 10},{10**9 + u}" for u in range(9) for m in range(12)]
    (data / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows]) + "\n")
    assert run("train", data, "--model", "bias", "--out", model).exit_code == 0
    file.write_text("Title,Year,Score\nFilm number 3,1983,85\nFilm number 4,1984,40\n")
    out = tmp_path / "out.csv"
    words = ("import", file, "--into", model, "--user", "ann", "--out", out, "--json")
    for changed in (2, 0):
        document = json.loads(run(*words).stdout)
        assert (document["changed"], document["userId"]) == (changed, "ann")
    rows = pl.read_csv(out).select("userId", "movieId", "rating").sort("movieId").rows()
    assert rows == [("ann", "tt3", 9.0), ("ann", "tt4", 5.0)]


def test_ratings_without_a_date_are_taken_as_the_latest_of_the_model(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    model = shutil.copytree(folder / "model", tmp_path / "model")
    file = tmp_path / "mine.csv"
    file.write_text("title,year,rating\nPulp Fiction,1994,4.5\nAlien,1979,3\n")
    end = load_model(model).log.end
    result = run("import", file, "--into", model, "--user", 900_001)
    assert result.exit_code == 0, result.stderr
    assert "without a date, taken as the latest" in result.stdout
    history = load_model(model).history(900_001)
    assert history.timestamps.tolist() == [end, end]


def test_films_without_a_rating_are_reported_and_a_file_of_only_those_is_not_written(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "watchlist.csv"
    file.write_text("Date,Name,Year,Letterboxd URI\n2015-03-07,Pulp Fiction,1994,x\n1,Hamlet,,x\n")
    document = json.loads(run("import", file, "--json").stdout)
    saved = document["lists"]["watchlist"]["matched"]
    assert [(entry["line"], entry["candidates"][0]["movieId"]) for entry in saved] == [(2, 296)]
    assert document["lists"]["seen"] == {"matched": [], "ambiguous": [], "missing": []}
    assert (document["matched"], len(document["unreadable"])) == ([], 1)
    shown = run("import", file).stdout
    assert "saved to be watched" in shown
    assert "1 (ambiguous 0, missing 0)" in shown
    for option in ("--out", "--into"):
        result = run("import", file, option, tmp_path / "out.csv", "--movies", "ml-latest-small")
        assert result.exit_code == 2
    result = run("import", file, "--out", tmp_path / "out.csv")
    assert "has no ratings, only films that are seen or saved" in result.stderr
    assert not (tmp_path / "out.csv").exists()
