"""The command line as a person meets it: real processes, real exit codes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.data.schema import GENRES


def run(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from foreseen.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module")
def folder(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GroupLens's CSV layout, and a model trained on it by the command line."""
    root = tmp_path_factory.mktemp("cli")
    (root / "data").mkdir()
    small.ratings.write_csv(root / "data" / "ratings.csv")
    small.movies.with_columns(
        pl.format("{} ({})", "title", "year").fill_null("untitled").alias("title"),
        pl.col(GENRES).list.join("|"),
    ).drop("year").write_csv(root / "data" / "movies.csv")
    done = run("train", root / "data", "--model", "hybrid", "--out", root / "model", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ratings"] == small.ratings.height
    assert done.stderr == ""
    return root


def test_rankings_are_json_and_table(folder: Path) -> None:
    done = run("recommend", folder / "model", "--user", 1, "--user", 7777777, "--k", 3, "--json")
    document = json.loads(done.stdout)
    assert [(entry["userId"], entry["known"]) for entry in document] == [
        (1, True),
        (7777777, False),
    ]
    assert all(len(entry["recommendations"]) == 3 for entry in document)
    table = run("recommend", folder / "model", "--user", 7777777, "--k", 3).stdout
    assert "not known" in table
    assert document[1]["recommendations"][0]["title"].split()[0] in table


def test_predictions_keep_the_order_and_answer_every_pair(folder: Path) -> None:
    pairs = folder / "pairs.csv"
    pairs.write_text("userId,movieId,timestamp\n9,318,900000000\n1,1,900000000\n5,99999999,5\n")
    done = run("predict", folder / "model", "--pairs", pairs, "--out", folder / "answers.csv")
    assert done.returncode == 0, done.stderr
    answers = pl.read_csv(folder / "answers.csv")
    assert answers.columns == ["userId", "movieId", "timestamp", "prediction", "low", "high"]
    assert answers["movieId"].to_list() == [318, 1, 99999999]
    assert answers["prediction"].is_between(0.5, 5).all()


def test_observed_ratings_are_kept_and_count(folder: Path) -> None:
    new = folder / "new.csv"
    rows = "".join(f"880088,{movie},0.5,{1_500_000_000 + movie}\n" for movie in (1, 2, 3, 6, 10))
    new.write_text("userId,movieId,rating,timestamp\n" + rows)
    pairs = folder / "one.csv"
    pairs.write_text("userId,movieId\n880088,318\n")
    values: list[float] = []
    for step in range(2):
        if step:
            done = run("observe", folder / "model", "--ratings", new, "--json")
            assert json.loads(done.stdout)["new_users"] == 1
        run("predict", folder / "model", "--pairs", pairs, "--out", folder / "one-out.csv")
        values.append(pl.read_csv(folder / "one-out.csv")["prediction"].item())
    assert values[1] < values[0] - 0.3
    shown = json.loads(run("recommend", folder / "model", "--user", 880088, "--json").stdout)
    assert shown[0]["known"]


def test_all_users_go_to_a_file(folder: Path) -> None:
    out = folder / "all.parquet"
    done = run("recommend", folder / "model", "--all", "--out", out, "--k", 2, "--json")
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(out).height == 2 * json.loads(done.stdout)["users"]


def test_data_is_fetched_and_described(folder: Path) -> None:
    done = run("data", "get", folder / "data", "--out", folder / "canonical", "--json")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((folder / "canonical" / "manifest.json").read_text())
    assert manifest == json.loads(done.stdout)
    page = folder / "page.html"
    done = run("data", "describe", folder / "canonical", "--out", page, "--json")
    assert json.loads(done.stdout)["ratings"] == manifest["ratings"]
    text = page.read_text()
    assert text.count("data:image/png;base64") == 6
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "nowhere", "--out", "x"], "no such folder or zip"),
        (["train", "ml-latest-small", "--model", "oracle", "--out", "x"], "oracle"),
        (["train", "ml-latest-small"], "--out"),
        (["recommend", "nowhere", "--user", "1"], "holds no model"),
        (["recommend", "nowhere"], "give --user ID"),
        (["recommend", "nowhere", "--user", "one"], "should be a valid integer"),
        (["predict", "nowhere", "--pairs", "p", "--out", "o"], "holds no model"),
        (["frobnicate"], "No such command"),
    ],
)
def test_a_users_mistake_ends_with_one_clear_line_and_status_2(
    words: list[str], message: str
) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user,film\n1,2\n", "no column movieId"),
        ("userId,movieId\n1,two\n", "line 2: movieId should be a number"),
        ("userId,movieId\n1\n", "line 2: a row should have 2 fields. Received: 1"),
        ("", "is empty"),
    ],
)
def test_bad_pairs_are_refused_with_their_line(folder: Path, content: str, message: str) -> None:
    (folder / "bad.csv").write_text(content)
    done = run(
        "predict", folder / "model", "--pairs", folder / "bad.csv", "--out", folder / "o.csv"
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert not (folder / "o.csv").exists()


def test_settings_are_read_and_mistakes_in_them_named(folder: Path) -> None:
    file = folder / "settings.yaml"
    file.write_text("baseline:\n  wdith: 4\n")
    words = ("train", folder / "data", "--model", "baseline", "--out", folder / "b")
    done = run(*words, "--settings", file)
    assert done.returncode == 2
    assert "wdith" in done.stderr
    file.write_text("baseline:\n  width: 3\n  loop: {epochs: 1}\n")
    assert run(*words, "--settings", file).returncode == 0
    card = json.loads((folder / "b" / "versions" / "0001" / "model.json").read_text())
    assert card["settings"]["width"] == 3


def test_a_walk_writes_every_prediction_and_its_figures(folder: Path, tmp_path: Path) -> None:
    words = ("backtest", folder / "data", "--model", "bias", "--from", 0.9, "--out", tmp_path)
    done = run(*words, "--policy", "incremental", "--policy", "frozen", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [result["policy"] for result in document["results"]] == ["incremental", "frozen"]
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    assert {"userId", "movieId", "timestamp", "rating", "prediction"} <= set(predictions.columns)
    assert predictions.height == 2 * document["results"][0]["events"]
    assert (tmp_path / "error.png").stat().st_size > 1000
    assert json.loads((tmp_path / "metrics.json").read_text()) == document
    wrong = run(*words, "--policy", "hope")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr


def test_a_model_is_updated_and_its_versions_listed_promoted_and_rolled_back(
    folder: Path, real: Tables, tmp_path: Path
) -> None:
    half = real.ratings.height // 2
    (tmp_path / "data").mkdir()
    real.ratings[:half].write_csv(tmp_path / "data" / "ratings.csv")
    (tmp_path / "data" / "movies.csv").write_bytes((folder / "data" / "movies.csv").read_bytes())
    real.ratings[half:].write_csv(tmp_path / "new.csv")
    model = tmp_path / "model"
    trained = run("train", tmp_path / "data", "--model", "bias", "--out", model)
    assert trained.returncode == 0, trained.stderr
    done = run("update", model, "--ratings", tmp_path / "new.csv", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["ratings"] == real.ratings.height
    assert document["challenger"] == 2
    listed = json.loads(run("models", model, "--json").stdout)
    assert [version["number"] for version in listed] == [1, 2]
    current = next(version["number"] for version in listed if version["current"])
    other = 3 - current
    assert json.loads(run("promote", model, other, "--json").stdout) == {"current": other}
    assert json.loads(run("rollback", model, "--json").stdout) == {"current": current}
    wrong = run("promote", model, 9)
    assert wrong.returncode == 2
    assert "no version 9" in wrong.stderr
    assert "trained" in run("models", model).stdout


def test_ones_own_ratings_are_imported_into_a_model_once(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text(
        "Date,Name,Year,Letterboxd URI,Rating\n2015-03-07,Pulp Fiction,1994,x,4.5\n"
        "2015-03-08,Zorblax,2011,x,4\n2015-03-08,Alien,1979,x,9\n"
    )
    shutil.copytree(folder / "model", tmp_path / "model")
    words = ("import", file, "--from", "letterboxd", "--into", tmp_path / "model")
    for changed in (1, 0):
        done = run(*words, "--user", 900_001, "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["changed"] == changed
        assert [entry["title"] for entry in report["missing"]] == ["Zorblax"]
        assert [entry["line"] for entry in report["unreadable"]] == [4]
    out = tmp_path / "own.csv"
    shown = run("import", file, "--from", "letterboxd", "--out", out)
    assert "Zorblax" in shown.stdout
    assert pl.read_csv(out).rows() == [(1_000_000_000, 296, 4.5, 1_425_686_400)]


def test_a_diverse_ranking_keeps_the_best_and_changes_the_rest(folder: Path) -> None:
    words = ("recommend", folder / "model", "--user", 1, "--k", 8, "--json")
    plain, diverse = (
        [entry["movieId"] for entry in json.loads(run(*words, *more).stdout)[0]["recommendations"]]
        for more in ((), ("--diversity", 0.5))
    )
    assert diverse[0] == plain[0]
    assert diverse != plain
