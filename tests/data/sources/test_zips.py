"""Zip files that would fill the memory, or that are damaged."""

import io
import struct
import time
import zipfile
from pathlib import Path

import pytest
from tests.data.samples import RATINGS_CSV, zipped

from foreseen.data.canonical import load_data
from foreseen.data.sources.exports import read_export
from foreseen.data.sources.zips import member_names, open_zip
from foreseen.errors import DataError


def zip_of(content: bytes, method: int, name: str = "ratings.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as bundle:
        bundle.writestr(name, content)
    return buffer.getvalue()


def changed(data: bytes, place: int, layout: str, value: int) -> bytes:
    """Return a zip of one file with a changed field of its entry in the list of files."""
    buffer = bytearray(data)
    struct.pack_into(layout, buffer, data.index(b"PK\1\2") + place, value)
    return bytes(buffer)


def displaced(data: bytes) -> bytes:
    """Return a zip whose list of files is stated to begin later than it does."""
    buffer = bytearray(data)
    end = data.rindex(b"PK\5\6")
    struct.pack_into("<L", buffer, end + 16, data.index(b"PK\1\2") + 9)
    return bytes(buffer)


VALID = zip_of(RATINGS_CSV.encode() * 10, zipfile.ZIP_DEFLATED)
SIZE, FLAGS, METHOD, PACKED = 24, 8, 10, 20


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zip_of(b"\n" * (65 << 20), zipfile.ZIP_DEFLATED), "more than 100 times its size"),
        (zip_of(RATINGS_CSV.encode(), zipfile.ZIP_BZIP2), "compressed by method 12"),
        (zip_of(RATINGS_CSV.encode(), zipfile.ZIP_LZMA), "compressed by method 14"),
        (changed(VALID, METHOD, "<H", 99), "compressed by method 99"),
        (changed(VALID, FLAGS, "<H", 1), "is encrypted"),
        (changed(VALID, SIZE, "<L", 10), "not a complete zip|does not have the size"),
        (changed(VALID, SIZE, "<L", 60 << 20), "does not have the size"),
        (changed(VALID, PACKED, "<L", 5), "not a complete zip|does not have the size"),
        (VALID[:-10], "not a complete zip"),
        (displaced(VALID), "not a complete zip"),
        (b"PK\3\4", "not a complete zip"),
    ],
    ids=[
        *("ratio", "bzip2", "lzma", "unknown method", "encrypted", "states less", "states more"),
        *("short", "cut", "begins before the zip", "signature only"),
    ],
)
def test_a_zip_that_cannot_be_used_is_refused_at_once(
    data: bytes, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "set.zip"
    file.write_bytes(data)
    start = time.perf_counter()
    with pytest.raises(DataError, match=message):
        load_data(file)
    with pytest.raises(DataError, match=f"{message}|should have at most"):
        read_export(data, "export.zip", "letterboxd")
    assert time.perf_counter() - start < 5


def test_a_zip_of_very_many_files_is_refused_before_they_are_listed() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for number in range(24_000):
            bundle.writestr(f"{number:0200}", b"")
    with pytest.raises(DataError, match="at most 20,000 files"):
        read_export(buffer.getvalue(), "export.zip", "letterboxd")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_in_a_zip_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as bundle:
        bundle.writestr("ratings.csv", RATINGS_CSV)
        bundle.writestr("ratings.csv", RATINGS_CSV)
    with pytest.raises(DataError, match="in the zip twice"):
        load_data(tmp_path / "set.zip")


@pytest.mark.parametrize("name", ["/ratings.csv", "../ratings.csv", "a/b/c/ratings.csv"])
def test_paths_in_a_zip_do_not_matter_since_nothing_is_unpacked(name: str, tmp_path: Path) -> None:
    file = tmp_path / "set.zip"
    file.write_bytes(zip_of(RATINGS_CSV.encode(), zipfile.ZIP_DEFLATED, name))
    assert load_data(file).ratings.height == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["set.zip"]


def test_names_of_files_in_a_zip_are_escaped_in_messages() -> None:
    data = zipped(**{"a\x1b[31m/ratings.csv": "no columns"})
    with pytest.raises(DataError) as caught:
        read_export(data, "export.zip", "letterboxd")
    assert str(caught.value).isprintable()


def test_hidden_copies_of_macos_are_no_files() -> None:
    data = zipped(**{"__MACOSX/ratings.csv": "x", "folder/": "", "ratings.csv": "y"})
    with open_zip(data, "set.zip", "try again") as bundle:
        assert member_names(bundle) == ["ratings.csv"]
