"""Commands on data with texts for ids and points out of ten."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Run

from foreseen.data.canonical import Tables


@pytest.fixture(scope="module")
def data(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("named") / "data"
    folder.mkdir()
    small.ratings.select(
        pl.format("user-{}", "userId").alias("userId"),
        pl.format("tt{}", "movieId").alias("movieId"),
        pl.col("rating") * 2,
        "timestamp",
    ).write_csv(folder / "ratings.csv")
    return folder


@pytest.fixture(scope="module")
def model(data: Path, run: Run) -> Path:
    folder = data.parent / "model"
    result = run("train", data, "--model", "bias", "--out", folder)
    assert result.exit_code == 0, result.stderr
    return folder


def test_canonical_files_have_the_ids_and_ratings_of_the_source(
    data: Path, run: Run, tmp_path: Path
) -> None:
    result = run("data", "get", data, "--out", tmp_path / "d", "--json")
    scale = json.loads(result.stdout)["scale"]
    assert scale == {"low": 1, "high": 10, "step": 1, "kind": "ratings"}
    assert "1 to 10" in run("data", "describe", data, "--out", tmp_path / "d.html").stdout
    given = pl.read_csv(data / "ratings.csv").sort("userId", "movieId")
    written = pl.read_parquet(tmp_path / "d" / "ratings.parquet").sort("userId", "movieId")
    assert written.equals(given)


def test_rankings_and_predictions_have_the_ids_and_the_scale_of_the_data(
    model: Path, run: Run, tmp_path: Path
) -> None:
    (ranking,) = json.loads(run("recommend", model, "--user", "user-15", "--json").stdout)
    assert ranking["userId"] == "user-15"
    assert ranking["known"]
    assert all(entry["movieId"].startswith("tt") for entry in ranking["recommendations"])
    assert ranking["recommendations"][0]["prediction"] > 5
    table = run("recommend", model, "--user", "user-15").stdout
    assert "rating" in table
    assert "stars" not in table
    (tmp_path / "pairs.csv").write_text("userId,movieId\nuser-15,tt318\nnobody,tt0\n")
    out = tmp_path / "predictions.csv"
    assert run("predict", model, "--pairs", tmp_path / "pairs.csv", "--out", out).exit_code == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["userId"], row["movieId"]) for row in rows] == [
        ("user-15", "tt318"),
        ("nobody", "tt0"),
    ]
    assert all(1 <= float(row["low"]) < float(row["prediction"]) for row in rows)
    assert float(rows[0]["prediction"]) > 5


def test_ratings_are_added_on_the_scale_of_the_model(model: Path, run: Run, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    header = "userId,movieId,rating,timestamp\n"
    # Alone, the ratings would be taken for stars.
    new.write_text(f"{header}new user,tt318,3,1500000000\nnew user,new film,1,1500000001\n")
    report = json.loads(run("observe", model, "--ratings", new, "--json").stdout)
    assert (report["observed"], report["new_users"], report["new_movies"]) == (2, 1, 1)
    updated = json.loads(run("update", model, "--ratings", new, "--json").stdout)
    assert updated["observed"] == 2
    (ranking,) = json.loads(run("recommend", model, "--user", "new user", "--json").stdout)
    moved = {
        entry["movieId"]: entry["rating"] for entry in ranking["recommendations"][0]["movedBy"]
    }
    assert moved == {"tt318": 3, "new film": 1}
    new.write_text(f"{header}new user,tt50,11,1500000002\n")
    refused = run("observe", model, "--ratings", new)
    assert refused.exit_code == 2
    assert "rating should be on the scale 1 to 10. Received: 11" in refused.stderr


def test_the_scale_and_the_share_of_bad_rows_can_be_given(run: Run, tmp_path: Path) -> None:
    rows = "".join(f"{n},1,{n % 5},{n}\n" for n in range(50))
    (tmp_path / "r.csv").write_text("userId,movieId,rating,timestamp\n" + rows)
    words = ("data", "get", tmp_path / "r.csv", "--out", tmp_path / "d", "--json")
    assert json.loads(run(*words).stdout)["scale"]["low"] == 0
    forced = run(*words, "--scale", "1:4", "--skip-bad-rows", tmp_path / "bad.csv")
    assert forced.exit_code == 2
    assert "10 of 50 rows are bad, more than 1.00%" in forced.stderr
    allowed = run(
        *words, "--scale", "1:4", "--skip-bad-rows", tmp_path / "bad.csv", "--max-bad-rows", "0.2"
    )
    assert json.loads(allowed.stdout)["ratings"] == 40


def test_likes_are_ranked_and_not_predicted(run: Run, small: Tables, tmp_path: Path) -> None:
    file = tmp_path / "likes.csv"
    small.ratings.filter(pl.col("rating") >= 4).select("userId", "movieId", "timestamp").write_csv(
        file
    )
    trained = run("train", file, "--model", "bias", "--out", tmp_path / "m")
    assert "RMSE" not in trained.stdout
    (ranking,) = json.loads(run("recommend", tmp_path / "m", "--user", 15, "--json").stdout)
    assert ranking["recommendations"][0]["prediction"] is None
    assert "likely" in run("recommend", tmp_path / "m", "--user", 15).stdout
    evaluated = run(
        "evaluate", file, "--protocol", "foldin", "--model", "bias", "--out", tmp_path / "e"
    )
    assert "Rankings of the whole catalogue" in evaluated.stdout
    assert "RMSE" not in evaluated.stdout
