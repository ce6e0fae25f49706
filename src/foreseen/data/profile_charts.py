"""The charts of a data set's profile, which can be filtered by segment."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.profile import format_date
from foreseen.data.schema import GENRES, MOVIE, RATING, TIMESTAMP, USER, YEAR
from foreseen.reports.page import Choice, Figure, Section

SEGMENT: Final = "segment"
ALL: Final = "all"
_EDGES: Final = (5, 20, 100, 500)
_BUCKETS: Final = ("1-5", "6-20", "21-100", "101-500", ">500")
_RANKS: Final = 60
"""Number of points of a line by rank."""


def count_ratings(tables: Tables) -> pl.DataFrame:
    """Return numbers of ratings by dimension, segment, year and rating.

    Args:
        tables: The data, as in the source.
    """
    ratings = tables.ratings.select(
        USER, MOVIE, RATING, when=pl.from_epoch(pl.col(TIMESTAMP)).dt.year()
    )

    def bucket(column: str) -> pl.DataFrame:
        counted = ratings.group_by(column).len("count")
        places = np.searchsorted(_EDGES, counted["count"].to_numpy(), side="left")
        return counted.select(column, segment=pl.Series(np.array(_BUCKETS)[places]))

    by_movie = ratings.group_by(MOVIE, "when", RATING).len("count")
    movies = tables.movies.select(
        MOVIE, genre=pl.col(GENRES), decade=(pl.col(YEAR) // 10 * 10).cast(pl.String) + "s"
    )
    described = by_movie.join(movies, on=MOVIE, how="left")
    parts = {
        ALL: by_movie.with_columns(segment=pl.lit(ALL)),
        "Genre": described.explode("genre").rename({"genre": SEGMENT}),
        "Release of the movie": described.rename({"decade": SEGMENT}),
        "Ratings of the movie": by_movie.join(bucket(MOVIE), on=MOVIE),
        "Ratings of the user": ratings.join(bucket(USER), on=USER)
        .group_by(SEGMENT, "when", RATING)
        .len("count"),
    }
    order = pl.col(SEGMENT).replace_strict(
        {name: place for place, name in enumerate(_BUCKETS)}, default=-1, return_dtype=pl.Int32
    )
    return pl.concat(
        part.drop_nulls(SEGMENT)
        .group_by(SEGMENT, "when", RATING)
        .agg(pl.col("count").sum())
        .sort(order, SEGMENT, "when", RATING)
        .select(pl.lit(name).alias("dimension"), SEGMENT, "when", RATING, "count")
        for name, part in parts.items()
    )


def segment_choice(counts: pl.DataFrame) -> Choice:
    """Return the list of segments that filters the charts, with their numbers of ratings."""
    groups: dict[str, dict[str, str]] = {}
    sums = counts.group_by("dimension", SEGMENT, maintain_order=True).agg(pl.col("count").sum())
    for dimension, segment, count in sums.iter_rows():
        text = "all" if dimension == ALL else segment
        group = "" if dimension == ALL else dimension
        groups.setdefault(group, {})[_key(dimension, segment)] = f"{text} ({count:,})"
    return Choice(SEGMENT, "Ratings", groups)


def _key(dimension: str, segment: str) -> str:
    return ALL if dimension == ALL else f"{dimension}: {segment}"


def profile_sections(
    tables: Tables, counts: pl.DataFrame, summary: Mapping[str, Any]
) -> Iterator[Section]:
    """Return the charts: over time, of the distributions, and by genre."""
    from foreseen.reports import chart_parts, charts, distributions

    scale = tables.encoding.scale
    unit = "stars" if scale.is_stars else str(scale)
    chosen = chart_parts.Filter(SEGMENT, ALL)
    behind = chart_parts.Filter(SEGMENT, ALL, ALL)
    keyed = counts.with_columns(
        key=pl.when(pl.col("dimension") == ALL)
        .then(pl.lit(ALL))
        .otherwise(pl.col("dimension") + ": " + pl.col(SEGMENT))
    )
    if tables.manifest.has_timestamps:
        steps = ("whole stars", "half stars") if scale.is_stars else ("whole numbers", "others")
        yearly = keyed.with_columns(
            part=pl.when(pl.col(RATING) % 1 == 0).then(pl.lit(steps[0])).otherwise(pl.lit(steps[1]))
        )
        by_part = yearly.group_by("key", "when", "part", maintain_order=True).agg(
            pl.col("count").sum()
        )
        means = keyed.group_by("key", "when", maintain_order=True).agg(
            value=(pl.col(RATING) * pl.col("count")).sum() / pl.col("count").sum()
        )
        half = summary["first_half_star"]
        first = format_date(half) if half is not None else None
        text = f"The first of the {steps[1]} is of {first}." if first else ""
        ends = means.filter(pl.col("key") == ALL)["value"]
        yield Section(
            "Over time",
            text,
            [
                Figure(
                    "Ratings per year",
                    distributions.columns(
                        [
                            {"x": row[1], "part": row[2], "value": row[3], SEGMENT: row[0]}
                            for row in by_part.iter_rows()
                        ],
                        unit="ratings",
                        x_title="year",
                        selected=chosen,
                        colours={steps[0]: chart_parts.ACCENT, steps[1]: chart_parts.SERIES[1]},
                    ),
                    columns=2,
                ),
                Figure(
                    "Mean rating per year",
                    distributions.followed_line(
                        [
                            {"x": row[1], "value": row[2], SEGMENT: row[0]}
                            for row in means.iter_rows()
                        ],
                        unit=unit,
                        x_title="year",
                        domain=_wide(ends),
                        selected=behind,
                    ),
                    "Grey: all ratings.",
                    columns=2,
                ),
            ],
        )
    shares = (
        keyed.group_by("key", RATING, maintain_order=True)
        .agg(pl.col("count").sum())
        .with_columns(value=100 * pl.col("count") / pl.col("count").sum().over("key"))
    )
    values = sorted(shares[RATING].unique())
    step = float(np.diff(values).min()) if len(values) > 1 else 1.0
    genres = _means(keyed, "Genre")
    most = max((row["ratings"] for row in genres), default=0) / 1000
    figures = [
        Figure(
            "Ratings by value, in percent",
            distributions.columns(
                [{"x": row[1], "value": row[3], SEGMENT: row[0]} for row in shares.iter_rows()],
                unit="percent",
                x_title=unit,
                step=step,
                decimals=1,
                selected=behind,
            ),
            "Grey lines: all ratings.",
            columns=2,
        ),
        Figure(
            "Ratings by rank",
            distributions.rank_plot(
                _ranks(tables), {"users": chart_parts.SERIES[1], "movies": chart_parts.ACCENT}
            ),
            "Users and movies in descending order of their ratings; both axes are logarithmic.",
            columns=2,
        ),
    ]
    yield Section("How ratings are distributed", "", figures)
    if genres:
        yield Section(
            "By genre",
            "A movie counts in each of its genres. The dotted line is the mean of all ratings.",
            [
                Figure(
                    f"Mean rating ({unit})",
                    charts.dot_plot(
                        genres,
                        unit=unit,
                        domain=chart_parts.padded([row["value"] for row in genres], 0.15),
                        decimals=2,
                        marks={summary["mean_rating"]: "all"},
                        colours={row["name"]: chart_parts.ACCENT for row in genres},
                    ),
                    columns=2,
                ),
                Figure(
                    "Ratings, in thousands",
                    charts.dot_plot(
                        [
                            {
                                "name": row["name"],
                                "value": row["ratings"] / 1000,
                                "low": 0,
                                "high": None,
                            }
                            for row in genres
                        ],
                        unit="thousand ratings",
                        decimals=1,
                        domain=(-0.02 * most, 1.05 * most),
                        colours={row["name"]: chart_parts.ACCENT for row in genres},
                    ),
                    columns=2,
                ),
            ],
        )


def _wide(means: pl.Series) -> tuple[float, float]:
    """Return a domain for means of segments, wider than that of all ratings."""
    low, high = means.to_numpy().min(), means.to_numpy().max()
    space = max(high - low, 0.2)
    return float(low - space), float(high + space)


def _means(keyed: pl.DataFrame, dimension: str) -> list[dict[str, Any]]:
    """Return the segments of a dimension with their mean and number of ratings, highest first."""
    table = (
        keyed.filter(pl.col("dimension") == dimension)
        .group_by(SEGMENT, maintain_order=True)
        .agg(
            value=(pl.col(RATING) * pl.col("count")).sum() / pl.col("count").sum(),
            ratings=pl.col("count").sum(),
        )
    )
    return [
        {
            "name": row[SEGMENT],
            "value": row["value"],
            "ratings": row["ratings"],
            "low": None,
            "high": None,
        }
        for row in table.sort("value", SEGMENT, descending=[True, False]).iter_rows(named=True)
    ]


def _ranks(tables: Tables) -> list[dict[str, Any]]:
    """Return numbers of ratings at ranks that are evenly spaced on a logarithmic scale."""
    rows: list[dict[str, Any]] = []
    for column, label in ((USER, "users"), (MOVIE, "movies")):
        counts = np.sort(tables.ratings[column].value_counts()["count"].to_numpy())[::-1]
        ranks = np.unique(np.geomspace(1, len(counts), _RANKS).astype(int))
        rows += [{"series": label, "x": int(r), "value": int(counts[r - 1])} for r in ranks]
    return rows
