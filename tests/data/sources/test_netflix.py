"""The layout of the Netflix Prize."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.conftest import zip_folder

from foreseen.data.canonical import load_data
from foreseen.data.sources import netflix, read_source
from foreseen.errors import DataError

DAY = int(datetime(2005, 9, 6, tzinfo=UTC).timestamp())
PARTS = {
    "combined_data_1.txt": b"1:\n1488844,3,2005-09-06\n822109,5,2005-09-07\n2:\r\n"
    b"7,4,2005-09-06\r\n",
    "combined_data_2.txt": b"3:\n7,1,2005-09-08",
}
ROWS = [
    (7, 2, 4.0, DAY), (1488844, 1, 3.0, DAY), (822109, 1, 5.0, DAY + 86_400),
    (7, 3, 1.0, DAY + 2 * 86_400),
]  # fmt: skip
TITLES = "1,2003,Dinosaur Planet\n2,2004,Isle of Man, TT Review é\n3,NULL,Character\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "prize"
    folder.mkdir()
    for name, content in PARTS.items():
        (folder / name).write_bytes(content)
    (folder / "movie_titles.csv").write_bytes(TITLES.encode("latin-1"))
    (folder / "probe.txt").write_text("1:\n1488844\n")
    return folder


def test_combined_files_are_one_data_set(folder: Path, tmp_path: Path) -> None:
    tables = load_data(folder)
    assert tables.ratings.rows() == ROWS
    assert tables.movies.rows() == [
        (1, "Dinosaur Planet", 2003, []),
        (2, "Isle of Man, TT Review é", 2004, []),
        (3, "Character", None, []),
    ]
    assert set(tables.manifest.sha256) == {*PARTS, "movie_titles.csv"}
    assert load_data(zip_folder(folder, tmp_path / "prize.zip")).ratings.rows() == ROWS
    single = load_data(folder / "combined_data_1.txt")
    assert single.ratings.rows() == ROWS[:3]


def test_a_file_per_movie_has_its_titles_in_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "training_set").mkdir()
    (tmp_path / "training_set" / "mv_0000001.txt").write_text("1:\n7,3,2005-09-06\n")
    (tmp_path / "training_set" / "mv_0000002.txt").write_text("2:\n7,4,2005-09-06\n")
    (tmp_path / "movie_titles.txt").write_text(TITLES, "latin-1")
    tables = load_data(tmp_path)
    assert tables.ratings.rows() == [(7, 1, 3.0, DAY), (7, 2, 4.0, DAY)]
    assert tables.movies["title"].null_count() == 0


@pytest.mark.parametrize("size", [1, 20, 1000])
def test_blocks_of_any_size_give_the_same_ratings(
    size: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netflix, "_BLOCK", size)
    assert load_data(folder).ratings.rows() == ROWS
    lines = read_source(folder).ratings.sort("line")["line"].to_list()
    assert lines == [2, 3, 5, 7]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("7,x,2005-09-06", "rating should be a number. Received: 'x'"),
        ("7,4,2005-09-06,1", "a row should have 3 fields. Received: 4"),
        ("7,4", "a row should have 3 fields. Received: 2"),
        ("7,4,2005-19-06", "timestamp should be a date"),
        ("7,4,1905-09-06", "timestamp should be 0 or more"),
        ("-7,4,2005-09-06", "userId should be a whole number"),
        ("x:", "movieId should be a whole number"),
        ("é,4,2005-09-06", "userId should be a whole number"),
        ('7,4,"2005-09-06', "timestamp should be a"),
        ("7,inf,2005-09-06", "rating should be finite"),
    ],
)
def test_a_bad_line_is_refused_with_its_file_and_number(
    line: str, reason: str, folder: Path
) -> None:
    file = folder / "combined_data_2.txt"
    file.write_bytes(b"3:\n7,1,2005-09-08\n\n" + line.encode("latin-1") + b"\n4:\n7,2,2005-09-08\n")
    with pytest.raises(DataError, match=rf"1 bad row.*\n.*combined_data_2\.txt, line 4: {reason}"):
        load_data(folder)
    raw = read_source(folder)
    assert [row[:4] for row in raw.ratings.sort("line").rows()[-2:]] == [
        (7, 3, 1.0, DAY + 2 * 86_400),
        (7, 4, 2.0, DAY + 2 * 86_400),
    ]


def test_ratings_after_a_bad_movie_have_no_movie(tmp_path: Path) -> None:
    (tmp_path / "mv_0000001.txt").write_text("1:\n7,1,2005-09-08\nx1:\n8,1,2005-09-08\n")
    raw = read_source(tmp_path)
    assert raw.ratings["userId"].to_list() == [7]
    assert [row.line for row in raw.bad_rows] == [3, 4]


def test_a_bad_title_is_refused_with_its_line(folder: Path) -> None:
    (folder / "movie_titles.csv").write_text(TITLES + "3,2001,Again\n")
    with pytest.raises(DataError, match=r"movie_titles\.csv, line 4: movie 3 is listed twice"):
        load_data(folder)


def test_there_are_no_columns_to_name(folder: Path) -> None:
    for path in (folder, folder / "combined_data_1.txt"):
        with pytest.raises(DataError, match="no columns that can be named"):
            load_data(path, columns={"user": 1})
