"""The profile of a data set: summary statistics, pictures, and an HTML report of both."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.schema import GENRES, MOVIE, RATING, TIMESTAMP, USER, YEAR
from foreseen.html_report import Picture, write_html

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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


def write_profile(tables: Tables, out: Path) -> None:
    """Write the profile as one self-contained HTML file.

    Raises:
        InputError: If Jinja2 or matplotlib is not installed.
    """
    decoded = tables.decoded()
    write_html(
        out,
        tables.manifest.source,
        [],
        _summary_rows(tables),
        profile_pictures(tables),
        [
            ("First rows of the ratings", decoded.ratings.columns, decoded.ratings.head(8).rows()),
            (
                "First rows of the movies",
                decoded.movies.columns,
                _movie_rows(decoded.movies.head(8)),
            ),
        ],
    )


def _movie_rows(movies: pl.DataFrame) -> list[tuple[Any, ...]]:
    return movies.with_columns(pl.col(GENRES).list.join(", ")).rows()


def _summary_rows(tables: Tables) -> list[tuple[str, str]]:
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


def profile_pictures(tables: Tables) -> list[Picture]:
    """Return pictures of the distributions of ratings, users and movies."""
    ratings = tables.decoded().ratings.with_columns(
        rating_year=pl.from_epoch(pl.col(TIMESTAMP)).dt.year(), is_half=pl.col(RATING) % 1 != 0
    )
    scale = tables.encoding.scale
    unit = "stars" if scale.is_stars else str(scale)
    halves = "half-star ratings" if scale.is_stars else "ratings between whole numbers"
    steps = ("whole stars", "half stars") if scale.is_stars else ("whole numbers", "others")
    by_genre = ratings.join(tables.decoded().movies, on=MOVIE).explode(GENRES).drop_nulls(GENRES)
    return [
        (
            f"Ratings per year; the dotted line marks the first {halves}",
            partial(_draw_ratings_per_year, ratings, steps),
        ),
        ("Mean rating per year", partial(_draw_mean_per_year, ratings, unit)),
        ("Distribution of ratings", partial(_draw_rating_distribution, ratings, unit)),
        (
            "Ratings per user and per movie, in descending order",
            partial(_draw_ratings_by_rank, ratings),
        ),
        (
            "Ratings per genre; a movie counts in each of its genres",
            partial(_draw_ratings_per_genre, by_genre, unit),
        ),
        ("Movies per release year", partial(_draw_movies_per_year, tables.movies)),
    ]


def _draw_ratings_per_year(ratings: pl.DataFrame, steps: tuple[str, str], axes: "Axes") -> None:
    first_half = ratings.filter("is_half")["rating_year"].min()
    counts = ratings.group_by("rating_year", "is_half").len().sort("rating_year")
    for half, label, colour in zip((False, True), steps, ("#4477aa", "#ee6677"), strict=True):
        part = counts.filter(pl.col("is_half") == half)
        bottom = None
        if half:
            whole = dict(counts.filter(~pl.col("is_half")).select("rating_year", "len").rows())
            bottom = [whole.get(year, 0) for year in part["rating_year"]]
        axes.bar(
            part["rating_year"].to_list(),
            part["len"].to_list(),
            bottom=bottom,
            label=label,
            color=colour,
        )
    if first_half is not None:
        axes.axvline(float(str(first_half)) - 0.5, color="black", linestyle=":")
    axes.legend()
    axes.set_ylabel("ratings")


def _draw_rating_distribution(ratings: pl.DataFrame, unit: str, axes: "Axes") -> None:
    counts = ratings[RATING].value_counts().sort(RATING)
    axes.bar(counts[RATING].to_list(), counts["count"].to_list(), width=0.4, color="#4477aa")
    axes.set_xlabel(unit)
    axes.set_ylabel("ratings")


def _draw_mean_per_year(ratings: pl.DataFrame, unit: str, axes: "Axes") -> None:
    yearly = ratings.group_by("rating_year").agg(pl.col(RATING).mean()).sort("rating_year")
    axes.plot(
        yearly["rating_year"].to_list(), yearly[RATING].to_list(), marker="o", color="#4477aa"
    )
    axes.set_ylabel(f"mean rating ({unit})")
    axes.grid(alpha=0.3)


def _draw_ratings_by_rank(ratings: pl.DataFrame, axes: "Axes") -> None:
    for column, label in ((USER, "users"), (MOVIE, "movies")):
        counts = np.sort(ratings[column].value_counts()["count"].to_numpy())[::-1]
        axes.loglog(np.arange(1, len(counts) + 1), counts, label=label)
    axes.set_xlabel("rank by number of ratings")
    axes.set_ylabel("ratings")
    axes.legend()
    axes.grid(alpha=0.3)


def _draw_ratings_per_genre(ratings: pl.DataFrame, unit: str, axes: "Axes") -> None:
    genres = ratings.group_by(GENRES).agg(pl.len(), pl.col(RATING).mean()).sort("len")
    bars = axes.barh(genres[GENRES].to_list(), genres["len"].to_list(), color="#4477aa")
    axes.bar_label(bars, [f" {mean:.2f}" for mean in genres[RATING]], fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlabel(f"ratings (bars), mean rating, {unit} (labels)")


def _draw_movies_per_year(movies: pl.DataFrame, axes: "Axes") -> None:
    years = movies[YEAR].drop_nulls().value_counts().sort(YEAR)
    axes.bar(years[YEAR].to_list(), years["count"].to_list(), color="#4477aa")
    axes.set_xlabel("release year")
    axes.set_ylabel("movies")
