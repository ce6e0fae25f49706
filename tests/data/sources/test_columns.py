"""Columns that the caller names."""

from pathlib import Path

import polars as pl
import pytest

from foreseen.data.canonical import load_data, load_ratings
from foreseen.data.sources.columns import parse_columns
from foreseen.errors import DataError, InputError

ROWS = [(2, 1, 3.5, 1_112_486_027), (1, 2, 5.0, 1_112_486_028)]
NAMES = {"user": "who", "item": "film seen", "rating": "grade", "time": "when"}
POSITIONS = {"user": 3, "movie": 1, "rating": 4, "timestamp": 2}


def text(header: str, separator: str = ",") -> str:
    rows = ["1,1112486027,2,3.5,a", "2,1112486028,1,5,b"]
    return "\n".join([header, *rows, ""][not header :]).replace(",", separator)


@pytest.mark.parametrize("separator", [",", "\t", ";", "::", "|"])
def test_columns_are_named_by_the_header(separator: str, tmp_path: Path) -> None:
    header = "Film Seen,when,who,grade,note"
    (tmp_path / "log.txt").write_text("\n" + text(header, separator))
    tables = load_data(tmp_path / "log.txt", columns=NAMES)
    assert tables.ratings.rows() == ROWS
    assert load_ratings(tmp_path / "log.txt", columns=NAMES).rows() == ROWS


@pytest.mark.parametrize("header", ["", "a,b,c,d,e", "film,date,user,score,note"])
@pytest.mark.parametrize("separator", [",", "\t", "::"])
def test_columns_are_named_by_position(separator: str, header: str, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(text(header, separator))
    assert load_data(tmp_path / "log.txt", columns=POSITIONS).ratings.rows() == ROWS


def test_columns_that_are_recognised_need_no_name(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(text("item,time,user,mark,rating"))
    assert load_data(tmp_path / "log.csv", columns={"rating": "mark"}).ratings.rows() == ROWS


def test_tables_of_every_kind_get_the_names(tmp_path: Path) -> None:
    table = pl.DataFrame(ROWS, schema=["who", "film seen", "grade", "when"], orient="row")
    table = table.with_columns(rating=pl.lit(1), note=pl.lit("x"))
    table.write_parquet(tmp_path / "a.parquet")
    table.write_ndjson(tmp_path / "a.jsonl")
    table.write_json(tmp_path / "a.json")
    (tmp_path / "folder").mkdir()
    table.write_csv(tmp_path / "folder" / "ratings.csv")
    for name in ("a.parquet", "a.jsonl", "a.json", "folder"):
        assert load_data(tmp_path / name, columns=NAMES).ratings.rows() == ROWS, name


def test_a_canonical_folder_is_read_by_other_columns(tmp_path: Path) -> None:
    table = pl.DataFrame(ROWS, schema=["who", "film seen", "grade", "when"], orient="row")
    table.write_parquet(tmp_path / "ratings.parquet")
    assert load_data(tmp_path, columns=NAMES).ratings.rows() == ROWS


def test_a_view_has_only_a_user_and_a_movie(tmp_path: Path) -> None:
    (tmp_path / "seen.csv").write_text("who,what\n1,2\n1,3\n")
    views = load_data(tmp_path / "seen.csv", columns={"user": "who", "item": "what"})
    assert views.manifest.ratings == 2
    (tmp_path / "seen.csv").write_text("1,2\n1,3\n")
    views = load_data(tmp_path / "seen.csv", columns={"user": 1, "item": 2})
    assert views.manifest.ratings == 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user": "uid"}, r"no column 'uid'.*Received: Film, when, who, grade, note"),
        ({"user": 6}, r"no column '6'"),
        ({"user": 0}, r"no column '0'"),
        ({"user": "who"}, r"no column movieId, rating.*Received: Film, when"),
        ({"user": "who", "item": "who"}, r"column 'who' is named twice"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_a_column_that_the_file_lacks_is_refused_with_those_that_it_has(
    kind: str, columns: dict[str, str | int], message: str, tmp_path: Path
) -> None:
    file = tmp_path / f"log.{kind}"
    (tmp_path / "log.csv").write_text(text("Film,when,who,grade,note"))
    table = pl.read_csv(tmp_path / "log.csv")
    if kind == "parquet":
        table.write_parquet(file)
    elif kind == "json":
        table.write_json(file)
    if "movieId" in message:
        message = message.replace("movieId, rating", "(movieId, )?rating")
    with pytest.raises(DataError, match=message):
        load_data(file, columns=columns)


@pytest.mark.parametrize("words", ["", "user", "user=", "=uid", "who=uid", "user=a,,item=b"])
def test_an_argument_that_names_no_columns_is_refused(words: str) -> None:
    with pytest.raises(InputError, match="user=uid,item=film,rating=score,time=when"):
        parse_columns(words)


def test_a_column_that_is_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match="named twice"):
        parse_columns("item=a,movie=b")
    assert parse_columns("USER=a=b, time=3") == {"userId": "a=b", "timestamp": "3"}
