"""Errors by segment: values, intervals, dimensions."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import random_ratings, tables_of

from foreseen.data.schema import MOVIES_SCHEMA
from foreseen.evaluation.results import Result
from foreseen.evaluation.segment_errors import ALL, segment_errors
from foreseen.evaluation.segments import with_activity


@pytest.fixture
def found() -> pl.DataFrame:
    ratings = random_ratings(1, 300)
    movies = ratings["movieId"].unique().sort()
    genres = [["Comedy", "Drama"] if movie % 2 else ["Drama"] for movie in movies]
    table = pl.DataFrame(
        [(m, f"{m}", 1980 + 10 * (m % 2), g) for m, g in zip(movies, genres, strict=True)],
        schema=MOVIES_SCHEMA, orient="row",
    )  # fmt: skip
    error = np.where(ratings["movieId"].to_numpy() % 2 == 1, 0.5, -1.0)
    events = ratings.with_columns(
        prediction=pl.col("rating") + error, low=pl.col("rating") - 0.1, high=pl.col("rating") + 0.1
    )
    events = with_activity(events.with_columns(known=pl.int_range(pl.len()) % 30))
    plain = events.drop("activity", "known")
    tables = tables_of(ratings, table)
    return segment_errors([Result("a", "s", events), Result("mean", "s", plain)], tables)


def of(found: pl.DataFrame, dimension: str, segment: str, model: str = "a") -> dict[str, float]:
    return found.filter(
        (pl.col("dimension") == dimension)
        & (pl.col("segment") == segment)
        & (pl.col("model") == model)
    ).row(0, named=True)


def test_segments_have_their_error_and_bias(found: pl.DataFrame) -> None:
    for dimension, segment, error in (
        ("genre", "Comedy", 0.5), ("year", "1990s", 0.5), ("year", "1980s", -1.0),
    ):  # fmt: skip
        row = of(found, dimension, segment)
        assert row["bias"] == pytest.approx(error)
        assert row["rmse"] == pytest.approx(abs(error))
        assert row["rmse_low"] == pytest.approx(row["rmse_high"])
    drama = of(found, "genre", "Drama")
    assert drama["events"] == of(found, ALL, ALL)["events"] == 300
    assert drama["rmse_low"] < drama["rmse"] < drama["rmse_high"]


def test_a_result_without_segments_has_those_of_its_setting(found: pl.DataFrame) -> None:
    activity = found.filter(pl.col("dimension") == "activity")
    by_model = activity.select("model", "segment", "events").partition_by(
        "model", include_key=False
    )
    assert by_model[0].equals(by_model[1])
    assert activity["segment"].to_list()[:4] == ["1-5", "6-20", "21-100", "1-5"]
    assert of(found, ALL, ALL)["covered"] == 1
    assert of(found, ALL, ALL, "mean")["covered"] is None
