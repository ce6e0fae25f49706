"""Prequential backtests: point in time, one prediction per rating, resumable."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.drift.backtest import PREDICTIONS, BacktestConfig, backtest
from foreseen.drift.policies import POLICIES
from foreseen.errors import InputError
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

ALL = tuple(POLICIES)


def config_of(tables: Tables, *policies: str, delay: int = 0) -> BacktestConfig:
    return BacktestConfig(tables, "bias", parse_settings("bias"), policies or ALL, 0.5, delay, 0)


@pytest.fixture(scope="module")
def finished(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    """A finished backtest of all policies: its folder and its predictions."""
    out = tmp_path_factory.mktemp("backtest")
    predictions, _ = backtest(config_of(small), out)
    return out, predictions


def test_every_policy_predicts_every_later_rating_once(
    small: Tables, finished: tuple[Path, pl.DataFrame]
) -> None:
    later = small.ratings[small.ratings.height // 2 :]
    for name in ALL:
        events = finished[1].filter(pl.col("policy") == name)
        assert events.select(later.columns).equals(later)
    assert np.isfinite(finished[1]["prediction"].to_numpy()).all()


def test_later_ratings_change_no_prediction(
    small: Tables, finished: tuple[Path, pl.DataFrame], tmp_path: Path
) -> None:
    moment = int(small.ratings["timestamp"][int(0.8 * small.ratings.height)])
    future = small.ratings["timestamp"].to_numpy() >= moment
    rating = small.ratings["rating"].to_numpy().copy()
    rating[future] = np.random.default_rng(0).permutation(rating[future])
    other = replace(small, ratings=small.ratings.with_columns(pl.Series("rating", rating)))
    permuted, _ = backtest(config_of(other), tmp_path)
    past = pl.col("timestamp") <= moment
    assert permuted.filter(past)["prediction"].equals(finished[1].filter(past)["prediction"])
    assert not permuted["prediction"].equals(finished[1]["prediction"])


def test_with_a_delay_younger_ratings_change_no_prediction(small: Tables, tmp_path: Path) -> None:
    config = config_of(small, "incremental", delay=86_400)
    moment = int(small.ratings["timestamp"][int(0.8 * small.ratings.height)])
    young = small.ratings["timestamp"].to_numpy() > moment - 86_400
    rating = small.ratings["rating"].to_numpy().copy()
    rating[young] = 5.5 - rating[young]
    other = replace(small, ratings=small.ratings.with_columns(pl.Series("rating", rating)))
    first, _ = backtest(config, tmp_path / "one")
    second, _ = backtest(replace(config, tables=other), tmp_path / "other")
    past = pl.col("timestamp") <= moment
    assert first.filter(past)["prediction"].equals(second.filter(past)["prediction"])
    assert not first["prediction"].equals(second["prediction"])


def test_an_interrupted_backtest_resumes_with_the_same_result(
    small: Tables, finished: tuple[Path, pl.DataFrame]
) -> None:
    out, before = finished
    kept = (out / "windows" / "full-00.parquet").stat().st_mtime_ns
    for name in ("full-04", "full-07", "adaptive-08", "incremental-09"):
        (out / "windows" / f"{name}.json").unlink()
    (out / "windows" / "sliding-03.parquet").write_bytes(b"torn")
    (out / PREDICTIONS).unlink()
    again, windows = backtest(config_of(small), out)
    assert again.equals(before)
    assert pl.read_parquet(out / PREDICTIONS).equals(before)
    assert (out / "windows" / "full-00.parquet").stat().st_mtime_ns == kept
    assert len(windows) == 50


def test_windows_of_another_configuration_are_not_reused(small: Tables, tmp_path: Path) -> None:
    first, _ = backtest(config_of(small, "incremental"), tmp_path)
    delayed, _ = backtest(config_of(small, "incremental", delay=86_400), tmp_path)
    assert not first["prediction"].equals(delayed["prediction"])


def test_the_policies_train_as_often_as_they_declare(
    small: Tables, finished: tuple[Path, pl.DataFrame]
) -> None:
    _, windows = backtest(config_of(small), finished[0])
    trainings = {name: sum(w.trained for w in windows if w.policy == name) for name in ALL}
    assert trainings == {
        "frozen": 1,
        "sliding": 10,
        "full": 10,
        "incremental": 1,
        "adaptive": 1,
    }
    latest = {w.policy: w.trained_on for w in windows if w.window == 9}
    assert latest["sliding"] == latest["full"] > latest["frozen"] == small.ratings.height // 2


def test_the_policies_begin_with_one_training_in_as_many_windows_as_are_asked_for(
    small: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []

    def counted(log: InteractionLog, *arguments: Any, **options: Any) -> Model:  # noqa: ANN401
        trained.append(len(log.rating))
        return train_on(log, *arguments, **options)

    monkeypatch.setattr("foreseen.drift.backtest.train_on", counted)
    config = replace(config_of(small), windows=2)
    predictions, windows = backtest(config, tmp_path)
    assert {window.window for window in windows} == {0, 1}
    assert trained.count(trained[0]) == 1 + sum(
        window.trained and window.window > 0 and window.policy == "sliding" for window in windows
    )
    first = predictions.filter(pl.col("window") == 0)
    known = [first.filter(pl.col("policy") == name) for name in ("incremental", "full", "sliding")]
    assert all(events["prediction"].equals(known[0]["prediction"]) for events in known)


def test_an_unknown_policy_is_refused(small: Tables, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no policy is called 'hope'"):
        backtest(config_of(small, "hope"), tmp_path)


def test_a_delay_longer_than_the_known_part_of_the_log_is_refused(
    small: Tables, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no rating is 10000000000 seconds old"):
        backtest(config_of(small, "frozen", delay=10**10), tmp_path)
