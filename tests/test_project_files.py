"""The files that describe the project to other programs and to contributors."""

import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", ".github/workflows/*.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/*_*.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("citation-file-format", "CITATION.cff"),
    ],
)
def test_a_file_of_a_standard_format_matches_its_schema(schema: str, files: str) -> None:
    found = sorted(ROOT.glob(files))
    assert found
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *found],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_workflow_covers_every_supported_python_and_system() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "windows", "macos"}
    prefix = "Programming Language :: Python :: 3."
    minor = [entry.removeprefix(prefix) for entry in PROJECT["classifiers"] if prefix in entry]
    assert matrix["python"] == [f"3.{number}" for number in minor]
    assert PROJECT["requires-python"] == f">=3.{minor[0]}"


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert citation["authors"] == PROJECT["authors"]
    assert citation["license"] == PROJECT["license"]


def test_the_changelog_has_this_version_and_what_is_unreleased() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## \[(.+?)\](?: - (.+))?$", changelog, flags=re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    dates = [date.fromisoformat(day) for _, day in headings[1:]]
    assert dates == sorted(dates, reverse=True)
    assert PROJECT["version"] in dict(headings)


def test_the_constraints_pin_every_direct_dependency_once() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()[1:]
    pinned = [normalised(line.split("==")[0]) for line in lines]
    assert len(pinned) == len(set(pinned))
    extras = PROJECT["optional-dependencies"].values()
    wanted = [*PROJECT["dependencies"], *(entry for extra in extras for entry in extra)]
    names = {normalised(re.split(r"[\[<>=;]", entry)[0]) for entry in wanted}
    assert names - set(pinned) == {"foreseen"}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
