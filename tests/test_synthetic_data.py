"""The generator of data sets shaped like MovieLens."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from foreseen.data.canonical import Tables, load_data
from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER, YEAR

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RATINGS, USERS, MOVIES = 100_004, 671, 9_125
SESSION_GAP = 3600


@pytest.fixture(scope="module")
def synthesize() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield runpy.run_path(str(BENCHMARKS / "synthesize.py"))


@pytest.fixture(scope="module")
def generated(synthesize: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("generated")
    count = synthesize["write"](folder, *synthesize["generate"](RATINGS, USERS, MOVIES, seed=3))
    assert count == RATINGS
    return load_data(folder)


def mean(values: pl.Series) -> float:
    return float(values.to_numpy().mean())


def quantiles(counts: pl.Series) -> list[float]:
    return [float(counts.quantile(q, "linear") or 0) for q in (0.25, 0.5, 0.75, 0.9)]


def test_the_counts_are_those_asked_for(generated: Tables) -> None:
    manifest = generated.manifest
    assert (manifest.ratings, manifest.users, manifest.movies) == (RATINGS, USERS, MOVIES)
    assert manifest.bad_rows == 0
    assert manifest.movies_without_metadata == 0


def test_the_marginals_resemble_movielens(generated: Tables) -> None:
    real = load_data("ml-latest-small").ratings
    ours = generated.ratings
    for name in (USER, MOVIE):
        counts = [table.group_by(name).len()["len"] for table in (ours, real)]
        # Of movies, the many with a few ratings differ in number by the way the log was sampled.
        ratio = np.array(quantiles(counts[0])) / np.array(quantiles(counts[1]))
        assert np.all((ratio > 0.5) & (ratio < 2.01)), (name, ratio)
        shares = [
            np.sort(count.to_numpy())[-(len(count) // 10) :].sum() / RATINGS for count in counts
        ]
        assert shares[0] == pytest.approx(shares[1], abs=0.08)
    assert mean(ours[RATING]) == pytest.approx(mean(real[RATING]), abs=0.12)
    deviations = [table[RATING].to_numpy().std() for table in (ours, real)]
    assert deviations[0] == pytest.approx(deviations[1], abs=0.1)
    half = [mean(table[RATING] % 1 == 0.5) for table in (ours, real)]
    assert half[0] == pytest.approx(half[1], abs=0.06)


def test_users_rate_in_sessions(generated: Tables) -> None:
    real = load_data("ml-latest-small").ratings
    few: list[float] = []
    gaps: list[float] = []
    for table in (generated.ratings, real):
        ordered = table.sort(USER, TIMESTAMP).with_columns(
            gap=pl.col(TIMESTAMP).diff().over(USER).fill_null(SESSION_GAP)
        )
        sessions = ordered.group_by(USER).agg((pl.col("gap") >= SESSION_GAP).sum())["gap"]
        few.append(mean(sessions == 1))
        gaps.append(float(ordered.filter(pl.col("gap") < SESSION_GAP)["gap"].quantile(0.5) or 0))
    assert few[0] == pytest.approx(few[1], abs=0.15)
    assert gaps[0] == pytest.approx(gaps[1], abs=5)


def test_ratings_follow_the_release_and_half_stars_begin_in_2003(
    generated: Tables, synthesize: dict[str, Any]
) -> None:
    dated = generated.ratings.join(generated.movies.select(MOVIE, YEAR), on=MOVIE)
    year = pl.from_epoch(dated[TIMESTAMP]).dt.year()
    assert mean(year >= dated[YEAR]) > 0.99
    early = dated.filter(pl.col(TIMESTAMP) < synthesize["HALF_STARS_FROM"])
    assert early.height > RATINGS // 10
    assert set(early[RATING]) == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_taste_and_movies_explain_ratings(generated: Tables) -> None:
    ratings = generated.ratings
    explained = ratings.with_columns(
        (pl.col(RATING).sum().over(name) - pl.col(RATING)).truediv(pl.len().over(name) - 1)
        .alias(f"{name}-mean")
        for name in (USER, MOVIE)
    ).filter(pl.len().over(MOVIE) > 20)  # fmt: skip
    for name in (USER, MOVIE):
        correlation = explained.select(pl.corr(RATING, f"{name}-mean")).item()
        assert correlation > 0.2


def test_a_seed_gives_the_same_ratings_and_another_seed_others(
    synthesize: dict[str, Any],
) -> None:
    drawn = [pl.concat(synthesize["generate"](5_000, 50, 800, seed)[0]) for seed in (0, 0, 1)]
    assert drawn[0].equals(drawn[1])
    assert not drawn[0].equals(drawn[2])


def test_ratings_are_generated_in_blocks_of_bounded_size(synthesize: dict[str, Any]) -> None:
    blocks, _ = synthesize["generate"](1_200_000, 9_000, 3_000)
    assert 400_000 < next(blocks).height <= 500_000


@pytest.mark.parametrize("ratings", [100, 40_000])
def test_impossible_counts_are_refused(synthesize: dict[str, Any], ratings: int) -> None:
    with pytest.raises(ValueError, match="20 to 100 ratings per user"):
        synthesize["generate"](ratings, 50, 400)


def test_a_log_is_expanded_by_fractals(synthesize: dict[str, Any], tmp_path: Path) -> None:
    real = load_data("ml-latest-small")
    blocks, movies = synthesize["expand"](real, 3, 2)
    synthesize["write"](tmp_path, blocks, movies)
    expanded = load_data(tmp_path)
    assert expanded.manifest.bad_rows == 0
    assert expanded.manifest.movies == 2 * real.manifest.movies
    assert 1.5 < expanded.manifest.ratings / real.manifest.ratings < 5.5
    copies = (expanded.ratings[USER] - 1) // real.manifest.users
    assert sorted(copies.unique()) == [0, 1, 2]
    assert mean(expanded.ratings[RATING]) == pytest.approx(mean(real.ratings[RATING]), abs=0.05)


def test_in_the_log_of_new_releases_users_rate_what_they_just_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    releases = runpy.run_path(str(BENCHMARKS / "drift_logs.py"))["releases"]
    ratings, movies = releases(0)
    assert ratings.height == pytest.approx(100_000, rel=0.05)
    assert ratings[TIMESTAMP].is_sorted()
    assert not ratings.select(USER, MOVIE).is_duplicated().any()
    gaps = ratings.sort(USER, TIMESTAMP).select(pl.col(TIMESTAMP).diff().over(USER)).to_series()
    assert mean((gaps.drop_nulls() > 86_400).cast(pl.Float64)) > 0.75
    first = pl.col(TIMESTAMP).min().over(MOVIE)
    new = ratings.join(movies.filter(pl.col(YEAR) == 2017).select(MOVIE), on=MOVIE)
    assert 0.6 < new.height / ratings.height < 0.8
    days = new.select((pl.col(TIMESTAMP) - first) / 86_400).to_series()
    assert 7 < mean(days.sort().gather([days.len() // 2])) < 14
