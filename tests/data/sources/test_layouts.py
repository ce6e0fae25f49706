"""The file layouts of GroupLens data sets."""

from pathlib import Path

import pytest
from tests.conftest import write_folder
from tests.data.samples import MOVIES_CSV, RATINGS_CSV

from foreseen.data.canonical import load_data
from foreseen.data.sources.layouts import read_movies
from foreseen.errors import DataError


def test_the_csv_layout_is_read(tmp_path: Path) -> None:
    tables = load_data(write_folder(tmp_path, RATINGS_CSV, MOVIES_CSV))
    assert tables.movies.rows() == [
        (1, "Toy Story", 1995, ["Animation", "Comedy"]),
        (2, "Heat, The", 1995, ["Crime"]),
    ]


def test_the_ml_100k_layout_is_read(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("196\t242\t3\t881250949\n186\t242\t4\t891717742\n")
    flags = "|".join("1" if n in {5, 8} else "0" for n in range(19))
    line = f"242|Kolya é (1996)|24-Jan-1997||http://us.imdb.com/|{flags}\n"
    (tmp_path / "u.item").write_bytes(line.encode("latin-1"))
    tables = load_data(tmp_path)
    assert tables.ratings["rating"].to_list() == [3.0, 4.0]
    assert tables.movies.rows() == [(242, "Kolya é", 1996, ["Comedy", "Drama"])]


def test_the_ml_1m_layout_is_read(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::1193::5::978300760\n1::661::3.5::978302109\n")
    (tmp_path / "movies.dat").write_text("661::James: A Peach (1996)::Animation|Children's\n")
    tables = load_data(tmp_path)
    assert tables.ratings.rows() == [(1, 1193, 5.0, 978300760), (1, 661, 3.5, 978302109)]
    assert tables.movies.rows()[0] == (661, "James: A Peach", 1996, ["Animation", "Children"])
    assert tables.manifest.movies_without_metadata == 1


def test_a_year_column_takes_precedence_over_the_title() -> None:
    data = b"item,name,year\n7,Heat (1995),1996\n8,Alien,\n"
    movies, bad = read_movies(data, "movies.csv", ",")
    assert not bad
    assert movies.rows() == [(7, "Heat", 1996, []), (8, "Alien", None, [])]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,Title (1999),Drama", "movieId should be a whole number"),
        ("1,Again (1999),Drama", "movie 1 is listed twice"),
        ("3,Comma, unquoted (1999),Drama", "should have 3 fields. Received: 4"),
    ],
)
def test_a_bad_movie_is_refused_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    folder = write_folder(tmp_path, RATINGS_CSV, MOVIES_CSV + row + "\n")
    with pytest.raises(DataError, match=rf"movies\.csv, line 4: .*{reason}"):
        load_data(folder)


def test_a_movies_file_without_titles_is_refused() -> None:
    with pytest.raises(DataError, match=r"movies\.csv, line 1: no column title"):
        read_movies(b"movieId,genres\n1,Drama\n", "movies.csv", ",")
