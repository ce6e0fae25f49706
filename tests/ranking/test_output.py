"""Rankings of all users as files."""

import json
from pathlib import Path

import polars as pl

from foreseen.ranking.output import write_all_rankings

TABLE = pl.DataFrame(
    {
        "userId": [7, 7, 3],
        "rank": [1, 2, 1],
        "movieId": [31, 10, 31],
        "prediction": [4.5, 4.25, 3.0],
        "likely": [0.125, 0.0, 0.0000001],
    }
)


def test_csv_and_parquet_have_a_row_per_movie(tmp_path: Path) -> None:
    write_all_rankings(TABLE, tmp_path / "all.parquet")
    assert pl.read_parquet(tmp_path / "all.parquet").equals(TABLE)
    write_all_rankings(TABLE, tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text().splitlines()[:2] == [
        "userId,rank,movieId,prediction,likely",
        "7,1,31,4.500000,0.125000",
    ]


def test_json_has_an_object_per_user_in_the_order_of_the_table(tmp_path: Path) -> None:
    write_all_rankings(TABLE, tmp_path / "all.json")
    first, second = json.loads((tmp_path / "all.json").read_text())
    assert (first["userId"], first["known"], second["userId"]) == (7, True, 3)
    assert [movie["movieId"] for movie in first["recommendations"]] == [31, 10]
    assert first["recommendations"][0] == {"movieId": 31, "prediction": 4.5, "likely": 0.125}
