"""The DVC pipeline: its commands, its dependencies, and a whole run on a small data set."""

import ast
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from foreseen.data.canonical import Tables, write_tables
from foreseen.models.installed import model_names
from tests.cli.conftest import run_command

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "foreseen"
# What cannot change a result: messages, progress bars, how files are written, printing.
WITHOUT_EFFECT = {"__init__", "cli", "cluster", "errors", "files", "integrity", "progress"}
STAGES: dict[str, dict[str, Any]] = {
    name: stage.get("do", stage)
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))[
        "stages"
    ].items()
}


def commands(stage: str) -> Iterator[list[str]]:
    for command in STAGES[stage]["cmd"].split("&&"):
        yield shlex.split(command)


@cache
def module_file(name: str) -> Path | None:
    path = PACKAGE.joinpath(*name.split(".")[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return file
    return None


def imported(node: ast.AST) -> set[str]:
    """Return the modules of the package that are imported anywhere within a node."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.ImportFrom) and part.module and part.module.startswith("foreseen"):
            found.add(part.module)
            found |= {f"{part.module}.{alias.name}" for alias in part.names}
    return {name for name in found if module_file(name)}


@cache
def imports_of_module(name: str) -> frozenset[str]:
    file = module_file(name)
    assert file is not None
    tree = ast.parse(file.read_text(encoding="utf-8"))
    checks = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]  # fmt: skip
    return frozenset(imported(tree) - {name for node in checks for name in imported(node)})


def imported_by_command(words: list[str]) -> set[str]:
    """Return the modules that a command imports to do its work, directly or not."""
    from foreseen.cli import app, data_app

    typer_app, name = (data_app, words[2]) if words[1] == "data" else (app, words[1])
    functions = {
        command.name or command.callback.__name__: command.callback
        for command in typer_app.registered_commands
        if command.callback is not None
    }
    callback = functions[name]
    left = set(imported(function_in(callback.__module__, callback.__name__)))
    if "--settings" in words:
        left |= imported(function_in("foreseen.cli.options", "read_settings"))
    if "--model" in words:
        left |= {"foreseen.models.bias", "foreseen.models.baseline", "foreseen.models.hybrid"}
        left |= {"foreseen.models.history.training", "foreseen.models.ensemble.model"}
        left |= {"foreseen.models.ensemble.transductive"}
    found: set[str] = set()
    while left:
        module = left.pop()
        if module not in found:
            found.add(module)
            left |= imports_of_module(module)
    return found


def function_in(module: str, name: str) -> ast.FunctionDef:
    file = module_file(module)
    assert file is not None
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise AssertionError(f"{module} has no function {name}")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_folders_that_its_command_imports(stage: str) -> None:
    modules = {module for words in commands(stage) for module in imported_by_command(words)}
    parts = {module.split(".")[1] for module in modules if "." in module} - WITHOUT_EFFECT
    expected = {
        f"src/foreseen/{part}" if (PACKAGE / part).is_dir() else f"src/foreseen/{part}.py"
        for part in parts
    }
    declared = {path for path in STAGES[stage]["deps"] if path.startswith("src/")}
    assert declared == expected


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_calls_a_command_with_options_it_has(stage: str) -> None:
    for words in commands(stage):
        assert words[0] == "foreseen"
        path = words[1:3] if words[1] == "data" else words[1:2]
        shown = run_command(*path, "--help").stdout
        for option in (word for word in words if re.fullmatch(r"--[a-z-]+", word)):
            assert option in shown


def test_the_pipeline_runs_whole_and_skips_what_did_not_change(
    tmp_path: Path, tiny: Tables
) -> None:
    """The real `dvc repro`, on the real stages."""
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "repro.py").write_bytes((ROOT / "scripts" / "repro.py").read_bytes())
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_bytes((ROOT / ".dvc" / "config").read_bytes())
    (tmp_path / "src").symlink_to(ROOT / "src")
    write_tables(tiny, tmp_path / "tiny")
    params = (tmp_path / "params.yaml").read_text().replace("ml-latest-small", "tiny")
    params = params.replace("hybrid: {}", "hybrid: {loop: {epochs: 2}}")
    quick = "{folds: 2, factors: [{sweeps: 6, burn_in: 2, samples: 2}], loop: {epochs: 1}}"
    params = params.replace("ensemble: {}", f"ensemble: {quick}")
    (tmp_path / "params.yaml").write_text(params)
    repro = [sys.executable, "scripts/repro.py"]
    first = subprocess.run(repro, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr[-2000:]
    metrics = json.loads((tmp_path / "work/evaluation/stream/metrics.json").read_text())
    expected = {"global mean", *model_names()} - {"history"}
    assert {result["model"] for result in metrics["results"]} == expected
    assert (tmp_path / "work/backtest/error.png").stat().st_size > 1000
    assert "user 15" in (tmp_path / "work/rankings.txt").read_text()
    again = subprocess.run(repro, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Running stage" not in again.stdout
    shown = subprocess.run(
        [sys.executable, "-m", "dvc", "metrics", "show", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "ensemble" in shown.stdout
