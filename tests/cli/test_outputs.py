"""Output files: formats, standard output, and faults that are noticed before the work."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Run

from foreseen.cli.outputs import check_file, check_folder
from foreseen.errors import InputError
from foreseen.ranking import recommend as ranking

COLUMNS = [
    "userId", "rank", "movieId", "title", "year", "genres", "prediction", "low", "high", "likely",
    "why",
]  # fmt: skip
on_unix = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix")


@contextmanager
def without_rights() -> Generator[None]:
    """Act as a user without the rights of root."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


def test_rankings_are_written_in_the_format_of_the_extension(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    words = ("recommend", folder / "model", "--user", 1, "--user", 777, "--k", 3)
    printed = json.loads(run(*words, "--json").stdout)
    for extension in ("csv", "parquet", "json"):
        out = tmp_path / f"rankings.{extension}"
        result = run(*words, "--out", out, "--json")
        assert json.loads(result.stdout) == {"users": 2, "file": str(out)}
    assert json.loads((tmp_path / "rankings.json").read_text("utf-8")) == printed
    table = pl.read_parquet(tmp_path / "rankings.parquet")
    rows = pl.read_csv(tmp_path / "rankings.csv")
    assert table.columns == rows.columns == COLUMNS
    assert table["userId"].to_list() == [1, 1, 1, 777, 777, 777]
    assert table["rank"].to_list() == [1, 2, 3, 1, 2, 3]
    expected = [movie for entry in printed for movie in entry["recommendations"]]
    assert table["movieId"].to_list() == [movie["movieId"] for movie in expected]
    assert table["genres"].to_list() == [movie["genres"] for movie in expected]
    assert rows["genres"].to_list() == ["|".join(movie["genres"]) for movie in expected]
    assert rows["prediction"].to_list() == pytest.approx(table["prediction"].to_list(), abs=1e-6)


def test_rankings_of_all_users_have_an_object_per_user_in_json(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "all.json"
    assert run("recommend", folder / "model", "--all", "--k", 2, "--out", out).exit_code == 0
    document = json.loads(out.read_text("utf-8"))
    (printed,) = json.loads(
        run("recommend", folder / "model", "--user", 7, "--k", 2, "--json").stdout
    )
    (written,) = (entry for entry in document if entry["userId"] == 7)
    assert written.keys() == printed.keys()
    movies = [[movie["movieId"] for movie in one["recommendations"]] for one in (written, printed)]
    assert movies[0] == movies[1]


def test_a_title_that_is_a_formula_is_escaped_in_csv_only(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    shutil.copytree(folder / "data", tmp_path / "data")
    movies = pl.read_csv(folder / "data" / "movies.csv")
    movies.with_columns(
        pl.format('=HYPERLINK("http://x.test") {}', "title").alias("title")
    ).write_csv(tmp_path / "data" / "movies.csv")
    model = tmp_path / "model"
    assert run("train", tmp_path / "data", "--model", "bias", "--out", model).exit_code == 0
    titles: dict[str, str] = {}
    for extension, read in (("csv", pl.read_csv), ("parquet", pl.read_parquet)):
        out = tmp_path / f"rankings.{extension}"
        run("recommend", model, "--user", 1, "--k", 1, "--out", out)
        titles[extension] = read(out)["title"].item()
    assert titles["csv"] == "'" + titles["parquet"]
    assert titles["parquet"].startswith("=HYPERLINK(")


def test_predictions_and_imports_are_written_in_the_format_of_the_extension(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "pairs.csv").write_text("userId,movieId\n1,31\n1,1029\n")
    words = ("predict", folder / "model", "--pairs", tmp_path / "pairs.csv")
    for extension in ("csv", "parquet", "json"):
        run(*words, "--out", tmp_path / f"out.{extension}")
    table = pl.read_parquet(tmp_path / "out.parquet")
    assert json.loads((tmp_path / "out.json").read_text()) == table.to_dicts()
    assert pl.read_csv(tmp_path / "out.csv").columns == table.columns
    export = tmp_path / "export.csv"
    export.write_text("Date,Name,Year,Letterboxd URI,Rating\n2015-03-07,Pulp Fiction,1994,x,4.5\n")
    out = tmp_path / "imported.parquet"
    run("import", export, "--from", "letterboxd", "--out", out)
    assert pl.read_parquet(out).rows() == [(1_000_000_000, 296, 4.5, 1_425_686_400)]


@pytest.mark.parametrize("out", ["-", "/dev/stdout"])
def test_standard_output_gets_the_rows_and_nothing_else(
    folder: Path, run: Run, tmp_path: Path, out: str
) -> None:
    (tmp_path / "pairs.csv").write_text("userId,movieId\n1,31\n")
    words = ("predict", folder / "model", "--pairs", tmp_path / "pairs.csv", "--out")
    run(*words, tmp_path / "file.csv")
    result = run(*words, out)
    assert result.stdout == (tmp_path / "file.csv").read_text()
    assert result.stderr == ""
    (row,) = json.loads(run(*words, out, "--json").stdout)
    assert row["movieId"] == 31
    ranked = run("recommend", folder / "model", "--user", 1, "--k", 2, "--out", out)
    assert ranked.stdout.splitlines()[0] == ",".join(COLUMNS)
    assert len(ranked.stdout.splitlines()) == 3


@on_unix
def test_links_fifos_and_devices_are_written_through(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "pairs.csv").write_text("userId,movieId\n1,31\n")
    words = ("predict", folder / "model", "--pairs", tmp_path / "pairs.csv", "--out")
    link, fifo = tmp_path / "link.csv", tmp_path / "fifo"
    link.symlink_to(tmp_path / "target.csv")
    os.mkfifo(fifo)
    assert run(*words, link).exit_code == 0
    assert link.is_symlink()
    expected = (tmp_path / "target.csv").read_text()
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(fifo.read_text)
        assert run(*words, fifo).exit_code == 0
        assert received.result() == expected
    assert fifo.is_fifo()
    assert run(*words, "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("out", ["{here}", "{here}/pairs.csv/x.csv", "{here}/x.txt", "{here}/x"])
def test_an_output_that_cannot_be_written_is_noticed_before_the_work(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    def work(*_: object) -> None:
        raise AssertionError("the work has begun")

    (tmp_path / "pairs.csv").write_text("userId,movieId\n1,31\n")
    monkeypatch.setattr(ranking, "recommend", work)
    monkeypatch.setattr(ranking, "recommend_all", work)
    monkeypatch.setattr("foreseen.models.base.Model.predict", work)
    path = out.format(here=tmp_path)
    model = folder / "model"
    for words in (
        ("recommend", model, "--all", "--out", path),
        ("recommend", model, "--user", 1, "--out", path),
        ("predict", model, "--pairs", tmp_path / "pairs.csv", "--out", path),
    ):
        result = run(*words)
        assert result.exit_code == 2
        assert str(tmp_path) in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["pairs.csv"]


def test_a_folder_of_something_else_is_noticed_before_the_training(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr("foreseen.data.canonical.load_data", work)
    (tmp_path / "notes.txt").write_text("kept")
    result = run("train", folder / "data", "--model", "bias", "--out", tmp_path)
    assert result.exit_code == 2
    assert "holds no model; name a new or an empty folder" in result.stderr


@on_unix
def test_a_folder_without_write_permission_is_an_error_of_the_machine() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o555)
        with without_rights():
            for check, path in ((check_file, root / "x.csv"), (check_folder, root / "a" / "b")):
                with pytest.raises(PermissionError) as raised:
                    check(path)
                assert raised.value.filename == name
        root.chmod(0o755)


def test_a_missing_folder_is_not_made_by_the_check(tmp_path: Path) -> None:
    check_file(tmp_path / "a" / "b" / "x.csv", (".csv",))
    check_folder(tmp_path / "c" / "d")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match=r"should end in \.html, \.htm\. Received: .*x\.csv"):
        check_file(tmp_path / "x.csv", (".html", ".htm"))
