"""Validation, deduplication and order of the canonical tables."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from tests.conftest import ratings_of, tables_of, write_folder
from tests.data.samples import MOVIES_CSV, RATINGS_CSV

from foreseen.data.canonical import (
    Tables,
    load_data,
    load_ratings,
    ratings_frame,
    tables_before,
    write_tables,
)
from foreseen.errors import DataError


def test_the_built_in_data_set_has_the_published_counts(real: Tables) -> None:
    manifest = real.manifest
    assert (manifest.ratings, manifest.users, manifest.movies) == (100_004, 671, 9_066)
    assert (manifest.lowest, manifest.highest) == (0.5, 5.0)
    assert real.movies.filter(pl.col("title").is_null()).height == 5


def test_ratings_are_sorted_by_time_user_and_movie(tmp_path: Path) -> None:
    tables = load_data(write_folder(tmp_path, RATINGS_CSV, MOVIES_CSV))
    assert tables.ratings.rows() == [(1, 1, 4.0, 50), (1, 2, 5.0, 50), (2, 1, 3.5, 100)]
    assert (tables.manifest.first, tables.manifest.last, tables.manifest.ties) == (50, 100, 1)


def test_a_duplicate_rating_is_refused_with_both_lines(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, RATINGS_CSV + "1,2,1,60\n")
    with pytest.raises(DataError) as caught:
        load_data(folder)
    assert "line 5: user 1 already rated movie 2 in line 3" in str(caught.value)
    assert "ratings.csv" in str(caught.value)
    assert "--skip-bad-rows" in str(caught.value)


def test_skipped_rows_are_listed_in_a_file_and_counted(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", RATINGS_CSV + "1,3,six,7\n1,2,1,60\n")
    with pytest.raises(DataError, match=r"2 of 5 rows are bad, more than 1\.00%"):
        load_data(folder, tmp_path / "bad.csv")
    assert not (tmp_path / "bad.csv").exists()
    tables = load_data(folder, tmp_path / "bad.csv", max_bad_rows=0.4)
    assert tables.ratings.height == 3
    assert tables.manifest.bad_rows == 2
    with (tmp_path / "bad.csv").open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["5", "6"]


def test_only_ten_bad_rows_are_shown_with_the_count(tmp_path: Path) -> None:
    bad = "".join(f"1,{n},bad,1\n" for n in range(25))
    with pytest.raises(DataError, match="25 bad rows") as caught:
        load_data(write_folder(tmp_path, RATINGS_CSV + bad))
    assert len(str(caught.value).splitlines()) == 12
    assert "and 15 more" in str(caught.value)


def test_a_rated_movie_missing_from_the_movies_file_is_added_and_counted(tmp_path: Path) -> None:
    tables = load_data(write_folder(tmp_path, RATINGS_CSV + "1,99,2,60\n", MOVIES_CSV))
    assert tables.manifest.movies_without_metadata == 1
    assert tables.movies.row(-1) == (99, None, None, [])


def test_a_single_ratings_file_is_read(tmp_path: Path) -> None:
    write_folder(tmp_path, RATINGS_CSV)
    assert load_ratings(tmp_path / "ratings.csv").equals(load_ratings(tmp_path))


def test_of_repeated_rows_the_last_is_kept() -> None:
    frame = ratings_frame([(1, 5, 4.0, 30), (1, 6, 3.0, 10), (1, 5, 2.0, 20)])
    assert frame.rows() == [(1, 6, 3.0, 10), (1, 5, 2.0, 20)]


def test_a_rating_on_the_boundary_is_excluded_from_tables_before() -> None:
    tables = tables_of(ratings_of((1, 1, 3.0, 10), (1, 2, 4.0, 20), (2, 1, 5.0, 30)))
    earlier = tables_before(tables, 20)
    assert earlier.ratings["timestamp"].to_list() == [10]
    assert (earlier.manifest.ratings, earlier.manifest.last) == (1, 10)
    assert earlier.movies.equals(tables.movies)
    with pytest.raises(DataError, match="before timestamp 10; the first is at 10"):
        tables_before(tables, 10)


def test_the_manifest_is_written_as_json(tmp_path: Path, small: Tables) -> None:
    write_tables(small, tmp_path)
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert document.items() >= small.manifest.as_json().items()
    assert {name: file["rows"] for name, file in document["files"].items()} == {
        "ratings.parquet": small.ratings.height,
        "movies.parquet": small.movies.height,
    }


def test_a_text_among_many_numbers_as_ids_is_pointed_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "".join(f"{n},1,4,{n}\n" for n in range(200))
    folder = write_folder(tmp_path, "userId,movieId,rating,timestamp\n" + rows + "6O,1,4,9\n")
    tables = load_data(folder)
    assert tables.decoded().ratings["userId"].dtype == pl.String()
    assert "1 of 201 values of userId are no whole numbers, such as '6O' in line 202" in caplog.text
    caplog.clear()
    load_data(write_folder(tmp_path, "userId,movieId,rating,timestamp\na,1,4,9\nb,1,4,9\n"))
    assert "whole numbers" not in caplog.text
