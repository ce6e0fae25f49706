"""The profile of a data set."""

from pathlib import Path

import polars as pl
import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.data.canonical import load_data
from foreseen.data.profile import format_date, profile_pictures, summarise, write_profile
from foreseen.data.schema import MOVIES_SCHEMA


def test_the_summary_extends_the_manifest() -> None:
    ratings = ratings_of((1, 1, 3.0, 10), (1, 2, 4.5, 20), (1, 3, 4.5, 20), (2, 1, 4.0, 30))
    tables = tables_of(ratings)
    summary = summarise(tables)
    assert tables.manifest.as_json().items() <= summary.items()
    assert summary["density"] == pytest.approx(4 / 6)
    assert summary["mean_rating"] == 4.0
    assert summary["median_ratings_per_user"] == 2
    assert summary["median_ratings_per_movie"] == 1
    assert summary["movies_rated_once"] == 2
    assert summary["first_half_star"] == 20


def test_whole_stars_only_have_no_first_half_star() -> None:
    assert summarise(tables_of(ratings_of((1, 1, 3.0, 10))))["first_half_star"] is None


def test_dates_are_in_utc() -> None:
    assert format_date(0) == "1 January 1970"
    assert format_date(789_652_009) == "9 January 1995"


def test_every_picture_can_be_drawn() -> None:
    figure = pytest.importorskip("matplotlib.figure")
    rows = [(1, "Alien", 1979, ["Horror"]), (2, "Heat", 1995, ["Crime", "Drama"])]
    movies = pl.DataFrame(rows, schema=MOVIES_SCHEMA, orient="row")
    ratings = ratings_of((1, 1, 3.0, 10), (1, 2, 4.5, 20), (2, 1, 4.0, 40_000_000))
    pictures = profile_pictures(tables_of(ratings, movies))
    assert len({title for title, _ in pictures}) == 6
    for _, draw in pictures:
        axes = figure.Figure().subplots()
        draw(axes)
        assert axes.has_data()


def test_labels_are_in_units_of_the_scale_of_the_data() -> None:
    figure = pytest.importorskip("matplotlib.figure")
    rows = [(user, movie, float(movie), 10 * movie) for user in (1, 2) for movie in range(1, 11)]
    tables = load_data(rows)
    drawn: list[str] = []
    for title, draw in profile_pictures(tables):
        axes = figure.Figure().subplots()
        draw(axes)
        legend = axes.get_legend()
        texts = [entry.get_text() for entry in legend.get_texts()] if legend else []
        drawn += [title, axes.get_xlabel(), axes.get_ylabel(), *texts]
    assert not [text for text in drawn if "star" in text]
    assert {"1 to 10", "mean rating (1 to 10)"} <= set(drawn)


def test_ratings_without_timestamps_have_no_dates(tmp_path: Path) -> None:
    write_profile(load_data([(1, 1, 4.5), (1, 2, 3.0)]), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "without a timestamp" in page
    assert "1 January 1970" not in page
