import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import write_folder, zip_folder

from foreseen.data.canonical import Tables, load_data, write_tables
from foreseen.errors import DataError
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.data.sources.delimited import COMMA, read_ratings

MOVIES = 'movieId,title,genres\n1,Toy Story (1995),Animation|Comedy\n2,"Heat, The (1995)",Crime\n'
RATINGS = "userId,movieId,rating,timestamp\n2,1,3.5,100\n1,2,5,50\n1,1,4.0,50\n"


def test_the_built_in_data_set_has_the_published_counts(real: Tables) -> None:
    manifest = real.manifest
    assert (manifest.ratings, manifest.users, manifest.movies) == (100_004, 671, 9_066)
    assert (manifest.lowest, manifest.highest) == (0.5, 5.0)
    assert real.movies.filter(pl.col("title").is_null()).height == 5


def test_a_csv_folder_and_the_same_zip_give_the_same_tables_in_time_order(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", RATINGS, MOVIES)
    tables = load_data(folder)
    assert tables.ratings.rows() == [(1, 1, 4.0, 50), (1, 2, 5.0, 50), (2, 1, 3.5, 100)]
    assert tables.movies.rows() == [
        (1, "Toy Story", 1995, ["Animation", "Comedy"]),
        (2, "Heat, The", 1995, ["Crime"]),
    ]
    zipped = load_data(zip_folder(folder, tmp_path / "set.zip"))
    assert zipped.ratings.equals(tables.ratings)
    assert zipped.movies.equals(tables.movies)
    assert zipped.manifest.sha256 == tables.manifest.sha256


def test_the_layout_of_ml_100k_is_read(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("196\t242\t3\t881250949\n186\t242\t4\t891717742\n")
    flags = "|".join("1" if n in {5, 8} else "0" for n in range(19))
    line = f"242|Kolya é (1996)|24-Jan-1997||http://us.imdb.com/|{flags}\n"
    (tmp_path / "u.item").write_bytes(line.encode("latin-1"))
    tables = load_data(tmp_path)
    assert tables.ratings["rating"].to_list() == [3.0, 4.0]
    assert tables.movies.rows() == [(242, "Kolya é", 1996, ["Comedy", "Drama"])]


def test_the_layout_of_ml_1m_is_read(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::1193::5::978300760\n1::661::3.5::978302109\n")
    (tmp_path / "movies.dat").write_text("661::James: A Peach (1996)::Animation|Children's\n")
    tables = load_data(tmp_path)
    assert tables.ratings.rows() == [(1, 1193, 5.0, 978300760), (1, 661, 3.5, 978302109)]
    assert tables.movies.rows()[0] == (661, "James: A Peach", 1996, ["Animation", "Children"])
    assert tables.manifest.movies_without_metadata == 1


@pytest.mark.parametrize(
    "text",
    [
        "user,item,rating,timestamp\n2,1,3.5,100\n1,2,5,50\n1,1,4.0,50\n",
        "USERID,MovieId,Rating,TIMESTAMP\r\n2,1,3.5,100\r\n1,2,5,50\r\n1,1,4.0,50\r\n",
        "\ufeffuserId,movieId,rating,timestamp\n2,1,3.5,100\n1,2,5,50\n1,1,4.0,50",
        'userId,movieId,rating,timestamp\n"2","1","3.5","100"\n1,2,5,50\n1,1,4.0,50\n',
        "timestamp,extra,rating,movieId,userId\n100,x,3.5,1,2\n50,y,5,2,1\n50,,4.0,1,1\n",
        "userId,movieId,rating,timestamp\n2,1,3.5,100.0\n1,2,5,50\n\n1,1,4.0,50\n\n",
        "userId,movieId,rating,timestamp\n 2 , 1 , 3.5 , 100 \n1,2,5,50\n1,1,4.0,50\n",
    ],
    ids=["generic", "crlf", "bom", "quoted", "other order", "floats and blank lines", "spaces"],
)
def test_ways_of_writing_the_same_ratings_read_alike(tmp_path: Path, text: str) -> None:
    tables = load_data(write_folder(tmp_path, text))
    assert tables.ratings.rows() == [(1, 1, 4.0, 50), (1, 2, 5.0, 50), (2, 1, 3.5, 100)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,3,six,7", "line 5: rating should be a number. Received: 'six'"),
        ("1,3,6,7", "line 5: rating should be on the scale 0.5 to 5.0. Received: 6"),
        ("1,3,0,7", "line 5: rating should be on the scale"),
        ("1,3,nan,7", "line 5: rating should be finite"),
        ("x,3,4,7", "line 5: userId should be a number"),
        ("1.5,3,4,7", "line 5: userId should be a whole number"),
        ("1,-3,4,7", "line 5: movieId should be a whole number of 0 or more"),
        ("1,3,4,", "line 5: timestamp should be a number. Received: nothing"),
        ("1,3,4,1260759144000", "milliseconds?"),
        ("1,3,4,-1", "line 5: timestamp should be 0 or more"),
        ("1,3,4", "line 5: 3 fields where 4 are due"),
        ("1,3,4,7,8", "line 5: 5 fields where 4 are due"),
        ("1,2,1,60", "line 5: user 1 has rated movie 2 already, in line 3"),
    ],
)
def test_a_bad_row_is_refused_with_its_file_and_line(tmp_path: Path, row: str, reason: str) -> None:
    folder = write_folder(tmp_path, RATINGS + row + "\n")
    with pytest.raises(DataError) as caught:
        load_data(folder)
    assert reason in str(caught.value)
    assert "ratings.csv" in str(caught.value)
    assert "--skip-bad-rows" in str(caught.value)


def test_skipped_rows_are_written_to_a_file_and_counted(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", RATINGS + "1,3,six,7\n1,2,1,60\n")
    tables = load_data(folder, tmp_path / "bad.csv")
    assert tables.ratings.height == 3
    assert tables.manifest.bad_rows == 2
    with (tmp_path / "bad.csv").open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["5", "6"]


def test_only_the_first_ten_bad_rows_are_shown_with_the_count(tmp_path: Path) -> None:
    bad = "".join(f"1,{n},bad,1\n" for n in range(25))
    with pytest.raises(DataError, match="25 bad rows") as caught:
        load_data(write_folder(tmp_path, RATINGS + bad))
    assert len(str(caught.value).splitlines()) == 12
    assert "and 15 more" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"userId,movieId,rating\n1,2,3\n", "no column timestamp"),
        (b"userId,movieId,rating,timestamp\n", "holds no rating"),
        (b"PK\x03\x04\x00\x00\x00", "binary"),
        ("userId,movieId\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_that_holds_no_ratings_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_data(write_folder(tmp_path, content))


def test_a_folder_without_ratings_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=r"holds no ratings.*notes\.txt"):
        load_data(tmp_path)


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    whole = zip_folder(write_folder(tmp_path / "set", RATINGS), tmp_path / "set.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="whole zip"):
        load_data(tmp_path / "cut.zip")


def test_a_name_that_is_nothing_lists_the_names_that_are() -> None:
    with pytest.raises(DataError, match="ml-25m"):
        load_data("no-such-data")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,Title (1999),Drama", "movieId should be a whole number"),
        ("1,Again (1999),Drama", "stands in the file already"),
        ("3,Comma, unquoted (1999),Drama", "4 fields where 3"),
    ],
)
def test_a_bad_movie_is_refused_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    folder = write_folder(tmp_path, RATINGS, MOVIES + row + "\n")
    with pytest.raises(DataError, match=f"movies.csv, line 4: .*{reason}"):
        load_data(folder)


def test_a_rated_movie_that_the_movies_file_lacks_is_kept_and_counted(tmp_path: Path) -> None:
    tables = load_data(write_folder(tmp_path, RATINGS + "1,99,2,60\n", MOVIES))
    assert tables.manifest.movies_without_metadata == 1
    assert tables.movies.row(-1) == (99, None, None, [])


def test_links_and_tags_are_read_where_present(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, RATINGS, MOVIES)
    (folder / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0114709,862\n2,0113277,\n")
    (folder / "tags.csv").write_text('userId,movieId,tag,timestamp\n2,1,"funny, fast",90\n')
    tables = load_data(folder)
    assert tables.links is not None
    assert tables.links.rows() == [(1, "0114709", "862"), (2, "0113277", None)]
    assert tables.tags is not None
    assert tables.tags.rows() == [(2, 1, "funny, fast", 90)]


def test_canonical_tables_come_back_from_parquet_as_they_were(
    tmp_path: Path, small: Tables
) -> None:
    write_tables(small, tmp_path / "canonical")
    back = load_data(tmp_path / "canonical")
    assert back.ratings.equals(small.ratings)
    assert back.movies.equals(small.movies)


def test_a_damaged_manifest_is_refused(tmp_path: Path, small: Tables) -> None:
    write_tables(small, tmp_path)
    for text in ("{", "[]", "{}"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(DataError, match="damaged"):
            load_data(tmp_path)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path, small: Tables) -> None:
    write_tables(small, tmp_path)
    (tmp_path / "ratings.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="no sound Parquet"):
        load_data(tmp_path)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**40),
        st.integers(0, 2**40),
        st.sampled_from([n / 2 for n in range(1, 11)]),
        st.integers(0, 4_000_000_000),
    ),
    min_size=1,
    max_size=30,
)


@given(ROWS, st.integers(0, 29), st.sampled_from(["a", "", "9", "1e400", "-1"]))
@settings(max_examples=60, deadline=None)
def test_every_row_is_either_read_or_reported(
    rows: list[tuple[int, int, float, int]], place: int, spoilt: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(list(RATINGS_SCHEMA))
    writer.writerows(rows)
    sound, bad = read_ratings(text.getvalue().encode(), "f.csv", COMMA)
    assert not bad
    assert sound.drop("line").rows() == rows
    assert sound["line"].to_list() == list(range(2, len(rows) + 2))
    place %= len(rows)
    lines = text.getvalue().splitlines()
    fields = lines[place + 1].split(",")
    lines[place + 1] = ",".join([*fields[:2], spoilt, fields[3]])
    sound, bad = read_ratings("\n".join(lines).encode(), "f.csv", COMMA)
    assert [row.line for row in bad] == [place + 2]
    assert sound.height == len(rows) - 1
