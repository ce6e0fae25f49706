"""Every reader accepts an input or refuses it in one line, whatever the input is."""

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.faults.reader_inputs import MAX_SECONDS, RATINGS, READERS, check_message, fuzz, outcome

from foreseen.data.canonical import load_data, load_ratings
from foreseen.data.sources.exports import load_export
from foreseen.data.sources.pairs import read_pairs
from foreseen.errors import DataError

_INPUTS = 100
FIELDS = st.one_of(
    st.integers(-1, 10**20).map(str),
    st.floats(-1, 1e30).map(str),
    st.text(max_size=8),
    st.sampled_from(["", "1_000", "1e30", "inf", "-1", "9" * 5000, "\x1b[31m", '"', "1.0", "٣"]),
)


@pytest.mark.parametrize("name", list(READERS))
def test_a_damaged_input_is_accepted_or_refused(name: str, tmp_path: Path) -> None:
    counts = fuzz(name, range(max(1, _INPUTS // READERS[name].cost)), tmp_path)
    assert sum(counts.values()) >= 1


@pytest.mark.parametrize("name", sorted(set(READERS) - {"canonical"}))
def test_the_inputs_that_others_are_derived_from_are_read(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    assert any(outcome(reader, seed, tmp_path)[0] == "accepted" for seed in reader.seeds)


@pytest.mark.parametrize("name", ["ratings.csv", "links.csv", "tags.csv", "pairs", "letterboxd"])
@given(rows=st.lists(st.lists(FIELDS, min_size=1, max_size=5), max_size=5))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_rows_of_any_fields_are_accepted_or_refused(
    name: str, rows: list[list[str]], tmp_path: Path
) -> None:
    header = READERS[name].seeds[0].splitlines()[0]
    body = "\n".join(",".join(row) for row in rows)
    outcome(READERS[name], header + b"\n" + body.encode("utf-8", "surrogatepass"), tmp_path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "loop", "missing", "below a file"])
def test_what_is_no_regular_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file = Path("/dev/zero")
    elif kind == "loop":
        file.symlink_to(file)
    elif kind == "below a file":
        (tmp_path / "file").write_bytes(b"")
        file = tmp_path / "file" / "x.csv"
    start = time.perf_counter()
    for read in (
        lambda: read_pairs(file),
        lambda: load_export(file, "imdb"),
        lambda: load_data(file),
        lambda: load_ratings(file),
    ):
        with pytest.raises(DataError) as caught:
            read()
        check_message(str(caught.value))
    assert time.perf_counter() - start < MAX_SECONDS


def test_a_pipe_in_a_folder_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_bytes(RATINGS)
    os.mkfifo(tmp_path / "links.csv")
    assert load_data(tmp_path).links is None


def test_a_pipe_that_the_caller_has_opened_is_read() -> None:
    reader, writer = os.pipe()

    def write() -> None:
        time.sleep(0.1)
        os.write(writer, b"userId,movieId\n1,2\n")
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert read_pairs(Path(f"/dev/fd/{reader}")).rows() == [(1, 2)]
    finally:
        thread.join()
        os.close(reader)
