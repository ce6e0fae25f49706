"""The profile of a data set."""

from pathlib import Path

import polars as pl
import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.data.canonical import load_data
from foreseen.data.profile import format_date, summarise
from foreseen.data.profile_charts import count_ratings
from foreseen.data.profile_page import write_profile
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


def test_labels_are_in_units_of_the_scale_of_the_data(tmp_path: Path) -> None:
    rows = [(user, movie, float(movie), 10 * movie) for user in (1, 2) for movie in range(1, 11)]
    write_profile(load_data(rows), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8").split('id="charts">')[1]
    charts = page.split("</script>")[0]
    assert "star" not in charts.replace('"start', "")
    assert "1 to 10" in charts


def test_ratings_are_counted_once_in_each_dimension_and_in_every_genre() -> None:
    rows = [(1, "Alien", 1979, ["Horror"]), (2, "Heat", 1995, ["Crime", "Drama"])]
    movies = pl.DataFrame(rows, schema=MOVIES_SCHEMA, orient="row")
    ratings = ratings_of((1, 1, 3.0, 10), (1, 2, 4.5, 20), (2, 1, 4.0, 40_000_000))
    counts = count_ratings(tables_of(ratings, movies))
    sums = {key: part["count"].sum() for (key,), part in counts.group_by("dimension")}
    assert sums == {
        "all": 3, "Genre": 4, "Release of the movie": 3, "Ratings of the movie": 3,
        "Ratings of the user": 3,
    }  # fmt: skip
    horror = counts.filter(pl.col("segment") == "Horror")
    assert horror["when"].to_list() == [1970, 1971]
    decades = counts.filter(pl.col("dimension") == "Release of the movie")["segment"]
    assert set(decades) == {"1970s", "1990s"}


def test_ratings_without_timestamps_have_no_dates(tmp_path: Path) -> None:
    write_profile(load_data([(1, 1, 4.5), (1, 2, 3.0)]), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "without a timestamp" in page
    assert "1 January 1970" not in page
