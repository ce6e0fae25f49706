"""Draw the built-in data set for the guide on the data pipeline."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foreseen.data.canonical import load_data
from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER


def draw_ratings_per_year(ratings: pl.DataFrame, axes: Axes) -> None:
    """Draw numbers of whole-star and half-star ratings, stacked."""
    year = pl.from_epoch(pl.col(TIMESTAMP)).dt.year()
    counts = ratings.group_by(year=year, half=pl.col(RATING) % 1 != 0).len().sort("year")
    whole = dict(counts.filter(~pl.col("half")).select("year", "len").rows())
    half = dict(counts.filter(pl.col("half")).select("year", "len").rows())
    axes.bar(list(whole), list(whole.values()), label="whole stars", color="#4477aa")
    bottom = [whole.get(year, 0) for year in half]
    axes.bar(list(half), list(half.values()), bottom=bottom, label="half stars", color="#ee6677")
    axes.axvline(min(half) - 0.5, color="black", linestyle=":")
    axes.legend()
    axes.set_ylabel("ratings")


def draw_ratings_by_rank(ratings: pl.DataFrame, axes: Axes) -> None:
    """Draw numbers of ratings of users and of movies, in descending order."""
    for column, label in ((USER, "users"), (MOVIE, "movies")):
        counts = np.sort(ratings[column].value_counts()["count"].to_numpy())[::-1]
        axes.loglog(np.arange(1, len(counts) + 1), counts, label=label)
    axes.set_xlabel("rank by number of ratings")
    axes.set_ylabel("ratings")
    axes.legend()
    axes.grid(alpha=0.3)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    table = load_data("ml-latest-small").ratings
    for name, draw in (
        ("ratings-per-year.png", draw_ratings_per_year),
        ("activity.png", draw_ratings_by_rank),
    ):
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        draw(table, figure.subplots())
        figure.savefig(folder / name, dpi=110)
