"""A model of another package, installed for real, is found by name in every command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from foreseen.data.canonical import Tables, write_tables

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_model"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Install the example package into a folder of its own, and return an environment with it."""
    target = tmp_path_factory.mktemp("site-packages")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*install, *options, str(EXAMPLE)], check=True, capture_output=True)
    return {**os.environ, "PYTHONPATH": str(target)}


def run(environment: dict[str, str], *arguments: str) -> str:
    code = "from foreseen.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_can_be_trained_evaluated_and_tuned_from_the_command_line(
    environment: dict[str, str], small: Tables, tmp_path: Path
) -> None:
    data, model = str(tmp_path / "data"), str(tmp_path / "model")
    write_tables(small, Path(data))
    run(environment, "train", data, "--model", "popularity", "--out", model)
    rankings: list[dict[str, Any]] = json.loads(
        run(environment, "recommend", model, "--user", "15", "--k", "3", "--json")
    )
    assert len(rankings[0]["recommendations"]) == 3
    report: dict[str, Any] = json.loads(
        run(
            environment, "evaluate", data, "--protocol", "foldin", "--model", "popularity",
            "--out", str(tmp_path / "report"), "--json",
        )
    )  # fmt: skip
    assert {result["model"] for result in report["results"]} == {"global mean", "popularity"}
    search: dict[str, Any] = json.loads(
        run(
            environment, "tune", data, "--model", "popularity", "--trials", "2",
            "--out", str(tmp_path / "search"), "--json",
        )
    )  # fmt: skip
    assert len(search["trials"]) == 2


def test_it_passes_the_contract_suite(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")],
        env=environment, capture_output=True, text=True, check=False, cwd=EXAMPLE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
