"""`foreseen drift`: findings as a table and as JSON, and the exit code for schedulers."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.findings import FOUND
from tests.registry.conftest import WINDOW, recorded

from foreseen.evaluation.intervals import Estimate
from foreseen.registry import drift_log
from foreseen.registry.drift_log import DriftLog, Effect


@pytest.fixture
def model(folder: Path, tmp_path: Path) -> Path:
    """A model with an open finding that is serious, one that is not, and a closed one."""
    model = shutil.copytree(folder / "model", tmp_path / "model")
    excess = Estimate(1.01, 0.95, 1.08)
    findings = (
        recorded(1, effect=Effect(expected=0.9, found=1.1, after=0.92, excess=excess)),
        recorded(2, serious=False),
        recorded(3, state="closed"),
    )
    drift_log.write(model, DriftLog(findings=findings, windows=(WINDOW,)))
    return model


def test_a_model_without_findings_is_in_order(folder: Path, run: Run) -> None:
    result = run("drift", folder / "model")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "0 findings" in result.stdout


def test_an_open_serious_finding_exits_with_3(model: Path, run: Run) -> None:
    result = run("drift", model)
    assert (result.exit_code, result.stderr) == (3, "")
    assert "2 findings, 1 closed" in result.stdout
    assert "rating level" in result.stdout
    assert "0.8500" in result.stdout
    assert "(1.01, 0.95 to" in " ".join(result.stdout.split())
    document = run("drift", model, "--json")
    assert document.exit_code == 3
    found = json.loads(document.stdout)
    assert found["needs_attention"] is True
    assert [entry["state"] for entry in found["findings"]] == ["open", "open", "closed"]
    assert found["findings"][0]["sentence"].startswith("rating level: all down since")
    assert found["windows"] == [WINDOW.model_dump()]


def test_a_change_without_a_name_is_shown_and_exits_with_3(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    model = shutil.copytree(folder / "model", tmp_path / "model")
    drift_log.write(model, DriftLog().with_unnamed([replace(FOUND, named=None)]))
    result = run("drift", model)
    assert (result.exit_code, result.stderr) == (3, "")
    assert "Not named for certain yet" in result.stdout
    assert "rating level" in result.stdout
    found = json.loads(run("drift", model, "--json").stdout)
    assert [change["named"] for change in found["unnamed"]] == [None]


def test_an_acknowledged_finding_exits_with_0(model: Path, run: Run) -> None:
    result = run("drift", model, "--acknowledge", 1, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)["findings"][0]
    assert found["state"] == "acknowledged"
    assert found["acknowledged_by"]
    assert run("drift", model).exit_code == 0
    again = run("drift", model, "--acknowledge", 1)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "it is acknowledged" in again.stderr
