"""The profile of a data set: summary statistics."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from foreseen.data.canonical import Manifest, Tables
from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER


def summarise(tables: Tables) -> dict[str, Any]:
    """Return the manifest's fields and further summary statistics, by name.

    `density` is the share of (user, rated movie) pairs that have a rating; `first_half_star` the
    timestamp of the first half-star rating, such as 3.5, or None.
    """
    manifest, tables = tables.manifest, tables.decoded()
    halves = tables.ratings.filter(pl.col(RATING) % 1 != 0)[TIMESTAMP]
    per_user = tables.ratings[USER].value_counts()["count"].to_numpy()
    per_movie = tables.ratings[MOVIE].value_counts()["count"].to_numpy()
    pairs = manifest.users * manifest.rated_movies
    return {
        **manifest.as_json(),
        "density": manifest.ratings / pairs,
        "mean_rating": float(tables.ratings[RATING].to_numpy().mean()),
        "median_ratings_per_user": float(np.median(per_user)),
        "median_ratings_per_movie": float(np.median(per_movie)),
        "movies_rated_once": int((per_movie == 1).sum()),
        "first_half_star": int(halves.to_numpy().min()) if len(halves) else None,
    }


def summary_rows(tables: Tables) -> list[tuple[str, str]]:
    """Return the summary as labels and values for people."""
    summary = summarise(tables)
    half, scale = summary["first_half_star"], tables.encoding.scale
    first_half = "half-star rating" if scale.is_stars else "rating between whole numbers"

    def date(timestamp: int) -> str:
        return format_date(timestamp) if tables.manifest.has_timestamps else "without a timestamp"

    return [
        ("ratings", f"{summary['ratings']:,}"),
        ("users", f"{summary['users']:,}"),
        ("movies", f"{summary['movies']:,}"),
        ("movies with ratings", f"{summary['rated_movies']:,}"),
        ("movies with one rating", f"{summary['movies_rated_once']:,}"),
        ("density (ratings / users x rated movies)", f"{summary['density']:.2%}"),
        ("first rating", date(summary["first"])),
        ("last rating", date(summary["last"])),
        ("mean rating", f"{summary['mean_rating']:.2f}"),
        ("rating scale", f"{summary['lowest']:g} to {summary['highest']:g}"),
        (f"first {first_half}", date(half) if half is not None else "never"),
        ("median ratings per user", f"{summary['median_ratings_per_user']:g}"),
        ("median ratings per movie", f"{summary['median_ratings_per_movie']:g}"),
        ("ratings tied in time (same user and second)", f"{summary['ties']:,}"),
        ("rated movies without metadata", f"{summary['movies_without_metadata']:,}"),
    ]


def format_date(timestamp: int) -> str:
    """Return the UTC date of a timestamp, such as 9 January 1995."""
    return datetime.fromtimestamp(timestamp, tz=UTC).strftime("%d %B %Y").lstrip("0")


def data_line(manifest: Manifest) -> str:
    """Return the name of a data set with its number of ratings and their dates."""
    line = f"{manifest.source}, {manifest.ratings:,} ratings"
    if not manifest.has_timestamps:
        return f"{line}, without timestamps"
    return f"{line}, {format_date(manifest.first)} to {format_date(manifest.last)}"
