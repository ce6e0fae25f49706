"""The profile of a data set as a page: is it fit for training, how is it distributed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.profile import data_line, format_date, summarise, summary_rows
from foreseen.data.profile_charts import count_ratings, profile_sections, segment_choice
from foreseen.data.schema import GENRES, MOVIE
from foreseen.reports.page import (
    Page,
    Provenance,
    Section,
    Table,
    Tile,
    Verdict,
    write_page,
)

_FEW: Final = 20_000
"""Below this number of ratings, the ensemble has no sequence model."""


def write_profile(tables: Tables, out: Path, command: str | None = None) -> None:
    """Write the profile as one self-contained HTML file.

    Args:
        tables: The data.
        out: The file.
        command: The command line that made it, if any.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    summary = summarise(tables)
    decoded = tables.decoded()
    counts = count_ratings(decoded)
    page = Page(
        "data",
        f"The data set {tables.manifest.source}",
        _answer(summary, tables),
        _tiles(summary, tables, decoded),
        [
            *profile_sections(tables, counts, summary),
            Section("All numbers", tables=_tables(tables, decoded)),
        ],
        Provenance(data_line(tables.manifest), command),
        (segment_choice(counts),),
    )
    write_page(out, page)


def _answer(summary: Mapping[str, Any], tables: Tables) -> str:
    size = (
        f"{summary['ratings']:,} ratings of {summary['rated_movies']:,} movies by "
        f"{summary['users']:,} users"
    )
    if not tables.encoding.scale.has_ratings:
        return f"{size}, without values: fit for rankings, not for predicting ratings."
    if not tables.manifest.has_timestamps:
        return f"{size}, without timestamps: fit for training, not for measuring drift."
    if summary["ratings"] < _FEW:
        return f"{size}: enough for all models but the sequence model, which needs {_FEW:,}."
    return f"{size}: fit for every model and for measuring drift."


def _tiles(summary: Mapping[str, Any], tables: Tables, decoded: Tables) -> list[Tile]:
    ratings, manifest = summary["ratings"], tables.manifest
    once = summary["movies_rated_once"] / summary["rated_movies"]
    counts = np.sort(decoded.ratings[MOVIE].value_counts()["count"].to_numpy())[::-1]
    top = counts[: max(1, len(counts) // 10)].sum() / ratings
    tied = summary["ties"] / ratings
    tiles = [
        Tile(
            "Ratings",
            f"{ratings:,}",
            f"median user {summary['median_ratings_per_user']:g}, "
            f"median movie {summary['median_ratings_per_movie']:g}",
            "good" if ratings >= _FEW else "fair",
        ),
        Tile(
            "Density",
            f"{summary['density']:.2%}",
            "of all pairs of user and rated movie; MovieLens 100K has 6.3%",
        ),
        Tile(
            "Rated once",
            f"{once:.0%}",
            f"of the movies; the most rated tenth has {top:.0%} of the ratings",
            _up_to(once, 0.5, 0.8),
        ),
    ]
    if manifest.has_timestamps:
        tiles.append(
            Tile(
                "Tied in time",
                f"{tied:.0%}",
                "share their user and second with an earlier rating: their order is unknown",
                _up_to(tied, 0.1, 0.7),
            )
        )
        years = (manifest.last - manifest.first) / (365.25 * 86_400)
        period = f"{format_date(manifest.first)} to {format_date(manifest.last)}"
        tiles.append(Tile("Period", f"{years:.1f} years", period))
    else:
        tiles.append(
            Tile("Period", "unknown", "no timestamps: the order of the rows is used", "fair")
        )
    missing = summary["movies_without_metadata"] / summary["rated_movies"]
    tiles.append(
        Tile(
            "Movies without metadata",
            f"{summary['movies_without_metadata']:,}",
            f"of {summary['rated_movies']:,} rated movies",
            _up_to(missing, 0.01, 0.2),
        )
    )
    return tiles


def _up_to(value: float, good: float, fair: float) -> Verdict:
    return "good" if value <= good else "fair" if value <= fair else "poor"


def _tables(tables: Tables, decoded: Tables) -> list[Table]:
    movies = decoded.movies.head(8).with_columns(pl.col(GENRES).list.join(", "))
    ratings = decoded.ratings
    return [
        Table("Summary", ["statistic", "value"], summary_rows(tables)),
        Table("First rows of the ratings", ratings.columns, ratings.head(8).rows()),
        Table("First rows of the movies", movies.columns, movies.rows()),
    ]
