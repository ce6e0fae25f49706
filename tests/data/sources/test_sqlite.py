"""Ratings in SQLite databases."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from foreseen.data.canonical import load_data
from foreseen.data.sources import read_source, sqlite
from foreseen.errors import DataError, ForeseenError

SCHEMA = """
CREATE TABLE log (user_id TEXT, item_id INTEGER, score REAL, "when" TEXT);
INSERT INTO log VALUES ('007', 12, 3.5, '2005-04-02 23:53:47');
INSERT INTO log VALUES ('b', 12345678901234567, 4, NULL);
UPDATE log SET "when" = '2006-01-01' WHERE user_id = 'b';
CREATE TABLE settings (key TEXT, value TEXT);
CREATE TABLE Movies (item_id INTEGER, title TEXT, genres TEXT, year INTEGER);
INSERT INTO Movies VALUES (12, 'Heat (1995)', 'Crime|Drama', NULL);
"""
TWO_TABLES = """
CREATE TABLE "the #1 log" (user, item, rating);
INSERT INTO "the #1 log" VALUES (1, 2, 5);
CREATE TABLE b (uid, film, rating);
INSERT INTO b VALUES (1, 2, 4);
"""


ENDLESS = """
CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
SELECT x user, 1 item, 5 rating FROM n
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make(tmp_path / "my log.db", SCHEMA)


def make(file: Path, script: str) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)
    return file


NAMES = {"time": "when"}
ROWS = [("007", 12, 3.5, 1_112_486_027, 1), ("b", 12345678901234567, 4.0, 1_136_073_600, 2)]


@pytest.mark.parametrize("table", ["", "#log"])
@pytest.mark.parametrize("slashes", ["sqlite:///", "sqlite:////", ""])
def test_the_table_with_ratings_is_read(slashes: str, table: str, database: Path) -> None:
    if not slashes:
        table = ""
    path = str(database).lstrip("/") if slashes else str(database)
    raw = read_source(f"{slashes}{path}{table}", NAMES)
    assert raw.ratings.rows() == ROWS
    assert raw.movies is not None
    assert raw.movies.rows() == [(12, "Heat", 1995, ["Crime", "Drama"])]
    assert raw.name == "my log"
    assert raw.ratings_file.endswith("my log.db#log")
    assert list(raw.checksums) == ["my log.db"]


def test_a_relative_path_is_read(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(database.parent)
    assert read_source("sqlite:///my log.db#log", NAMES).ratings.rows() == ROWS


def test_one_of_several_tables_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{make(tmp_path / 'a#b.db', TWO_TABLES)}"
    with pytest.raises(DataError, match=r"several tables of ratings: b, the #1 log; name one"):
        load_data(url)
    assert load_data(f"{url}#b").ratings["rating"].to_list() == [4.0]
    with pytest.raises(DataError, match=r"no table 'c'; it has b \(uid, film, rating\), the #1"):
        load_data(f"{url}#c")
    make(tmp_path / "log.db", TWO_TABLES.replace("#1 ", '""'))
    url = f'sqlite:///{tmp_path}/log.db#the "log'
    assert load_data(url).ratings["rating"].to_list() == [5.0]


def test_columns_are_named(tmp_path: Path) -> None:
    make(tmp_path / "a.db", "CREATE TABLE t (a, b, c, d); INSERT INTO t VALUES (1, 2, 3.5, 4)")
    names = {"user": "b", "item": 1, "rating": "C"}
    assert load_data(f"sqlite:///{tmp_path}/a.db", columns=names).ratings.rows() == [(2, 1, 3.5, 0)]
    with pytest.raises(DataError, match=r"no column 'e'.*Received: a, b, c, d"):
        load_data(f"sqlite:///{tmp_path}/a.db#t", columns={"user": "e"})
    with pytest.raises(DataError, match=r"no table with columns userId.*It has t \(a, b, c, d\)"):
        load_data(tmp_path / "a.db")


def test_bad_values_are_refused_with_table_and_row(tmp_path: Path) -> None:
    script = "CREATE TABLE t (user, item, rating); INSERT INTO t VALUES (1, 2, 3), (1, NULL, x'ff')"
    with pytest.raises(DataError, match=r"a\.db#t, line 2: movieId is missing"):
        load_data(make(tmp_path / "a.db", script))


@pytest.mark.parametrize("kept", [0, 16, 100, 5000])
def test_a_damaged_database_is_refused(kept: int, database: Path) -> None:
    database.write_bytes(database.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"my log\.db.*(SQLite database|no table)"):
        load_data(f"sqlite:///{database}")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("userId,movieId,rating\n1,2,3\n" * 100)
    with pytest.raises(DataError, match="not a database"):
        load_data(f"sqlite:///{tmp_path}/a.csv")
    for missing in ("nowhere.db", "nowhere.db#log", ""):
        with pytest.raises(DataError, match=r"give (one|a readable file)"):
            load_data(f"sqlite:///{tmp_path}/{missing}")
    with pytest.raises(DataError, match="should be sqlite:///FILE"):
        load_data(f"sqlite:/{tmp_path}/a.db")


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_no_file_is_changed_or_made(mode: str, database: Path) -> None:
    if mode == "wal":
        make(database, "PRAGMA journal_mode = wal")
    before = database.read_bytes()
    load_data(database, columns=NAMES)
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_a_view_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_MAX_ROWS", 60_000)
    with pytest.raises(DataError, match="at most 60,000 rows"):
        load_data(make(tmp_path / "a.db", ENDLESS))
    monkeypatch.setattr(sqlite, "_TIMEOUT", 0.1)
    with pytest.raises(DataError, match="cannot be read within"):
        load_data(make(tmp_path / "b.db", ENDLESS.replace("x user", "max(x) user")))
    large = "CREATE VIEW v AS SELECT hex(zeroblob(1000000)) user, 1 item, 5 rating"
    with pytest.raises(DataError, match="too big"):
        load_data(make(tmp_path / "c.db", large))


def test_ratings_in_the_write_ahead_log_are_read(tmp_path: Path) -> None:
    file = make(tmp_path / "a.db", "PRAGMA journal_mode = wal; CREATE TABLE t (user, item, rating)")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO t VALUES (1, 2, 5)")
        connection.commit()
        assert load_data(file).ratings.height == 1


def test_text_that_is_no_utf_8_is_read(tmp_path: Path) -> None:
    script = (
        "CREATE TABLE t (user, item, rating); INSERT INTO t VALUES (CAST(x'41ff' AS TEXT), 1, 5)"
    )
    assert read_source(make(tmp_path / "a.db", script)).ratings["userId"].to_list() == ["A\ufffd"]


@pytest.fixture
def locked(database: Path) -> Generator[Path]:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield database


def test_a_locked_database_is_a_failure_to_try_again(
    locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_LOCK_TIMEOUT", 0.05)
    with pytest.raises(ForeseenError, match="try again") as found:
        load_data(locked)
    assert not isinstance(found.value, DataError)
