"""`foreseen import`."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Run


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
