"""Detection of accounts that promote a movie."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.conftest import random_ratings

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import placeholder_movies
from foreseen.drift.profile_injection import find_injections
from foreseen.features.interaction_log import InteractionLog

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return runpy.run_path(str(BENCHMARKS / "profile_injection.py"))


def test_a_real_log_has_no_suspects(real: Tables) -> None:
    assert find_injections(InteractionLog.of(real.ratings, Catalogue.of(real.movies))) == []


@pytest.mark.parametrize("kind", ["average", "random"])
def test_most_fake_accounts_and_no_others_are_named(
    real: Tables, benchmark: dict[str, Any], kind: str
) -> None:
    target = benchmark["obscure_movies"](real, 1, 0)[0]
    attacked = benchmark["attack"](real, kind, "spread", target, 0)
    log = InteractionLog.of(attacked.tables.ratings, Catalogue.of(real.movies))
    (found,) = find_injections(log)
    assert found.movie == target
    assert set(found.users) <= attacked.accounts
    assert len(found.users) > 0.8 * len(attacked.accounts)
    assert found.probability < 0.2
    document = found.as_json()
    assert document["users"] == list(found.users)
    assert str(found.users[0]) in document["sentence"]
    assert found.title in document["sentence"]


def test_a_log_with_too_few_ratings_has_no_suspects() -> None:
    for count in (1, 40, 300):
        ratings = random_ratings(0, count)
        log = InteractionLog.of(ratings, Catalogue.of(_movies(ratings)))
        assert find_injections(log) == []


def _movies(ratings: pl.DataFrame) -> pl.DataFrame:
    return placeholder_movies(ratings["movieId"].unique().sort())


def test_the_probability_does_not_depend_on_the_scale(
    real: Tables, benchmark: dict[str, Any]
) -> None:
    target = benchmark["obscure_movies"](real, 1, 0)[0]
    ratings = benchmark["attack"](real, "average", "spread", target, 0).tables.ratings
    catalogue = Catalogue.of(real.movies)
    (stars,) = find_injections(InteractionLog.of(ratings, catalogue))
    doubled = ratings.with_columns(pl.col("rating") * 2)
    (points,) = find_injections(InteractionLog.of(doubled, catalogue))
    assert np.isclose(stars.probability, points.probability)
