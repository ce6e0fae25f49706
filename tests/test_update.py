"""Updating: observed at once, a challenger only when called for, promoted only if better."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.models.train import train
from foreseen.registry import audit_log as journal
from foreseen.registry import versions as registry
from foreseen.registry.update import update
from tests.conftest import ratings_of, tables_of


def halves(tables: Tables, share: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    place = int(share * tables.ratings.height)
    return tables.ratings[:place], tables.ratings[place:]


def saved(past: pl.DataFrame, tables: Tables, folder: Path) -> Path:
    registry.save_model(train(tables_of(past, tables.movies), "bias"), folder)
    return folder


def test_a_few_new_ratings_are_observed_and_call_for_nothing(small: Tables, tmp_path: Path) -> None:
    past, later = halves(small, 0.98)
    folder = saved(past, small, tmp_path / "m")
    done = update(folder, later)
    assert (done.observed, done.ratings) == (later.height, small.ratings.height)
    assert done.challenger is None
    assert registry.load_model(folder).log.ratings.equals(small.ratings)
    assert journal.read(folder)[-1]["what"] == "update"
    again = update(folder, later)
    assert again.ratings == done.ratings


def test_a_log_grown_twofold_calls_for_a_challenger_that_is_judged_on_what_neither_has_seen(
    real: Tables, tmp_path: Path
) -> None:
    past, later = halves(real, 0.4)
    folder = saved(past, real, tmp_path / "m")
    done = update(folder, later)
    assert any("trained on" in reason for reason in done.reasons)
    assert done.challenger == 2
    challenger = registry.read_version(folder, 2)
    assert challenger.trained_on + done.comparison["ratings"] == real.ratings.height
    assert challenger.until <= done.comparison["begins"]
    assert registry.read_version(folder).number == (2 if done.comparison["better"] else 1)
    assert done.decision.startswith("promoted" if done.comparison["better"] else "kept")
    assert done.comparison["better"] == (done.comparison["rmse_high"] < 0)
    assert update(folder, later[-5:]).challenger is None


def test_a_single_user_judges_nobody(real: Tables, tmp_path: Path) -> None:
    folder = saved(real.ratings, real, tmp_path / "m")
    movies = real.movies["movieId"].head(8000).to_list()
    end = real.manifest.last
    alone = ratings_of(*((900_001, movie, 3.0, end + n) for n, movie in enumerate(movies, 1)))
    done = update(folder, alone)
    assert done.challenger is None
    assert "of 1 users may judge" in done.decision


def test_what_a_whole_user_has_taken_back_is_forgotten(small: Tables, tmp_path: Path) -> None:
    folder = saved(small.ratings, small, tmp_path / "m")
    end = small.manifest.last
    update(folder, ratings_of((10**9, 318, 5.0, end + 1), (10**9, 1, 2.0, end + 2)), 10**9)
    update(folder, ratings_of((10**9, 1, 2.0, end + 2)), 10**9)
    known = registry.load_model(folder)
    assert known.history(10**9).movies.tolist() == [1]
    assert known.log.ratings.height == small.ratings.height + 1


def test_a_new_rating_scale_is_found_and_named(real: Tables, tmp_path: Path) -> None:
    """All of the log is given in whole stars; then the same people use half stars too."""
    rating = np.clip(np.ceil(real.ratings["rating"].to_numpy()), 1, 5)
    place = int(0.8 * real.ratings.height)
    later = np.arange(real.ratings.height) >= place
    halved = np.where(later & (np.arange(len(rating)) % 2 == 0), rating - 0.5, rating)
    whole = real.ratings.with_columns(pl.Series("rating", halved))
    folder = saved(whole[:place], real, tmp_path / "m")
    done = update(folder, whole[place:])
    scale = [
        found for found in done.findings if (found.what, found.which) == ("scale", "half stars")
    ]
    assert scale
    assert abs(scale[0].since - int(real.ratings["timestamp"][place])) < 30 * 86_400
    assert scale[0].before == pytest.approx(0, abs=0.01)
    assert scale[0].after > 0.2
    assert any("half stars" in reason for reason in done.reasons)
