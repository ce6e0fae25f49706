"""`foreseen evaluate` and `backtest`; `tune` is tested with the search."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.cli.conftest import Run
from tests.conftest import random_ratings, write_folder


def test_an_evaluation_writes_and_prints_its_metrics(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    words = ("evaluate", folder / "data", "--protocol", "foldin", "--model", "bias")
    result = run(*words, "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "pairwise accuracy" in result.stdout
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert [summary["model"] for summary in metrics["results"]] == ["global mean", "bias"]


def test_ties_are_in_the_order_of_the_file_where_asked_for(run: Run, tmp_path: Path) -> None:
    ratings = random_ratings(0, 300, users=20, movies=40).sample(fraction=1, shuffle=True, seed=0)
    data = write_folder(tmp_path / "data", ratings.write_csv())
    words = ("evaluate", data, "--protocol", "leave-last-out", "--model", "bias")
    last: dict[str, pl.DataFrame] = {}
    for ties in ("id", "file"):
        out = tmp_path / ties
        result = run(*words, "--ties", ties, "--out", out)
        assert result.exit_code == 0, result.stderr
        assert "share their second" in " ".join(result.stdout.split())
        events = pl.read_parquet(out / "predictions.parquet").filter(setting="moment known")
        last[ties] = events.filter(model="bias").select("userId", "movieId").sort("userId")
        settings = [entry["setting"] for entry in metrics_of(out)]
        assert settings == ["moment unknown", "moment known"] * 2
    stable = ratings.sort("timestamp", maintain_order=True)
    expected = stable.group_by("userId").last().select("userId", "movieId").sort("userId")
    assert last["file"].equals(expected)
    by_id = ratings.sort("timestamp", "movieId").group_by("userId", maintain_order=True).last()
    assert last["id"].equals(by_id.select("userId", "movieId").sort("userId"))
    assert not last["id"].equals(last["file"])


def test_ties_are_refused_with_a_protocol_that_has_none(run: Run, tmp_path: Path) -> None:
    result = run("evaluate", "ml-latest-small", "--ties", "file", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "--ties is for --protocol leave-last-out" in result.stderr


def metrics_of(out: Path) -> list[dict[str, Any]]:
    return json.loads((out / "metrics.json").read_text())["results"]


def test_a_backtest_writes_every_prediction_and_its_metrics(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    words = ("backtest", folder / "data", "--model", "bias", "--from", 0.9, "--out", tmp_path)
    words = (*words, "--policy", "incremental", "--policy", "frozen")
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert [entry["policy"] for entry in document["results"]] == ["incremental", "frozen"]
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    assert {"userId", "movieId", "timestamp", "rating", "prediction"} <= set(predictions.columns)
    assert predictions.height == 2 * document["results"][0]["events"]
    assert (tmp_path / "error.png").stat().st_size > 1000
    assert json.loads((tmp_path / "metrics.json").read_text()) == document


def test_the_number_of_folds_is_for_random_folds(run: Run, tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", random_ratings(0, 200).write_csv())
    words = ("evaluate", data, "--model", "bias", "--out", tmp_path / "out", "--folds")
    result = run(*words, "3", "--protocol", "random")
    assert result.exit_code == 0, result.stderr
    assert {entry["setting"] for entry in metrics_of(tmp_path / "out")} == {"3 folds"}
    result = run(*words, "3", "--protocol", "stream")
    assert result.exit_code == 2
    assert "--folds is for --protocol random" in result.stderr


@pytest.mark.parametrize(
    ("protocol", "settings"),
    [("time-to-split", ["last", "successive", "all"]), ("esasrec-60d", ["last 60 days"])],
)
def test_protocols_of_publications_are_run(
    protocol: str, settings: list[str], run: Run, tmp_path: Path
) -> None:
    ratings = random_ratings(0, 300, users=20, movies=30).with_columns(
        timestamp=pl.col("timestamp") + (7 * pl.col("movieId") + pl.col("userId")) % 30 * 864_000
    )
    data = write_folder(tmp_path / "data", ratings.write_csv())
    words = ("evaluate", data, "--protocol", protocol, "--model", "bias", "--out", tmp_path / "out")
    result = run(*words)
    assert result.exit_code == 0, result.stderr
    assert "popularity" in result.stdout
    assert [entry["setting"] for entry in metrics_of(tmp_path / "out")] == settings * 2
    rankings = pl.read_parquet(tmp_path / "out" / "rankings.parquet")
    assert set(rankings["setting"]) == set(settings)
    # The number of a ranking distinguishes several of one user.
    lists = rankings.group_by("model", "setting", "by", "list").agg(pl.col("userId").n_unique())
    assert set(lists["userId"]) == {1}


def test_the_splits_of_ml_100k_are_missing_elsewhere(run: Run, tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", random_ratings(0, 200).write_csv())
    words = ("evaluate", data, "--protocol", "u1-u5", "--model", "bias", "--out", tmp_path / "out")
    result = run(*words)
    assert result.exit_code == 2
    assert "has no file u1.base" in result.stderr
