"""Tables of different types that callers pass."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.tabular import as_table, checked_ids, checked_pairs, checked_ratings
from foreseen.errors import DataError, InputError

ROWS = [(1, "tt1", 4.0, 100), (2, "tt2", 3.5, 200)]
FRAME = pl.DataFrame(ROWS, schema=["userId", "movieId", "rating", "timestamp"], orient="row")


class PandasLike:
    """The part of a pandas data frame that is used: columns of NumPy arrays."""

    iloc = None

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self.columns = list(columns)
        self._values = columns

    def __getitem__(self, name: str) -> pl.Series:
        return pl.Series(self._values[name], dtype=pl.Object)


@pytest.mark.parametrize(
    "data",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_dict(as_series=False),
        FRAME.to_dicts(),
        ROWS,
        [list(row) for row in ROWS],
        np.array(ROWS, dtype=object),
        PandasLike(FRAME.to_dict(as_series=False)),
        FRAME.select("timestamp", film="movieId", user="userId", stars="rating"),
        FRAME.cast({"userId": pl.Float64, "timestamp": pl.String}),
    ],
    ids=lambda data: type(data).__name__,
)
def test_ratings_of_any_common_type_are_read(data: object) -> None:
    ratings, has_timestamps = checked_ratings(data, STARS, 0)
    assert ratings.rows() == ROWS
    assert has_timestamps


def test_ratings_without_timestamps_follow_the_log_in_their_order() -> None:
    ratings, has_timestamps = checked_ratings(FRAME.drop("timestamp"), STARS, 500)
    assert ratings["timestamp"].to_list() == [500, 501]
    assert not has_timestamps


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([(1, 2, float("nan"), 5)], "ratings, row 1: rating should be finite"),
        ([(1, 2, 4.0, 5), (1, None, 4.0, 5)], "ratings, row 2: movieId is missing"),
        ([(1, 2, 9.0, 5)], "ratings, row 1: rating should be on the scale 0.5 to 5. Received: 9"),
        ([(1, 2, 4.0, -5)], "ratings, row 1: timestamp should be 0 or more"),
        ([(1, 2, "many", 5)], "ratings, row 1: rating should be a number. Received: 'many'"),
        ([(1, 2, 4.0), (1, 2)], "rows differ in length"),
        (5, "Received: int"),
        ("ratings.csv", "Received: str"),
        (np.zeros(3), "Received: ndarray"),
        ({"userId": [1], "movieId": [1, 2]}, "ratings should be a Polars"),
    ],
)
def test_wrong_ratings_are_refused_with_their_row(data: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        checked_ratings(data, STARS, 0)
    assert message in str(caught.value)


def test_many_wrong_rows_are_counted() -> None:
    with pytest.raises(InputError, match=r"row 1: .*; row 3: .*; and 2 more rows$"):
        checked_ratings([(n, 2, float("inf"), 5) for n in range(5)], STARS, 0)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="no column rating"):
        checked_ratings(FRAME.rename({"rating": "points"}), STARS, 0)


def test_ratings_are_checked_against_the_scale_of_the_data() -> None:
    rated = FRAME.with_columns(rating=pl.Series([10.0, 7.0]))
    assert checked_ratings(rated, RatingScale(1, 10, 1), 0)[0]["rating"].to_list() == [10, 7]


@pytest.mark.parametrize(
    "times",
    [[100, 200], [100.0, 200.0], pl.Series([100_000, 200_000]).cast(pl.Datetime("ms"))],
)
def test_timestamps_of_pairs_may_be_dates(times: list[int] | pl.Series) -> None:
    pairs = FRAME.select("userId", "movieId").with_columns(timestamp=pl.Series(times))
    given, checked = checked_pairs(pairs)
    assert given.equals(pairs)
    assert checked["timestamp"].to_list() == [100, 200]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"userId": [1, None], "movieId": [1, 2]}, "pairs, row 2: userId is missing"),
        ({"userId": [1], "movieId": [1], "timestamp": [-4]}, "pairs, row 1: timestamp should be 0"),
        ({"userId": [1], "movieId": [1], "timestamp": [None]}, "pairs, row 1: timestamp should be"),
    ],
)
def test_wrong_pairs_are_refused_with_their_row(pairs: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        checked_pairs(pairs)
    assert message in str(caught.value)


def test_one_id_or_several_are_accepted() -> None:
    assert checked_ids("15", "user") == [15]
    assert checked_ids(["007", "x", 1.0], "user") == ["007", "x", 1]
    assert checked_ids(15, "user") == [15]
    assert checked_ids(np.array([1, 2]), "user") == [1, 2]
    assert checked_ids(pl.Series(["a", "b"]), "user") == ["a", "b"]
    for wrong in (1.5, None, True, [b"x"]):
        with pytest.raises(InputError, match="user ids should be whole numbers or texts"):
            checked_ids(wrong, "user")


def test_no_rows_are_an_empty_table() -> None:
    assert as_table([], "ratings", ["userId", "movieId"]).columns == ["userId", "movieId"]
