"""CSV input and output of pair predictions."""

from pathlib import Path

import polars as pl
import pytest

from foreseen.data.sources.pairs import read_pairs, write_predictions
from foreseen.errors import DataError


def test_pairs_keep_the_order_of_the_file_and_lose_other_columns(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("item,note,user,timestamp\n3,x,2,9\n1,,5,8.0\n3,x,2,9\n")
    pairs = read_pairs(file)
    assert pairs.columns == ["userId", "movieId", "timestamp"]
    assert pairs.rows() == [(2, 3, 9), (5, 1, 8), (2, 3, 9)]


def test_the_timestamp_is_optional(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("userId,movieId\n1,2\n")
    assert read_pairs(file).rows() == [(1, 2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("userId,genre\n1,2\n", r"pairs\.csv, line 1: no column movieId"),
        ("userId,movieId\n1,2\n1, \n", r"pairs\.csv, line 3: movieId is missing"),
        ("userId,movieId\n1\n", r"pairs\.csv, line 2: a row should have 2 fields. Received: 1"),
        ("", "is empty"),
    ],
)
def test_bad_pairs_are_refused_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        read_pairs(file)


def test_a_missing_pairs_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pairs\.csv cannot be read"):
        read_pairs(tmp_path / "pairs.csv")


def test_predictions_are_written_with_six_decimals(tmp_path: Path) -> None:
    file = tmp_path / "out" / "predictions.csv"
    write_predictions(pl.DataFrame({"userId": [1], "prediction": [10 / 3]}), file)
    assert file.read_text() == "userId,prediction\n1,3.333333\n"
