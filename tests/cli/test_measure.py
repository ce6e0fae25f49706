"""`foreseen evaluate` and `backtest`; `tune` is tested with the search."""

import json
from pathlib import Path

import polars as pl
from tests.cli.conftest import Run


def test_an_evaluation_writes_and_prints_its_metrics(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    words = ("evaluate", folder / "data", "--protocol", "foldin", "--model", "bias")
    result = run(*words, "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "pairwise accuracy" in result.stdout
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert [summary["model"] for summary in metrics["results"]] == ["global mean", "bias"]


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
