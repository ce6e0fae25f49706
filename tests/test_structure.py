"""The house rules that a machine can check."""

import ast
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import foreseen
from foreseen.models.installed import model_names
from foreseen.models.spec import parse_settings

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "foreseen"
# Each layer may import from itself and from those above it in this list.
LAYERS = [
    ["errors", "files", "journal", "page", "schema"],
    ["compiled", "identifiers", "progress", "series", "threads"],
    ["sources"],
    ["canonical", "catalogue", "matching"],
    ["features"],
    ["models"],
    ["why", "ranking", "shortlist"],
    ["evaluation"],
    ["drift", "tuning"],
    ["model_folder", "registry"],
    ["update"],
    ["describe", "console"],
    ["serving"],
    ["cli"],
]


def imports_of(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("foreseen"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found


def test_imports_point_only_to_earlier_layers() -> None:
    height = {name: level for level, names in enumerate(LAYERS) for name in names}
    wrong: list[str] = []
    for file in sorted(PACKAGE.rglob("*.py")):
        own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        assert own in height, f"{own} has no layer"
        wrong += [
            f"{file.name} imports {name}" for name in imports_of(file) if height[name] > height[own]
        ]
    assert not wrong


def test_exported_names_exist_and_are_all_there_is() -> None:
    for name in foreseen.__all__:
        assert getattr(foreseen, name) is not None
    with pytest.raises(AttributeError):
        _ = foreseen.nothing_of_the_kind  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]


def test_asking_for_help_does_not_load_pytorch() -> None:
    code = "import sys, foreseen.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_shipped_settings_parse() -> None:
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for name in KINDS:
        parse_settings(name, params[name])


def test_the_pipeline_calls_commands_that_exist_with_options_they_have() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    commands = [stage.get("do", stage)["cmd"] for stage in stages.values()]
    for command in " && ".join(commands).split("&&"):
        words = shlex.split(command)
        assert words[0] == "foreseen"
        path = words[1:3] if words[1] == "data" else words[1:2]
        asked = [sys.executable, "-c", "from foreseen.cli import main; main()", *path, "--help"]
        shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        for option in re.findall(r"--[a-z-]+", command):
            assert option in shown


def test_the_readmes_python_runs_as_it_stands(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert len(blocks) == 1
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocks[0]],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_pipeline_runs_whole_on_a_small_data_set(
    tmp_path: Path, small: foreseen.Tables
) -> None:
    """The real `dvc repro`, on the real stages; run again, it skips them all."""
    from foreseen.data.canonical import write_tables

    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "repro.py").write_bytes((ROOT / "scripts" / "repro.py").read_bytes())
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_bytes((ROOT / ".dvc" / "config").read_bytes())
    (tmp_path / "src").symlink_to(ROOT / "src")
    write_tables(small, tmp_path / "small")
    params = (tmp_path / "params.yaml").read_text().replace("ml-latest-small", "small")
    params = params.replace("hybrid: {}", "hybrid: {loop: {epochs: 2}}")
    quick = (
        "{networks: 1, folds: 2, factors: [{sweeps: 6, burn_in: 2, samples: 2}], loop: {epochs: 1}}"
    )
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
