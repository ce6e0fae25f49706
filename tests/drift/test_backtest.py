"""Walking through time: nothing foreknown, nothing torn apart, nothing lost by a kill."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import random_ratings, tables_of

from foreseen.data.canonical import Tables
from foreseen.drift.backtest import PREDICTIONS, Walk, backtest, window_places
from foreseen.drift.policies import POLICIES
from foreseen.drift.report import summarise_walk
from foreseen.errors import InputError
from foreseen.models.spec import parse_settings

EVERY = tuple(POLICIES)


def walk_over(tables: Tables, *policies: str, delay: int = 0) -> Walk:
    return Walk(tables, "bias", parse_settings("bias"), policies or EVERY, 0.5, delay, 0)


@pytest.fixture(scope="module")
def walked(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    out = tmp_path_factory.mktemp("walk")
    predictions, _ = backtest(walk_over(small), out)
    return out, predictions


def test_every_later_rating_is_predicted_once_by_each_policy(
    small: Tables, walked: tuple[Path, pl.DataFrame]
) -> None:
    later = small.ratings[small.ratings.height // 2 :]
    for name in EVERY:
        own = walked[1].filter(pl.col("policy") == name)
        assert own.select(later.columns).equals(later)
    assert np.isfinite(walked[1]["prediction"].to_numpy()).all()


def test_scrambling_the_future_leaves_the_pasts_predictions_as_they_are(
    small: Tables, walked: tuple[Path, pl.DataFrame], tmp_path: Path
) -> None:
    moment = int(small.ratings["timestamp"][int(0.8 * small.ratings.height)])
    future = small.ratings["timestamp"].to_numpy() >= moment
    rating = small.ratings["rating"].to_numpy().copy()
    rating[future] = np.random.default_rng(0).permutation(rating[future])
    other = replace(small, ratings=small.ratings.with_columns(pl.Series("rating", rating)))
    scrambled, _ = backtest(walk_over(other), tmp_path)
    past = pl.col("timestamp") <= moment
    assert scrambled.filter(past)["prediction"].equals(walked[1].filter(past)["prediction"])
    assert not scrambled["prediction"].equals(walked[1]["prediction"])


def test_a_killed_walk_goes_on_to_the_same_result(
    small: Tables, walked: tuple[Path, pl.DataFrame]
) -> None:
    out, before = walked
    kept = (out / "windows" / "full-00.parquet").stat().st_mtime_ns
    for name in ("full-04", "full-07", "adaptive-08", "incremental-09"):
        (out / "windows" / f"{name}.json").unlink()
    (out / "windows" / "sliding-03.parquet").write_bytes(b"torn")
    (out / PREDICTIONS).unlink()
    again, costs = backtest(walk_over(small), out)
    assert again.equals(before)
    assert pl.read_parquet(out / PREDICTIONS).equals(before)
    assert (out / "windows" / "full-00.parquet").stat().st_mtime_ns == kept
    assert len(costs) == 50


def test_another_walk_in_the_same_folder_does_not_take_over_its_windows(
    small: Tables, tmp_path: Path
) -> None:
    first, _ = backtest(walk_over(small, "incremental"), tmp_path)
    late, _ = backtest(walk_over(small, "incremental", delay=86_400), tmp_path)
    assert not first["prediction"].equals(late["prediction"])


def test_with_a_delay_nothing_younger_counts(small: Tables, tmp_path: Path) -> None:
    walk = walk_over(small, "incremental", delay=86_400)
    moment = int(small.ratings["timestamp"][int(0.8 * small.ratings.height)])
    young = small.ratings["timestamp"].to_numpy() > moment - 86_400
    rating = small.ratings["rating"].to_numpy().copy()
    rating[young] = 5.5 - rating[young]
    other = replace(small, ratings=small.ratings.with_columns(pl.Series("rating", rating)))
    first, _ = backtest(walk, tmp_path / "one")
    second, _ = backtest(replace(walk, tables=other), tmp_path / "other")
    asked = pl.col("timestamp") <= moment
    assert first.filter(asked)["prediction"].equals(second.filter(asked)["prediction"])
    assert not first["prediction"].equals(second["prediction"])


def test_frozen_sees_nothing_and_full_trains_at_every_window(
    small: Tables, walked: tuple[Path, pl.DataFrame]
) -> None:
    walk = walk_over(small)
    document = summarise_walk(walk, *backtest(walk, walked[0]))
    trainings = {r["policy"]: r["trainings"] for r in document["results"]}
    assert trainings == {
        "frozen": 1,
        "sliding": 10,
        "full": 10,
        "incremental": 1,
        "adaptive": 1,
    }
    error = {r["policy"]: r["rmse"]["value"] for r in document["results"]}
    assert error["frozen"] > error["incremental"]


@given(
    seed=st.integers(0, 1000), count=st.integers(20, 200), start=st.sampled_from([0.3, 0.5, 0.9])
)
def test_no_window_but_the_first_begins_within_a_second(
    seed: int, count: int, start: float
) -> None:
    ratings = tables_of(random_ratings(seed, count)).ratings
    places = window_places(ratings, start)
    second = ratings["timestamp"].to_list()
    assert places[0] == int(start * len(second) + 1e-9)
    assert places[-1] == len(second)
    assert places == sorted(set(places))
    assert all(second[place] > second[place - 1] for place in places[1:-1])


def test_an_unknown_policy_is_refused(small: Tables, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no policy is called 'hope'"):
        backtest(walk_over(small, "hope"), tmp_path)
