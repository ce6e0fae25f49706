"""Every command that writes, on a full disk: one line, exit code 1, nothing half-written."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from tests.cli.conftest import run_command
from tests.faults.injection import ON_WINDOWS, full_disk
from tests.faults.test_arguments import COMMANDS
from tests.registry.conftest import recorded

from foreseen.data.canonical import Tables
from foreseen.registry import drift_log, versions
from foreseen.registry.drift_log import DriftLog
from foreseen.registry.versions import write_lock

pytestmark = ON_WINDOWS
WRITERS: Final[Mapping[str, tuple[str, ...]]] = {
    "data get": ("{data}", "--out", "{out}"),
    "data describe": ("{data}", "--out", "{out}.html"),
    "train": ("{data}", "--model", "bias", "--out", "{out}"),
    "recommend": ("{model}", "--user", "1", "--out", "{out}.json"),
    "predict": ("{model}", "--pairs", "{here}/pairs.csv", "--out", "{out}.parquet"),
    "observe": ("{model}", "--ratings", "{here}/new.csv"),
    "update": ("{model}", "--ratings", "{here}/new.csv"),
    "promote": ("{model}", "1"),
    "rollback": ("{model}",),
    "evaluate": ("{data}", "--model", "bias", "--out", "{out}"),
    "tune": ("{data}", "--model", "bias", "--trials", "1", "--out", "{out}"),
    "backtest": ("{data}", "--model", "bias", "--policy", "frozen", "--out", "{out}"),
    "import": ("{here}/export.csv", "--from", "letterboxd", "--out", "{out}.csv"),
    "backup": ("{model}", "--out", "{out}.zip"),
    "restore": ("{here}/backup.zip", "{out}"),
    "drift": ("{model}", "--acknowledge", "1"),
    "reports": ("{here}/reports",),
}
SILENT: Final = {"data list", "models", "serve", "mcp", "export"}
"""Commands that write no file, the servers, and one that needs a model that takes long to train."""
RESUMED: Final = {"evaluate", "tune", "backtest"}
"""Commands that continue from what an interrupted run has left."""


@pytest.fixture(scope="module")
def here(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a model of two versions, and files to read."""
    root = tmp_path_factory.mktemp("full")
    users = small.ratings["userId"].unique().sort().head(30).implode()
    ratings = small.ratings.filter(small.ratings["userId"].is_in(users))
    (root / "data").mkdir()
    ratings.write_csv(root / "data" / "ratings.csv")
    ratings.head(60).select("userId", "movieId").write_csv(root / "pairs.csv")
    rows = "".join(f"{user},31,4.0,1476640646\n" for user in range(900_000, 900_050))
    (root / "new.csv").write_text("userId,movieId,rating,timestamp\n" + rows)
    (root / "export.csv").write_text(
        "Date,Name,Year,Letterboxd URI,Rating\n2015-03-07,Pulp Fiction,1994,x,4.5\n"
    )
    model = root / "model"
    assert run_command("train", root / "data", "--model", "bias", "--out", model).exit_code == 0
    versions.add_version(model, versions.load_model(model), 1, "test")
    assert run_command("promote", model, 2).exit_code == 0
    assert run_command("backup", model, "--out", root / "backup.zip").exit_code == 0
    with write_lock(model):
        drift_log.write(model, DriftLog(findings=(recorded(),)))
    report = root / "reports" / "description.html"
    assert run_command("data", "describe", root / "data", "--out", report).exit_code == 0
    return root


def test_every_command_is_listed() -> None:
    assert set(COMMANDS) == set(WRITERS) | SILENT


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_ends_a_command_with_one_line_and_nothing_half_written(
    name: str, here: Path, tmp_path: Path
) -> None:
    model, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(here / "model", model)
    places = {"data": here / "data", "model": model, "here": here, "out": out}
    words = [word.format(**places) for word in WRITERS[name]]
    before = run_command("recommend", model, "--user", 1, "--json").stdout
    with full_disk(0):
        result = run_command(*name.split(), *words)
    assert result.exit_code == 1, result
    assert result.stdout == ""
    assert result.stderr.startswith("foreseen: ")
    assert "File too large" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert run_command("recommend", model, "--user", 1, "--json").stdout == before
    left = [path for path in tmp_path.rglob("*") if "out" in path.name and path.is_file()]
    assert name in RESUMED or [path for path in left if path.suffix != ".lock"] == []
    repeated = run_command(*name.split(), *words)
    assert repeated.exit_code == 0, repeated.stderr
