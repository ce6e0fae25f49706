"""Tables of other programs get the checks that text gets."""

from pathlib import Path

import polars as pl
import pytest
from tests.conftest import ratings_of as frame_of

from foreseen.data.canonical import load_data
from foreseen.data.schema import MOVIES_SCHEMA, RATINGS_SCHEMA
from foreseen.data.sources.frames import conform, ratings_of
from foreseen.errors import DataError

RATINGS = frame_of((1, 2, 4.0, 1_112_486_027), (2, 2, 3.5, 1_112_486_028))


@pytest.mark.parametrize(
    "table",
    [
        RATINGS,
        RATINGS.cast(pl.String),
        RATINGS.cast({"userId": pl.Float64, "movieId": pl.UInt64, "rating": pl.Float32}),
        RATINGS.cast({"userId": pl.Int16, "movieId": pl.UInt8}),
        RATINGS.with_columns(pl.from_epoch("timestamp")),
        RATINGS.with_columns(pl.from_epoch("timestamp").dt.replace_time_zone("UTC")),
        RATINGS.with_columns(pl.col("timestamp") * 1000),
        RATINGS.with_columns(extra=1).select(pl.all().reverse()).reverse().select(*RATINGS.columns),
    ],
)
def test_columns_of_other_types_give_the_same_ratings(table: pl.DataFrame) -> None:
    ratings, bad = ratings_of(table, "f.parquet")
    assert not bad
    assert ratings.drop("line").equals(RATINGS)
    assert ratings.drop("line").schema == RATINGS_SCHEMA


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("rating", float("nan"), "rating should be finite"),
        ("rating", None, "rating should be a number. Received: nothing"),
        ("userId", None, "userId is missing"),
        ("timestamp", -1, "timestamp should be 0 or more"),
        ("timestamp", True, "timestamp should be a number. Received: 'True'"),
    ],
)
def test_a_bad_value_is_reported_with_its_row(column: str, value: object, reason: str) -> None:
    values = pl.Series(column, [1, value] if column != "rating" else [4.0, value], strict=False)
    if isinstance(value, bool):
        values = pl.Series(column, [value, value])
    _, bad = ratings_of(RATINGS.with_columns(values), "f.parquet")
    assert bad[-1].line == 2
    assert bad[-1].reason.startswith(reason)


@pytest.mark.parametrize("values", [[[1], [2]], [b"1", b"2"]])
def test_ids_that_are_neither_numbers_nor_texts_are_refused(values: list[object]) -> None:
    with pytest.raises(DataError, match="column userId should have numbers or texts"):
        ratings_of(RATINGS.with_columns(pl.Series("userId", values)), "f.parquet")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"movieId": [1, 1]}, "movie 1 is listed twice"),
        ({"movieId": [1, None]}, "f, row 2: movieId should be"),
        ({"genres": [1, 2]}, "column genres should be of type"),
    ],
)
def test_movies_with_other_values_are_refused(
    changes: dict[str, list[object]], message: str
) -> None:
    movies = pl.DataFrame(
        {"movieId": [1, 2], "title": ["a", "b\x1b"], "year": [1, 2], "genres": ["x|y", ""]}
    )
    assert conform(movies, MOVIES_SCHEMA, "f").rows() == [
        (1, "a", 1, ["x", "y"]),
        (2, "b", 2, []),
    ]
    changed = movies.with_columns(pl.Series(name, values) for name, values in changes.items())
    with pytest.raises(DataError, match=message):
        conform(changed, MOVIES_SCHEMA, "f")


def test_a_parquet_file_that_ends_its_reader_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "ratings.parquet"
    RATINGS.write_parquet(file, compression="uncompressed", statistics=False)
    content = file.read_bytes()
    file.write_bytes(content[:4] + b"\xff" * 40 + content[44:])
    with pytest.raises(DataError) as caught:
        load_data(tmp_path)
    assert "is not a valid Parquet file" in str(caught.value)
    assert str(caught.value).isprintable()
