"""The file layouts of GroupLens data sets."""

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import zstandard
from tests.conftest import write_folder
from tests.data.samples import MOVIES_CSV, RATINGS_CSV

from foreseen.data.canonical import load_data, load_ratings
from foreseen.data.sources.movies import read_movies
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
    movies, bad = read_movies(data, "movies.csv")
    assert not bad
    assert movies.rows() == [(7, "Heat", 1996, []), (8, "Alien", None, [])]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Title (1999),Drama", "movieId is missing"),
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
        read_movies(b"movieId,genres\n1,Drama\n", "movies.csv")


ROWS = [(2, 1, 3.5, 1_112_486_027), (1, 2, 5.0, 1_112_486_028)]


def gz(text: str) -> bytes:
    return gzip.compress(text.encode())


def zst(text: str) -> bytes:
    return zstandard.ZstdCompressor().compress(text.encode())


CSV = "userId,movieId,rating,timestamp\n2,1,3.5,1112486027\n1,2,5,1112486028\n"
PLAIN = CSV.split("\n", 1)[1]
DATES = CSV.replace("1112486027", "2005-04-02 23:53:47").replace(
    "1112486028", "2005-04-02T23:53:48Z"
)
OBJECT = '{"user": 2, "item": 1, "rating": 3.5, "timestamp": 1112486027}'
OTHER = '{"user": "1", "item": 2, "rating": 5, "timestamp": "1112486028"}'
FILES: dict[str, tuple[str, bytes]] = {
    "csv": ("r.csv", CSV.encode()),
    "blank lines first": ("r.csv", b"\n\n" + CSV.encode()),
    "tabs": ("r.tsv", CSV.replace(",", "\t").encode()),
    "tabs named csv": ("r.csv", CSV.replace(",", "\t").encode()),
    "semicolons": ("r.csv", CSV.replace(",", ";").encode()),
    "no header": ("r.csv", PLAIN.encode()),
    "colons": ("ratings.dat", PLAIN.replace(",", "::").encode()),
    "gzip": ("r.csv.gz", gz(CSV)),
    "zstandard": ("r.csv.zst", zst(CSV)),
    "dates": ("rating.csv", DATES.encode()),
    "milliseconds": (
        "r.csv",
        CSV.replace("1112486027", "1112486027000").replace("6028", "6028000").encode(),
    ),
    "recbole": (
        "ml.inter",
        b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        + PLAIN.replace(",", "\t").encode(),
    ),
    "pandas": (
        "r.csv",
        b",User_id,Item_id,Score,Timestamp\n0,2.0,1.0,3.5,1112486027.0\n1,1.0,2.0,5,1112486028.0\n",
    ),
    "json": ("r.json", f"[{OBJECT}, {OTHER}]".encode()),
    "json lines": ("r.jsonl", f"{OBJECT}\n\n{OTHER}\n".encode()),
}


@pytest.mark.parametrize("name", list(FILES))
def test_a_single_file_is_read_whatever_its_layout(name: str, tmp_path: Path) -> None:
    file, content = FILES[name]
    (tmp_path / file).write_bytes(content)
    assert load_data(tmp_path / file).ratings.rows() == ROWS
    assert load_ratings(tmp_path / file).rows() == ROWS


def test_parquet_with_other_names_and_types_is_read(tmp_path: Path) -> None:
    table = pl.DataFrame(ROWS, schema=["user_id", "item_id", "rating", "timestamp"], orient="row")
    table.with_columns(pl.from_epoch("timestamp")).write_parquet(tmp_path / "r.parquet")
    assert load_data(tmp_path / "r.parquet").ratings.rows() == ROWS


def test_without_timestamps_the_order_of_the_rows_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating\n2,1,3.5\n1,2,5\n")
    assert load_data(tmp_path / "r.csv").ratings.rows() == [(2, 1, 3.5, 0), (1, 2, 5.0, 1)]
    assert "has no timestamps" in caplog.text


def test_movies_of_other_layouts_are_read(tmp_path: Path) -> None:
    (tmp_path / "ml.inter").write_text(CSV.replace(",", "\t"))
    (tmp_path / "ml.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\n1\tHeat\t1995\n"
    )
    assert load_data(tmp_path).movies.row(0) == (1, "Heat", 1995, [])
    movies, bad = read_movies(b"1.0;Heat (1995);['Action', 'Crime']\n", "movies.csv")
    assert not bad
    assert movies.rows() == [(1, "Heat", 1995, ["Action", "Crime"])]


def test_the_files_of_kaggle_are_read(tmp_path: Path) -> None:
    (tmp_path / "rating.csv").write_text(DATES)
    (tmp_path / "movie.csv").write_text(MOVIES_CSV)
    (tmp_path / "link.csv").write_text("movieId,imdbId,tmdbId\n1,0114709,862\n")
    (tmp_path / "tag.csv").write_text(
        'userId,movieId,tag,timestamp\n2,1,"a, b",2009-04-24 18:19:40\n'
    )
    tables = load_data(tmp_path)
    assert tables.ratings.rows() == ROWS
    assert tables.links is not None
    assert tables.links.rows() == [(1, "0114709", "862")]
    assert tables.tags is not None
    assert tables.tags.rows() == [(2, 1, "a, b", 1240597180)]


def test_another_separator_than_that_of_the_header_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.tsv").write_text("userId,movieId,rating\n1\t2\t3\n")
    message = r"r\.tsv, line 2: its fields are separated by '\\t', those of the header by ','"
    with pytest.raises(DataError, match=message):
        load_data(tmp_path / "r.tsv")


def test_two_data_sets_are_never_mixed(tmp_path: Path) -> None:
    write_folder(tmp_path / "one", RATINGS_CSV)
    write_folder(tmp_path / "two" / "deeper", RATINGS_CSV, MOVIES_CSV)
    assert load_data(tmp_path).movies["title"].null_count() == 2
    write_folder(tmp_path / "three", RATINGS_CSV)
    with pytest.raises(DataError, match="several data sets: one, three"):
        load_data(tmp_path)


@pytest.mark.parametrize("compress", [gz, zst])
def test_a_compressed_file_that_expands_too_far_is_refused(
    tmp_path: Path, compress: Callable[[str], bytes]
) -> None:
    (tmp_path / "r.csv.gz").write_bytes(compress(" " * (65 << 20)))
    with pytest.raises(DataError, match="over 100 times"):
        load_data(tmp_path / "r.csv.gz")
    (tmp_path / "r.csv.gz").write_bytes(compress(CSV)[:-12])
    with pytest.raises(DataError, match="is damaged"):
        load_data(tmp_path / "r.csv.gz")
