"""Errors by segment of users and movies, for the charts of the report.

Intervals are 95 %, by linearisation of ratios of sums over users (Cochran, 1977), which takes one
pass for all models and segments; those of the metrics are by bootstrap.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl
from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]

from foreseen.data.canonical import Tables
from foreseen.data.schema import GENRES, HIGH, LOW, MOVIE, PREDICTION, RATING, USER, YEAR
from foreseen.evaluation.results import Result
from foreseen.evaluation.segments import ACTIVITY

ALL: Final = "all"
"""The dimension of the one segment that has all events."""
DIMENSIONS: Final = {
    "activity": "Known ratings of the user",
    "popularity": "Ratings of the movie",
    "year": "Release of the movie",
    "genre": "Genre",
}
"""The dimensions of segments, with their labels."""
_POPULARITY_EDGES: Final = (5, 20, 100, 500)
_POPULARITY: Final = ("1-5", "6-20", "21-100", "101-500", ">500")
_MIN_EVENTS: Final = 20
"""Smaller segments are left out."""


def segment_errors(results: Sequence[Result], tables: Tables) -> pl.DataFrame:
    """Return errors by model, setting and segment.

    Args:
        results: The results, in stars; models of one setting have the same events.
        tables: The data; popularity is counted in all of its ratings.

    Returns:
        model, setting, dimension (`ALL` or a key of `DIMENSIONS`), segment, events; rmse and bias
        (the mean of prediction less rating), each with `_low` and `_high`, on the scale of the
        data; `covered`, the share of ratings within the prediction interval, null in results
        without segments. Segments of a dimension are in their natural order.
    """
    movies = _movie_segments(tables)
    activity = {
        result.setting: result.events["activity"]
        for result in results
        if "activity" in result.events.columns
    }
    parts: list[pl.DataFrame] = []
    for result in results:
        has_segments = "activity" in result.events.columns
        error = (pl.col(PREDICTION) - pl.col(RATING)) * tables.encoding.scale.per_star
        events = result.events.select(
            USER,
            MOVIE,
            error=error,
            inside=pl.col(RATING).is_between(pl.col(LOW), pl.col(HIGH))
            if has_segments
            else pl.lit(None, pl.Boolean),
        )
        known = activity.get(result.setting)
        if known is not None and len(known) == events.height:
            events = events.with_columns(activity=known)
        found = pl.concat(list(_by_dimension(events, movies)))
        parts.append(
            found.select(
                pl.lit(result.model).alias("model"),
                pl.lit(result.setting).alias("setting"),
                pl.all(),
            )
        )
    return pl.concat(parts)


def _movie_segments(tables: Tables) -> pl.DataFrame:
    """Return a row per movie: bucket of its number of ratings, release decade, genres."""
    counts = tables.ratings.group_by(MOVIE).len("count")
    places = np.searchsorted(_POPULARITY_EDGES, counts["count"].to_numpy(), side="left")
    counts = counts.with_columns(popularity=pl.Series(np.array(_POPULARITY)[places]))
    return tables.movies.join(counts, on=MOVIE, how="left").select(
        MOVIE,
        "popularity",
        year=(pl.col(YEAR) // 10 * 10).cast(pl.String) + "s",
        genre=pl.col(GENRES),
    )


def _by_dimension(events: pl.DataFrame, movies: pl.DataFrame) -> Iterator[pl.DataFrame]:
    yield _errors(events.with_columns(segment=pl.lit(ALL)), ALL)
    orders = {"activity": list(ACTIVITY), "popularity": list(_POPULARITY)}
    described = events.join(movies, on=MOVIE, how="left", maintain_order="left")
    for dimension in DIMENSIONS:
        if dimension not in described.columns:
            continue
        table = described.explode("genre") if dimension == "genre" else described
        found = _errors(table.with_columns(segment=pl.col(dimension)), dimension)
        found = found.filter(pl.col("events") >= _MIN_EVENTS)
        order = orders.get(dimension) or sorted(found["segment"])
        places = {name: place for place, name in enumerate(order)}
        by = pl.col("segment").replace_strict(places, return_dtype=pl.Int64)
        yield found.sort(by)


def _errors(events: pl.DataFrame, dimension: str) -> pl.DataFrame:
    """Return RMSE, bias and coverage by the column `segment`."""
    per_user = events.drop_nulls("segment").group_by("segment", USER, maintain_order=True).agg(
        n=pl.len(),
        squares=(pl.col("error") ** 2).sum(),
        sums=pl.col("error").sum(),
        inside=pl.col("inside").sum(),
        judged=pl.col("inside").count(),
    )  # fmt: skip
    total, users = pl.col("n").sum(), pl.len()

    def half_width(column: str) -> pl.Expr:
        ratio = pl.col(column).sum() / total
        squares = ((pl.col(column) - ratio * pl.col("n")) ** 2).sum()
        return (squares * users / (users - 1)).sqrt() / total

    table = per_user.group_by("segment", maintain_order=True).agg(
        events=total.cast(pl.Int64),
        users=users,
        mse=pl.col("squares").sum() / total,
        mse_error=half_width("squares"),
        bias=pl.col("sums").sum() / total,
        bias_error=half_width("sums"),
        covered=pl.when(pl.col("judged").sum() > 0).then(
            pl.col("inside").sum() / pl.col("judged").sum()
        ),
    )
    quantile = pl.Series(stdtrit(table["users"].to_numpy().clip(2) - 1, 0.975))
    several = pl.col("users") > 1
    wide = {
        name: pl.when(several).then(pl.col(f"{name}_error") * quantile) for name in ("mse", "bias")
    }
    return table.select(
        pl.lit(dimension).alias("dimension"),
        "segment",
        "events",
        rmse=pl.col("mse").sqrt(),
        rmse_low=(pl.col("mse") - wide["mse"]).clip(0).sqrt(),
        rmse_high=(pl.col("mse") + wide["mse"]).sqrt(),
        bias="bias",
        bias_low=pl.col("bias") - wide["bias"],
        bias_high=pl.col("bias") + wide["bias"],
        covered="covered",
    )
