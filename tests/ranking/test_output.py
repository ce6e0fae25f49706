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


def blocks(folder: Path) -> list[Path]:
    """Return the files of two blocks of users, and of one without rows between them."""
    files = [folder / f"{number}.parquet" for number in range(3)]
    for file, part in zip(files, (TABLE[:2], TABLE[:0], TABLE[2:]), strict=True):
        part.write_parquet(file)
    return files


def test_columns_are_replaced_in_every_format(tmp_path: Path) -> None:
    decoded = [pl.col("userId").replace_strict([7, 3], ["ann", "bob"])]
    for extension in (".parquet", ".csv", ".json"):
        write_all_rankings(blocks(tmp_path), decoded, tmp_path / f"all{extension}")
    rows = pl.read_parquet(tmp_path / "all.parquet")["userId"].to_list()
    assert rows == pl.read_csv(tmp_path / "all.csv")["userId"].to_list() == ["ann", "ann", "bob"]
    users = json.loads((tmp_path / "all.json").read_text())
    assert [user["userId"] for user in users] == ["ann", "bob"]


def test_csv_and_parquet_have_a_row_per_movie(tmp_path: Path) -> None:
    files = blocks(tmp_path)
    write_all_rankings(files, [], tmp_path / "all.parquet")
    assert pl.read_parquet(tmp_path / "all.parquet").equals(TABLE)
    write_all_rankings(files, [], tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text().splitlines()[:2] == [
        "userId,rank,movieId,prediction,likely",
        "7,1,31,4.500000,0.125000",
    ]


def test_json_has_an_object_per_user_in_the_order_of_the_table(tmp_path: Path) -> None:
    write_all_rankings(blocks(tmp_path), [], tmp_path / "all.json")
    first, second = json.loads((tmp_path / "all.json").read_text())
    assert (first["userId"], first["known"], second["userId"]) == (7, True, 3)
    assert [movie["movieId"] for movie in first["recommendations"]] == [31, 10]
    assert first["recommendations"][0] == {"movieId": 31, "prediction": 4.5, "likely": 0.125}
