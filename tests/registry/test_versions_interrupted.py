"""Nothing is lost when processes write at once or are killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of
from tests.faults.injection import copies_at_each_step

from foreseen.models.base import Model
from foreseen.registry import versions

LINKS = pl.DataFrame({"movieId": [1], "imdbId": ["0111161"], "tmdbId": [278]})
NEW = ratings_of((9001, 1, 5.0, 2_000_000_000))


def state(folder: Path) -> tuple[int, int, bool]:
    """Return the current version, the size of the log of the loaded model, and if it has links."""
    model, links = versions.load_model(folder), versions.read_links(folder)
    return versions.read_version(folder).number, model.log.ratings.height, links is not None


def states_at_each_step(
    folder: Path, copies: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]
) -> list[tuple[int, int, bool]]:
    """Return the states that a kill would leave before each file operation of a change."""
    found = copies_at_each_step(folder, copies, monkeypatch, change)
    return [state(copy) for copy in found]


def test_at_each_step_of_replacing_models_the_old_or_the_new_ones_are_readable(
    bias: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, copies = tmp_path / "here" / "m", tmp_path / "copies"
    versions.save_model(bias, folder, LINKS)
    with versions.write_lock(folder):
        versions.promote(folder, versions.add_version(folder, bias, 1, "a test"), "")
    size = bias.log.ratings.height
    old, new = (2, size, True), (1, size + 1, False)
    larger = bias.observe(NEW)
    found = states_at_each_step(
        folder, copies, monkeypatch, lambda: versions.save_model(larger, folder)
    )
    first = found.index(new)
    assert 5 < first < len(found) - 3
    assert found == [old] * first + [new] * (len(found) - first)
    assert state(folder) == new
    assert len(list(folder.iterdir())) == 3
    for number in (first - 1, first, len(found) - 1):
        copy = copies / f"{number:03d}"
        versions.save_model(bias, copy, LINKS)
        assert state(copy) == (1, size, True)
        assert len(list(copy.iterdir())) == 3


def test_at_each_step_of_observing_and_promoting_a_version_is_readable(
    folder: Path, bias: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        observed = bias.observe(NEW)
        versions.save_log(observed, folder)
        versions.promote(folder, versions.add_version(folder, observed, 1, "a test"), "")

    found = states_at_each_step(folder, tmp_path / "copies", monkeypatch, change)
    size = bias.log.ratings.height
    expected = [(1, size, False), (1, size + 1, False), (2, size + 1, False)]
    assert found == sorted(found)
    assert sorted(set(found)) == expected
    assert state(folder) == expected[-1]


OBSERVE = """
import sys
from pathlib import Path
from foreseen.data.canonical import ratings_frame
from foreseen.registry import versions
folder, user, count, promotes = Path(sys.argv[1]), *map(int, sys.argv[2:])
for n in range(count):
    with versions.write_lock(folder):
        model = versions.load_model(folder)
        model = model.observe(ratings_frame([(user, 1 + n, 3.0, 2_000_000_000 + n)]))
        versions.save_log(model, folder)
        if promotes:
            versions.promote(folder, versions.add_version(folder, model, 1, "n"), "n")
"""


def observe(folder: Path, user: int, count: int, promotes: bool) -> subprocess.Popen[bytes]:
    words = [str(folder), str(user), str(count), str(int(promotes))]
    return subprocess.Popen([sys.executable, "-c", OBSERVE, *words])


def test_two_processes_that_observe_at_once_lose_nothing(folder: Path, bias: Model) -> None:
    process = observe(folder, 9001, 10, promotes=False)
    deadline = time.monotonic() + 60
    while not len(versions.load_model(folder).history(9001).movies):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for n in range(5):
        with versions.write_lock(folder):
            new = ratings_of((9002, 1 + n, 3.0, 2_000_000_000 + n))
            versions.save_log(versions.load_model(folder).observe(new), folder)
    assert process.wait(timeout=60) == 0
    model = versions.load_model(folder)
    assert [len(model.history(user).movies) for user in (9001, 9002)] == [10, 5]
    assert model.log.ratings.height == bias.log.ratings.height + 15


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_process_leaves_a_readable_current_version(
    bias: Model, folder: Path, tmp_path: Path
) -> None:
    pauses = (0.0, 0.07)
    folders = [shutil.copytree(folder, tmp_path / f"m{n}") for n in range(len(pauses))]
    processes = [observe(other, 9001, 10_000, promotes=True) for other in folders]
    for pause, other, process in zip(pauses, folders, processes, strict=True):
        deadline = time.monotonic() + 60
        while versions.read_version(other).number == 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert versions.read_version(other).number > 1
        model = versions.load_model(other)
        assert model.log.ratings.height > bias.log.ratings.height
        pairs = pl.DataFrame({"userId": [9001], "movieId": [1]})
        assert np.isfinite(model.predict(pairs)["prediction"].to_numpy()).all()
