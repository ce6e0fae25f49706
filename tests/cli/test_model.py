"""`foreseen recommend`, `predict` and `observe`."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Run


def test_rankings_are_printed_as_json_and_as_a_table(folder: Path, run: Run) -> None:
    words = ("recommend", folder / "model", "--user", 7_777_777, "--k", 3)
    document = json.loads(run(*words, "--user", 1, "--json").stdout)
    assert [(entry["userId"], entry["known"]) for entry in document] == [
        (7_777_777, False),
        (1, True),
    ]
    assert all(len(entry["recommendations"]) == 3 for entry in document)
    table = run(*words).stdout
    assert "user 7777777 (no ratings: ranked as a new user)" in table
    assert document[0]["recommendations"][0]["title"].split()[0] in table


def test_a_diversity_weight_keeps_the_first_movie_and_changes_others(
    folder: Path, run: Run
) -> None:
    words = ("recommend", folder / "model", "--user", 1, "--k", 8, "--json")
    plain, diverse = (
        [entry["movieId"] for entry in json.loads(run(*words, *more).stdout)[0]["recommendations"]]
        for more in ((), ("--diversity", 0.5))
    )
    assert diverse[0] == plain[0]
    assert diverse != plain


def test_rankings_of_all_users_are_written_to_a_file(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "all.parquet"
    result = run("recommend", folder / "model", "--all", "--out", out, "--k", 2, "--json")
    assert result.exit_code == 0, result.stderr
    assert pl.read_parquet(out).height == 2 * json.loads(result.stdout)["users"]


def test_predictions_cover_every_pair_in_order(folder: Path, run: Run, tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs.csv", tmp_path / "predictions.csv"
    pairs.write_text("userId,movieId,timestamp\n9,318,900000000\n1,1,900000000\n5,99999999,5\n")
    result = run("predict", folder / "model", "--pairs", pairs, "--out", out)
    assert result.exit_code == 0, result.stderr
    predictions = pl.read_csv(out)
    assert predictions.columns == ["userId", "movieId", "timestamp", "prediction", "low", "high"]
    assert predictions["movieId"].to_list() == [318, 1, 99999999]
    assert predictions["prediction"].is_between(0.5, 5).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user,genre\n1,2\n", "no column movieId"),
        ("userId,movieId\n1, \n", "line 2: movieId is missing"),
        ("userId,movieId\n1\n", "line 2: a row should have 2 fields. Received: 1"),
        ("", "is empty"),
    ],
)
def test_invalid_pairs_are_refused_with_their_line(
    folder: Path, run: Run, tmp_path: Path, content: str, message: str
) -> None:
    pairs, out = tmp_path / "pairs.csv", tmp_path / "predictions.csv"
    pairs.write_text(content)
    result = run("predict", folder / "model", "--pairs", pairs, "--out", out)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not out.exists()


def test_added_ratings_are_stored_and_change_predictions(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    shutil.copytree(folder / "model", tmp_path / "model")
    new, pairs, out = (tmp_path / f"{name}.csv" for name in ("new", "pairs", "out"))
    rows = "".join(f"880088,{movie},0.5,{1_500_000_000 + movie}\n" for movie in (1, 2, 3, 6, 10))
    new.write_text("userId,movieId,rating,timestamp\n" + rows)
    pairs.write_text("userId,movieId\n880088,318\n")
    values: list[float] = []
    for step in range(2):
        if step:
            result = run("observe", tmp_path / "model", "--ratings", new, "--json")
            assert json.loads(result.stdout)["new_users"] == 1
        run("predict", tmp_path / "model", "--pairs", pairs, "--out", out)
        values.append(pl.read_csv(out)["prediction"].item())
    assert values[1] < values[0] - 0.3
    ranking = json.loads(run("recommend", tmp_path / "model", "--user", 880_088, "--json").stdout)
    assert ranking[0]["known"]
