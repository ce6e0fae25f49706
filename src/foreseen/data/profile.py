"""What a data set is like: one HTML page, pictures first, that needs no network."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foreseen.data.canonical import Tables
from foreseen.html_report import Picture, write_page
from foreseen.data.schema import GENRES, MOVIE, RATING, TIMESTAMP, USER, YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def facts(tables: Tables) -> dict[str, Any]:
    """Return the numbers that tell what a data set is like."""
    manifest = tables.manifest
    halves = tables.ratings.filter(pl.col(RATING) % 1 != 0)[TIMESTAMP]
    per_user = tables.ratings[USER].value_counts()["count"].to_numpy()
    per_movie = tables.ratings[MOVIE].value_counts()["count"].to_numpy()
    cells = manifest.users * manifest.rated_movies
    return {
        **vars(manifest),
        "density": manifest.ratings / cells,
        "mean_rating": float(tables.ratings[RATING].to_numpy().mean()),
        "median_ratings_per_user": float(np.median(per_user)),
        "median_ratings_per_movie": float(np.median(per_movie)),
        "movies_rated_once": int((per_movie == 1).sum()),
        "first_half_star": int(halves.to_numpy().min()) if len(halves) else None,
    }


def write_description(tables: Tables, out: Path) -> None:
    """Draw the data set into one self-contained HTML file.

    Raises:
        InputError: If the libraries that draw are not installed.
    """
    write_page(
        out,
        tables.manifest.source,
        [],
        _fact_lines(tables),
        pictures(tables),
        [
            ("Ratings, first rows", tables.ratings.columns, tables.ratings.head(8).rows()),
            ("Movies, first rows", tables.movies.columns, _movie_rows(tables.movies.head(8))),
        ],
    )


def _movie_rows(movies: pl.DataFrame) -> list[tuple[Any, ...]]:
    return movies.with_columns(pl.col(GENRES).list.join(", ")).rows()


def _fact_lines(tables: Tables) -> list[tuple[str, str]]:
    known = facts(tables)
    half = known["first_half_star"]
    return [
        ("ratings", f"{known['ratings']:,}"),
        ("users", f"{known['users']:,}"),
        ("movies in the catalogue", f"{known['movies']:,}"),
        ("movies rated", f"{known['rated_movies']:,}"),
        ("movies rated once", f"{known['movies_rated_once']:,}"),
        ("share of cells filled", f"{known['density']:.2%}"),
        ("first rating", day(known["first"])),
        ("last rating", day(known["last"])),
        ("mean rating", f"{known['mean_rating']:.2f}"),
        ("scale", f"{known['lowest']:g} to {known['highest']:g}"),
        ("half stars since", day(half) if half is not None else "never"),
        ("ratings per user, median", f"{known['median_ratings_per_user']:g}"),
        ("ratings per movie, median", f"{known['median_ratings_per_movie']:g}"),
        ("ratings in the same second as the user's one before", f"{known['ties']:,}"),
        ("rated movies without metadata", f"{known['movies_without_metadata']:,}"),
    ]


def day(timestamp: int) -> str:
    """Return a timestamp's date, in UTC."""
    return datetime.fromtimestamp(timestamp, tz=UTC).strftime("%d %B %Y").lstrip("0")


def pictures(tables: Tables) -> list[Picture]:
    """Return the titles of the pictures, and the functions that draw them."""
    ratings = tables.ratings.with_columns(
        when=pl.from_epoch(pl.col(TIMESTAMP)).dt.year(), half=pl.col(RATING) % 1 != 0
    )
    first_half = ratings.filter("half")["when"].min()

    def per_year(axes: "Axes") -> None:
        counts = ratings.group_by("when", "half").len().sort("when")
        for half, label, colour in (
            (False, "whole stars", "#4477aa"),
            (True, "half stars", "#ee6677"),
        ):
            part = counts.filter(pl.col("half") == half)
            below = None
            if half:
                whole = dict(counts.filter(~pl.col("half")).select("when", "len").rows())
                below = [whole.get(year, 0) for year in part["when"]]
            axes.bar(
                part["when"].to_list(),
                part["len"].to_list(),
                bottom=below,
                label=label,
                color=colour,
            )
        if first_half is not None:
            axes.axvline(float(str(first_half)) - 0.5, color="black", linestyle=":")
        axes.legend()
        axes.set_ylabel("ratings")

    def histogram(axes: "Axes") -> None:
        counts = ratings[RATING].value_counts().sort(RATING)
        axes.bar(counts[RATING].to_list(), counts["count"].to_list(), width=0.4, color="#4477aa")
        axes.set_xlabel("stars")
        axes.set_ylabel("ratings")

    def level(axes: "Axes") -> None:
        yearly = ratings.group_by("when").agg(pl.col(RATING).mean()).sort("when")
        axes.plot(yearly["when"].to_list(), yearly[RATING].to_list(), marker="o", color="#4477aa")
        axes.set_ylabel("mean stars")
        axes.grid(alpha=0.3)

    def activity(axes: "Axes") -> None:
        for column, label in ((USER, "users"), (MOVIE, "movies")):
            counts = np.sort(ratings[column].value_counts()["count"].to_numpy())[::-1]
            axes.loglog(np.arange(1, len(counts) + 1), counts, label=label)
        axes.set_xlabel("rank")
        axes.set_ylabel("ratings")
        axes.legend()
        axes.grid(alpha=0.3)

    def by_genre(axes: "Axes") -> None:
        genres = (
            ratings.join(tables.movies, on=MOVIE)
            .explode(GENRES)
            .drop_nulls(GENRES)
            .group_by(GENRES)
            .agg(pl.len(), pl.col(RATING).mean())
            .sort("len")
        )
        bars = axes.barh(genres[GENRES].to_list(), genres["len"].to_list(), color="#4477aa")
        axes.bar_label(bars, [f" {mean:.2f}" for mean in genres[RATING]], fontsize=7)
        axes.tick_params(axis="y", labelsize=7)
        axes.set_xlabel("ratings, and their mean stars")

    def by_release(axes: "Axes") -> None:
        years = tables.movies[YEAR].drop_nulls().value_counts().sort(YEAR)
        axes.bar(years[YEAR].to_list(), years["count"].to_list(), color="#4477aa")
        axes.set_xlabel("year of release")
        axes.set_ylabel("movies")

    return [
        ("Ratings per year, and where half stars begin", per_year),
        ("Mean rating per year", level),
        ("Ratings by stars", histogram),
        ("Ratings per user and per movie, from the most active down", activity),
        ("Ratings by genre, a movie counting for each of its genres", by_genre),
        ("Movies by year of release", by_release),
    ]
