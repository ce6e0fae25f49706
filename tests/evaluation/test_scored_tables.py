"""Predictions and rankings as files: others can compute the metrics from them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.cli.conftest import run_command
from tests.conftest import random_ratings, write_folder

from foreseen.data.rating_scale import RatingScale

TOP, LENGTH = 10, 20


@pytest.fixture(scope="module", params=["foldin", "leave-last-out"])
def evaluation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation of ratings from 1 to 10, with text as ids."""
    return evaluated(tmp_path_factory.mktemp("scored"), request.param)


def evaluated(root: Path, protocol: str) -> Path:
    """Evaluate `bias` on a small log into the folder `out`."""
    ratings = random_ratings(3, 500, users=25, movies=45).with_columns(
        pl.format("u{}", "userId").alias("userId"),
        pl.format("tt{}", "movieId").alias("movieId"),
        pl.col("rating") * 2,
        pl.col("timestamp") + pl.col("userId") * 9000,
    )
    data = write_folder(root / "data", ratings.write_csv())
    words = ("evaluate", data, "--protocol", protocol, "--model", "bias", "--scale", "1:10:1")
    result = run_command(*words, "--out", root / "out")
    assert result.exit_code == 0, result.stderr
    return root / "out"


def summaries(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "metrics.json").read_text())["results"]


def part_of(table: pl.DataFrame, summary: dict[str, Any]) -> pl.DataFrame:
    return table.filter(model=summary["model"], setting=summary["setting"])


def test_predictions_give_the_errors_of_the_report(evaluation: Path) -> None:
    table = pl.read_parquet(evaluation / "predictions.parquet")
    assert table.columns == [
        "model", "setting", "userId", "movieId", "timestamp", "rating", "prediction", "low", "high",
    ]  # fmt: skip
    assert table["userId"].str.starts_with("u").all()
    assert table["movieId"].str.starts_with("tt").all()
    for summary in summaries(evaluation):
        part = part_of(table, summary)
        assert part.height == summary["events"]
        assert RatingScale(1, 10, 1).contains(part["rating"].to_numpy()).all()
        error = (part["rating"] - part["prediction"]).to_numpy()
        assert np.sqrt(np.mean(error**2)) == pytest.approx(summary["rmse"]["value"])
        assert np.mean(np.abs(error)) == pytest.approx(summary["mae"]["value"])
        squares = part.with_columns(square=error**2).group_by("userId").agg(pl.mean("square"))
        per_user = np.sqrt(squares["square"].to_numpy()).mean()
        assert per_user == pytest.approx(summary["rmse_user"]["value"])


def test_rankings_give_the_metrics_of_the_lists(evaluation: Path) -> None:
    table = pl.read_parquet(evaluation / "rankings.parquet")
    assert table.columns == [
        "model", "setting", "by", "list", "userId", "movieId", "rank", "first_rank", "last_rank",
        "target", "next",
    ]  # fmt: skip
    discount = {rank: 1 / np.log2(rank + 1) for rank in range(1, TOP + 1)}
    for summary in summaries(evaluation):
        for by, expected in summary["lists"].items():
            part = part_of(table, summary).filter(by=by)
            found: dict[str, list[float]] = {"ndcg10": [], "recall20": [], "next_hit10": []}
            for ranking in part.partition_by("userId"):
                target = ranking.filter("target")["rank"].to_list()
                ideal = sum(discount[rank + 1] for rank in range(min(TOP, len(target))))
                found["ndcg10"].append(sum(discount.get(rank, 0) for rank in target) / ideal)
                hits = sum(rank <= LENGTH for rank in target)
                found["recall20"].append(hits / min(LENGTH, len(target)))
                following = ranking.filter("next").row(0, named=True)
                ranks = range(following["first_rank"], following["last_rank"] + 1)
                found["next_hit10"].append(sum(rank <= TOP for rank in ranks) / len(ranks))
            assert len(found["ndcg10"]) == expected["users"]
            for name, values in found.items():
                assert np.mean(values) == pytest.approx(expected[name]["value"]), (by, name)
            top = part.filter(pl.col("rank") <= TOP)
            assert top["movieId"].n_unique() / 45 == pytest.approx(expected["coverage"])


def test_the_reference_is_ranked_by_the_popularity_of_seven_days(evaluation: Path) -> None:
    table = pl.read_parquet(evaluation / "rankings.parquet")
    references = table.filter(model="global mean")
    assert set(references["by"]) == {"popularity"}
    assert set(table.filter(model="bias")["by"]) == {"rating", "likely", "blend"}


def test_a_protocol_without_rankings_leaves_no_rankings_of_another(tmp_path: Path) -> None:
    out = evaluated(tmp_path, "calendar-ranking")
    assert (out / "rankings.parquet").exists()
    assert evaluated(tmp_path, "stream") == out
    assert not (out / "rankings.parquet").exists()
    assert (out / "predictions.parquet").exists()
