"""Writers that are killed at random moments: the short form of `benchmarks/soak/kill.py`."""

import importlib
import os
from pathlib import Path
from typing import Any

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak"


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a module that is found here
    monkeypatch.syspath_prepend(str(SOAK.parent))
    monkeypatch.syspath_prepend(str(SOAK))
    return importlib.import_module("kill")


# Training, promotions and updates are killed by tests/registry/test_versions_interrupted.py.
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("name", "tries"),
    [("canonical data", 4), ("observe", 1), ("backup", 1), ("rating", 4), ("import", 2)],
)
def test_a_killed_writer_leaves_whole_files_and_all_that_it_reported(
    kill: Any,  # noqa: ANN401
    tmp_path: Path,
    name: str,
    tries: int,
) -> None:
    kill.find_writer(name).prepare(tmp_path)
    survived, lost = kill.run_tries("kill -9", name, tries, 0, tmp_path)
    assert lost == []
    assert survived == tries


def test_a_state_that_is_not_whole_counts_as_lost(kill: Any, tmp_path: Path) -> None:  # noqa: ANN401
    writer = kill.find_writer("rating")
    writer.prepare(tmp_path)
    writer.check(tmp_path, {0: -1})
    with pytest.raises(Exception, match="0 ratings, 1 reported"):
        writer.check(tmp_path, {0: 0})
