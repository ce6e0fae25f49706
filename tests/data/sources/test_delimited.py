"""Parsing of delimited ratings files."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import write_folder
from tests.data.samples import RATINGS_CSV

from foreseen.data.canonical import load_data
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.data.sources.delimited import read_ratings
from foreseen.data.sources.detection import ALIASES, COMMA, columns_of
from foreseen.data.text import decode
from foreseen.errors import DataError


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
def test_equivalent_files_give_equal_ratings(text: str) -> None:
    ratings, bad = read_ratings(text.encode(), "ratings.csv", COMMA)
    assert not bad
    assert ratings.drop("line").rows() == [(2, 1, 3.5, 100), (1, 2, 5.0, 50), (1, 1, 4.0, 50)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,3,six,7", "line 5: rating should be a number. Received: 'six'"),
        ("1,3,nan,7", "line 5: rating should be finite"),
        (",3,4,7", "line 5: userId is missing"),
        ("1, ,4,7", "line 5: movieId is missing"),
        ("1,a\x07b,4,7", "line 5: movieId should have no control characters"),
        ("1," + 300 * "a" + ",4,7", "line 5: movieId should have at most 200 characters"),
        ("1,3,4,", "line 5: timestamp should be a number. Received: nothing"),
        ("1,3,4,1260759144000", "milliseconds?"),
        ("1,3,4,-1", "line 5: timestamp should be 0 or more"),
        ("1,3,4", "line 5: a row should have 4 fields. Received: 3"),
        ("1,3,4,7,8", "line 5: a row should have 4 fields. Received: 5"),
    ],
)
def test_a_bad_row_is_reported_with_its_file_and_line(row: str, reason: str) -> None:
    ratings, bad = read_ratings((RATINGS_CSV + row + "\n").encode(), "ratings.csv", COMMA)
    assert ratings.height == 3
    assert [entry.text for entry in bad] == [row]
    assert str(bad[0]).startswith("ratings.csv, ")
    assert reason in str(bad[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"userId,movieId,genre\n1,2,3\n", "line 1: no column rating"),
        (b"userId,movieId,rating,timestamp\n", "has no ratings"),
        (b"PK\x03\x04\x00\x00\x00", "binary"),
        ("userId,movieId\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_without_ratings_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_data(write_folder(tmp_path, content))


def test_text_is_decoded_from_utf_8_or_latin_1() -> None:
    for encoding in ("utf-8", "utf-8-sig", "latin-1"):
        assert decode("Amélie".encode(encoding), "f") == "Amélie"


def test_the_first_of_two_columns_with_the_same_meaning_is_used() -> None:
    assert columns_of(["user", "userId", "item"], ALIASES) == {"userId": 0, "movieId": 2}


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


@given(ROWS, st.integers(0, 29), st.sampled_from(["a", "", "1e400", "nan"]))
@settings(max_examples=60, deadline=None)
def test_every_row_is_either_read_or_reported(
    rows: list[tuple[int, int, float, int]], position: int, bad_rating: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(list(RATINGS_SCHEMA))
    writer.writerows(rows)
    valid, bad = read_ratings(text.getvalue().encode(), "f.csv", COMMA)
    assert not bad
    assert valid.drop("line").rows() == rows
    assert valid["line"].to_list() == list(range(2, len(rows) + 2))
    position %= len(rows)
    lines = text.getvalue().splitlines()
    fields = lines[position + 1].split(",")
    lines[position + 1] = ",".join([*fields[:2], bad_rating, fields[3]])
    valid, bad = read_ratings("\n".join(lines).encode(), "f.csv", COMMA)
    assert [row.line for row in bad] == [position + 2]
    assert valid.height == len(rows) - 1
