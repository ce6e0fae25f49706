"""`foreseen data`."""

import csv
import json
from pathlib import Path

from tests.cli.conftest import Run


def test_data_is_converted_and_described(folder: Path, run: Run, tmp_path: Path) -> None:
    result = run("data", "get", folder / "data", "--out", tmp_path / "canonical", "--json")
    assert result.exit_code == 0, result.stderr
    manifest = json.loads((tmp_path / "canonical" / "manifest.json").read_text())
    assert manifest.items() >= json.loads(result.stdout).items()
    page = tmp_path / "page.html"
    result = run("data", "describe", tmp_path / "canonical", "--out", page, "--json")
    assert json.loads(result.stdout)["ratings"] == manifest["ratings"]
    text = page.read_text()
    assert text.count("<figure class") == 6
    assert "default-src 'none'" in text


def test_data_sets_are_listed(run: Run) -> None:
    listed = json.loads(run("data", "list", "--json").stdout)
    assert listed[0] == {"name": "ml-latest-small", "from": "built in", "here": True}
    assert {"ml-100k", "ml-32m"} <= {row["name"] for row in listed}
    assert "ml-32m" in run("data", "list").stdout


def test_listed_bad_rows_are_no_formulas_for_a_spreadsheet(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    ratings = (folder / "data" / "ratings.csv").read_text("utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ratings.csv").write_text(ratings + "=1+1,1,x,1000000000\n", "utf-8")
    words = ("data", "get", tmp_path / "data", "--out", tmp_path / "out")
    result = run(*words, "--skip-bad-rows", tmp_path / "bad.csv")
    assert result.exit_code == 0, result.stderr
    with (tmp_path / "bad.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["text"] == "'=1+1,1,x,1000000000"


def test_several_bad_rows_are_reported_in_one_line(run: Run, tmp_path: Path) -> None:
    rows = "userId,movieId,rating,timestamp\n" + "1,x,5,1\n" * 3
    (tmp_path / "ratings.csv").write_text(rows)
    result = run("data", "get", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "line 2" in result.stderr
    assert "line 4" in result.stderr
