"""The command line as a whole: version, exit codes, start-up."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.cli.conftest import Run

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_version_is_that_of_the_project(run: Run) -> None:
    version = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["version"]
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"foreseen {version}\n"


def test_a_call_without_a_command_prints_the_usage(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "Usage:" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "nowhere", "--out", "x"], "no such file or folder"),
        (["train", "ml-latest-small", "--model", "oracle", "--out", "x"], "oracle"),
        (["train", "ml-latest-small"], "--out"),
        (["recommend", "nowhere", "--user", "1"], "holds no model"),
        (["recommend", "nowhere"], "give --user ID"),
        (["recommend", "nowhere", "--all"], "--all needs --out"),
        (["recommend", "nowhere", "--user", " "], "a user id is missing"),
        (["predict", "nowhere", "--pairs", "p", "--out", "o"], "holds no model"),
        (["backtest", "ml-latest-small", "--policy", "hope", "--out", "x"], "hope"),
        (["import", "nowhere.zip", "--from", "letterboxd"], "cannot be read"),
        (["serve", "nowhere"], "holds no model"),
        (["frobnicate"], "No such command"),
    ],
)
def test_invalid_input_ends_with_one_message_and_exit_code_2(
    words: list[str], message: str, run: Run
) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_process_that_fails_prints_no_traceback() -> None:
    code = "from foreseen.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "data", "get", "nowhere", "--out", "x"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("foreseen: nowhere: no such file or folder")
    assert len(done.stderr.splitlines()) == 1


def test_an_output_that_is_of_another_kind_is_invalid_input(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    result = run("data", "get", "ml-latest-small", "--out", tmp_path / "file")
    assert result.exit_code == 2
    assert "is no folder" in result.stderr
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full needs Linux")
def test_an_error_of_the_operating_system_ends_with_exit_code_1(folder: Path, run: Run) -> None:
    result = run("recommend", folder / "model", "--user", 1, "--out", "/dev/full")
    assert result.exit_code == 1
    assert result.stderr == "foreseen: /dev/full: No space left on device\n"
