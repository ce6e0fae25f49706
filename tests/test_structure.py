"""Rules on the structure of the repository: layers, exports, sizes, shipped settings."""

import ast
import importlib
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
# Each layer may import from itself and from those before it.
LAYERS = [
    "errors", "messages", "entry_points", "files", "integrity", "progress", "reports", "compute",
    "cluster",
    "data", "features", "candidates", "models", "ranking", "evaluation", "drift", "registry",
    "serving", "cli", "testing", "__main__",
]  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports_of(file: Path) -> set[str]:
    """Return the folders and modules of the package's root that a file imports from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("foreseen"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found


def test_imports_point_to_earlier_layers_only() -> None:
    height = {name: number for number, name in enumerate(LAYERS)}
    wrong: list[str] = []
    for file in MODULES:
        layer = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if layer == "__init__":
            continue
        assert layer in height, f"{layer} is in no layer"
        wrong += [
            f"{file.relative_to(PACKAGE)} imports {name}"
            for name in imports_of(file)
            if height[name] > height[layer]
        ]
    assert not wrong


def test_modules_are_short_and_few_lie_in_the_root() -> None:
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in MODULES}
    assert {str(file): count for file, count in lengths.items() if count > 330} == {}
    assert len(list(PACKAGE.glob("*.py"))) <= 8


@pytest.mark.parametrize("name", foreseen.__all__)
def test_every_exported_name_is_defined_where_the_export_map_says(name: str) -> None:
    exports: dict[str, str] = vars(foreseen)["_EXPORTS"]
    module = importlib.import_module(exports[name])
    assert getattr(foreseen, name) is getattr(module, name)
    assert getattr(foreseen, name).__module__ == exports[name]


def test_the_export_map_and_all_agree() -> None:
    assert sorted(vars(foreseen)["_EXPORTS"]) == foreseen.__all__


def test_a_name_that_is_not_exported_is_refused() -> None:
    with pytest.raises(AttributeError):
        _ = foreseen.no_such_name  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]


def test_help_does_not_import_pytorch() -> None:
    code = "import sys, foreseen.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_params_has_a_section_that_parses_for_every_model() -> None:
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert set(model_names()) == set(params) - {"data", "seed"}
    for name in model_names():
        parse_settings(name, params[name])


def test_every_model_with_a_network_has_a_drawing() -> None:
    guide = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for name in set(model_names()) - {"bias"}:
        assert f"figures/{name}.png" in guide
        assert (ROOT / "docs" / "figures" / f"{name}.png").exists()
