"""A model of another package, installed for real, is found by name in every command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from foreseen.data.canonical import Tables, write_tables
from tests.conftest import environment_with

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "own_model"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment_with(EXAMPLE, tmp_path_factory.mktemp("site-packages"))


RUN = """
import json
import sys
from tests.cli.conftest import run_command
results = [run_command(*words) for words in json.loads(sys.argv[1])]
print(json.dumps([vars(result) for result in results]))
"""


def run(environment: dict[str, str], *commands: list[str]) -> list[Any]:
    """Return the JSON that commands print, one after the other in one process."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps([[*words, "--json"] for words in commands])],
        env=environment, capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    for result in results:
        assert result["exit_code"] == 0, result["stderr"]
    return [json.loads(result["stdout"]) for result in results]


def test_it_can_be_trained_evaluated_and_tuned_from_the_command_line(
    environment: dict[str, str], tiny: Tables, tmp_path: Path
) -> None:
    data, model = str(tmp_path / "data"), str(tmp_path / "model")
    write_tables(tiny, Path(data))
    words = ["--model", "popularity", "--out"]
    _, rankings, report, search = run(
        environment,
        ["train", data, *words, model],
        ["recommend", model, "--user", "15", "--k", "3"],
        ["evaluate", data, "--protocol", "foldin", *words, str(tmp_path / "report")],
        ["tune", data, "--trials", "2", *words, str(tmp_path / "search")],
    )
    assert len(rankings[0]["recommendations"]) == 3
    assert {result["model"] for result in report["results"]} == {"global mean", "popularity"}
    assert len(search["trials"]) == 2


def test_it_passes_the_contract_suite(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")],
        env=environment, capture_output=True, text=True, check=False, cwd=EXAMPLE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
