"""Reading of data sets by name, folder and zip."""

from pathlib import Path

import pytest
from tests.conftest import write_folder, zip_folder
from tests.data.samples import MOVIES_CSV, RATINGS_CSV

from foreseen.data.canonical import Tables, load_data, write_tables
from foreseen.data.sources import read_source
from foreseen.errors import DataError


def test_a_folder_and_its_zip_give_the_same_tables(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", RATINGS_CSV, MOVIES_CSV)
    tables = load_data(folder)
    zipped = load_data(zip_folder(folder, tmp_path / "set.zip"))
    assert zipped.ratings.equals(tables.ratings)
    assert zipped.movies.equals(tables.movies)
    assert zipped.manifest.sha256 == tables.manifest.sha256


def test_raw_ratings_keep_the_order_and_lines_of_the_file(tmp_path: Path) -> None:
    raw = read_source(write_folder(tmp_path / "set", RATINGS_CSV))
    assert raw.name == "set"
    assert raw.movies is None
    assert raw.ratings.rows() == [(2, 1, 3.5, 100, 2), (1, 2, 5.0, 50, 3), (1, 1, 4.0, 50, 4)]


def test_links_and_tags_are_read_if_present(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, RATINGS_CSV, MOVIES_CSV)
    (folder / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0114709,862\n2,0113277,\n")
    (folder / "tags.csv").write_text('userId,movieId,tag,timestamp\n2,1,"funny, fast",90\n')
    raw = read_source(folder)
    assert raw.links is not None
    assert raw.links.rows() == [(1, "0114709", "862"), (2, "0113277", None)]
    assert raw.tags is not None
    assert raw.tags.rows() == [(2, 1, "funny, fast", 90)]


def test_an_unknown_name_is_refused_with_the_known_names() -> None:
    with pytest.raises(DataError, match="ml-25m"):
        read_source("no-such-data")


def test_a_folder_without_ratings_is_refused_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=r"has no ratings file.*notes\.txt"):
        read_source(tmp_path)


def test_canonical_tables_survive_a_round_trip_through_parquet(
    tmp_path: Path, small: Tables
) -> None:
    write_tables(small, tmp_path / "canonical")
    loaded = load_data(tmp_path / "canonical")
    assert loaded.ratings.equals(small.ratings)
    assert loaded.movies.equals(small.movies)
    assert loaded.manifest.source == small.manifest.source


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, small: Tables, text: str) -> None:
    write_tables(small, tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="damaged"):
        read_source(tmp_path)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path, small: Tables) -> None:
    write_tables(small, tmp_path)
    (tmp_path / "ratings.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=r"is not the file that manifest\.json lists"):
        read_source(tmp_path)


def test_a_parquet_file_without_a_ratings_column_is_refused(tmp_path: Path, small: Tables) -> None:
    small.ratings.rename({"rating": "points"}).write_parquet(tmp_path / "ratings.parquet")
    with pytest.raises(DataError, match="no column rating"):
        read_source(tmp_path)
