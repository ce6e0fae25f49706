"""Folders of canonical tables: replaced as a whole, verified when they are read."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.faults.injection import ON_WINDOWS, RENAMING, copies_at_each_step, flipped, full_disk

from foreseen.data.canonical_files import CanonicalFiles, holds_tables, read_files, write_files
from foreseen.data.sources import read_source
from foreseen.errors import DataError

OLD = {
    "ratings.parquet": pl.DataFrame(
        {"userId": [1, 1], "movieId": [1, 2], "rating": [3.0, 4.0], "timestamp": [10, 20]}
    ),
    "movies.parquet": pl.DataFrame({"movieId": [1, 2]}),
    "links.parquet": pl.DataFrame({"movieId": [1]}),
}
NEW = {
    "ratings.parquet": OLD["ratings.parquet"].with_columns(rating=pl.lit(1.0)),
    "movies.parquet": pl.DataFrame({"movieId": [1, 2, 3]}),
    "tags.parquet": pl.DataFrame({"movieId": [3]}),
}


def write(folder: Path, tables: dict[str, pl.DataFrame], source: str) -> Path:
    write_files(folder, tables, {"source": source, "ratings": 2, "movies": 2})
    return folder


def same(found: CanonicalFiles, tables: dict[str, pl.DataFrame], source: str) -> bool:
    return (
        found.source == source
        and list(found.tables) == list(tables)
        and all(frame.equals(tables[name]) for name, frame in found.tables.items())
    )


def test_tables_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert not holds_tables(tmp_path)
    assert same(read_files(write(tmp_path, OLD, "old")), OLD, "old")
    assert same(read_files(write(tmp_path, NEW, "new")), NEW, "new")
    assert {file.name for file in tmp_path.iterdir()} == {"manifest.json", *NEW}
    assert holds_tables(tmp_path)


def test_at_each_step_of_a_change_the_old_or_the_new_tables_are_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, copies = write(tmp_path / "set", OLD, "old"), tmp_path / "copies"
    (folder / "notes.txt").write_text("of the user")
    operations = (*RENAMING, "fsync")
    found_at = copies_at_each_step(
        folder, copies, monkeypatch, lambda: write(folder, NEW, "new"), operations
    )
    states: list[str] = []
    for copy in found_at:
        found = read_files(copy)
        states.append("new" if same(found, NEW, "new") else "old")
        assert states[-1] == "new" or same(found, OLD, "old")
        assert same(read_files(write(copy, OLD, "again")), OLD, "again")
        names = sorted(path.name for path in copy.iterdir())
        assert names == sorted(["manifest.json", "notes.txt", *OLD])
    assert states == sorted(states, reverse=True)
    assert states.count("old") > 5
    assert states.count("new") > 5


def test_a_first_write_that_was_killed_hides_no_other_data(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,3,10\n")
    (tmp_path / ".draft.x").mkdir()
    OLD["ratings.parquet"].write_parquet(tmp_path / ".draft.x" / "ratings.parquet")
    assert read_source(tmp_path).ratings.height == 1


@pytest.mark.parametrize("name", ["manifest.json", *OLD])
def test_a_flipped_bit_is_found(tmp_path: Path, name: str) -> None:
    file = write(tmp_path, OLD, "old") / name
    content = file.read_bytes()
    unnoticed = 0
    places = range(0, len(content), max(1, len(content) // 150))
    for place in places:
        file.write_bytes(flipped(content, place))
        try:
            found = read_files(tmp_path)
        except DataError as error:
            message = str(error)
        else:
            # White space in the manifest does not count.
            assert same(found, OLD, "old")
            unnoticed += 1
            continue
        assert file.name in message
        assert "write it again: foreseen data get" in message
        assert "\n" not in message
    assert unnoticed <= (0.3 * len(places) if name == "manifest.json" else 0)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write(tmp_path, OLD, "old") / "movies.parquet").unlink()
    with pytest.raises(DataError, match=r"movies\.parquet is missing; write it again"):
        read_files(tmp_path)


def test_a_file_of_other_origin_is_refused_unless_the_manifest_is_deleted(tmp_path: Path) -> None:
    NEW["ratings.parquet"].write_parquet(write(tmp_path, OLD, "old") / "ratings.parquet")
    with pytest.raises(DataError, match=r"delete manifest\.json to use the files as they are"):
        read_files(tmp_path)
    (tmp_path / "manifest.json").unlink()
    found = read_files(tmp_path)
    assert found.source is None
    assert found.tables["ratings.parquet"].equals(NEW["ratings.parquet"])


def test_the_counts_of_an_older_manifest_are_compared(tmp_path: Path) -> None:
    write(tmp_path, OLD, "old")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"source": "old", "ratings": 2, "movies": 2}))
    assert read_files(tmp_path).source == "old"
    manifest.write_text(json.dumps({"source": "old", "ratings": 2, "movies": 3}))
    with pytest.raises(DataError, match=r"movies\.parquet has 2 rows and manifest\.json states 3"):
        read_files(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"source": 3}',
        b'{"source": "x", "ratings": NaN}',
        b'{"source": "x", "files": {}}',
        b'{"source": "x", "files": {"../x": {"sha256": "", "rows": 1}}}',
        b'{"source": "x", "ratings": ' + 5000 * b"9" + b"}",
        b'{"source": ' + 100_000 * b"[",
    ],
    ids=lambda content: repr(content[:40]),
)
def test_a_damaged_manifest_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (write(tmp_path, OLD, "old") / "manifest.json").write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.json is damaged \(.*\); write it again") as e:
        read_files(tmp_path)
    assert "\n" not in str(e.value)
    assert len(str(e.value)) < 400


@ON_WINDOWS
def test_a_full_disk_leaves_the_old_tables_and_nothing_else(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", OLD, "old")
    with full_disk(600), pytest.raises(OSError, match="File too large"):
        write(folder, NEW, "new")
    assert same(read_files(folder), OLD, "old")
    assert {file.name for file in folder.iterdir()} == {"manifest.json", *OLD}
