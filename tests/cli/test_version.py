"""The option that precedes a command."""

import tomllib
from pathlib import Path

from typer.testing import CliRunner

from foreseen.cli import app

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_version_is_that_of_the_project() -> None:
    version = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["version"]
    shown = CliRunner().invoke(app, ["--version"])
    assert shown.exit_code == 0
    assert shown.stdout == f"foreseen {version}\n"


def test_a_command_is_still_required() -> None:
    shown = CliRunner().invoke(app, [])
    assert shown.exit_code == 2
    assert "Usage:" in shown.output
