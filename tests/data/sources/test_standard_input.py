"""Ratings on standard input, from real files and pipes."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

import polars as pl
import pytest
import zstandard
from tests.data.samples import RATINGS_CSV, zipped

from foreseen.data import input_files
from foreseen.data.canonical import load_data, load_ratings
from foreseen.data.parquet import to_parquet
from foreseen.data.sources import read_source
from foreseen.errors import DataError

TABLE = pl.DataFrame({"user": [2, 1], "item": [1, 2], "rating": [3.5, 5.0], "time": [100, 50]})
TEXT = TABLE.write_csv().encode()
Send = Callable[[bytes], None]


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Generator[Send]:
    """Make a pipe standard input, which gets some content."""
    threads: list[threading.Thread] = []
    streams: list[IO[str]] = []

    def write(descriptor: int, content: bytes) -> None:
        with suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
            pipe.write(content)

    def to_stdin(content: bytes) -> None:
        reader, writer = os.pipe()
        streams.append(os.fdopen(reader))
        monkeypatch.setattr(sys, "stdin", streams[-1])
        threads.append(threading.Thread(target=write, args=(writer, content)))
        threads[-1].start()

    yield to_stdin
    for stream in streams:
        stream.close()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.replace(b",", b"\t"),
        TEXT.split(b"\n", 1)[1],
        gzip.compress(TEXT),
        zstandard.ZstdCompressor().compress(TEXT),
        to_parquet(TABLE),
        gzip.compress(to_parquet(TABLE)),
        TABLE.write_ndjson().encode(),
        TABLE.write_json().encode(),
    ],
    ids=["csv", "tsv", "no header", "gzip", "zstd", "parquet", "parquet.gz", "jsonl", "json"],
)
@pytest.mark.parametrize("data", ["-", "/dev/stdin"])
def test_every_format_is_recognised_by_its_content(data: str, content: bytes, send: Send) -> None:
    send(content)
    tables = load_data(data)
    assert tables.ratings.rows() == [(1, 2, 5.0, 50), (2, 1, 3.5, 100)]
    assert tables.manifest.source == "standard input"
    assert list(tables.manifest.sha256) == ["standard input"]


def test_the_layout_of_the_netflix_prize_is_recognised(send: Send) -> None:
    send(b"1:\n7,3,2005-09-06\n")
    assert read_source("-").ratings.row(0)[:3] == (7, 1, 3.0)


def test_columns_are_named(send: Send) -> None:
    send(TEXT.split(b"\n", 1)[1])
    ratings = load_ratings(Path("-"), columns={"user": 2, "item": 1, "rating": 3, "time": 4})
    assert ratings.rows() == [(2, 1, 5.0, 50), (1, 2, 3.5, 100)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "standard input is empty"),
        (b"a,b\n1,2\n", "standard input, line 1: no column userId"),
        (TEXT + b"1,3,x,5\n", "standard input, line 4: rating should be a number"),
        (b"userId\0,", "standard input, line 1: a binary file"),
        (b'{"user": 1, "item": 2, "rating": 3}\n{', "standard input, line 2: invalid JSON"),
        (b"PAR1", "standard input is not a valid Parquet file"),
        (gzip.compress(TEXT)[:-9], "standard input is damaged"),
        (gzip.compress(b" " * (65 << 20)), "standard input expands to over 100 times"),
        (zipped(**{"ratings.csv": RATINGS_CSV}), "standard input is a zip or a database"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_faults_name_standard_input(content: bytes, message: str, send: Send) -> None:
    send(content)
    with pytest.raises(DataError, match=message):
        load_data("-")


def test_a_database_is_given_by_its_path(tmp_path: Path, send: Send) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t (user, item, rating)")
    send((tmp_path / "a.db").read_bytes())
    with pytest.raises(DataError, match="is a zip or a database; save it and give its path"):
        load_data("-")


def test_input_without_end_is_refused(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "_MAX_STDIN", 1 << 20)
    send(b"1,2,3\n" * 200_000)
    with pytest.raises(DataError, match="standard input should send at most"):
        load_data("-")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
@pytest.mark.skipif(os.name == "nt", reason="the devices are those of POSIX")
def test_a_device_is_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(device).open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(DataError, match="standard input is neither a file nor a pipe"):
            load_data("-")


def test_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input is closed"):
        load_data("-")


def test_a_command_reads_a_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "foreseen", "data", "get", "-", "--out", tmp_path, "--json"]
    sent = subprocess.run(command, input=gzip.compress(TEXT), capture_output=True, check=False)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["source"] == "standard input"
    assert load_data(tmp_path).ratings.rows() == [(1, 2, 5.0, 50), (2, 1, 3.5, 100)]
