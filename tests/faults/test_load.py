"""A server under load, in a few seconds; `benchmarks/soak/load.py` does it for minutes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from foreseen.data.canonical import Tables
from foreseen.models.train import train
from foreseen.registry import versions

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak" / "load.py"
TIMES = {"response times grow", "admitted requests wait", "refusals are slow"}
"""Bounds that a few seconds on a machine with other work may exceed; here they are wider."""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_load_is_handled_without_errors_and_overload_is_refused(
    small: Tables, tmp_path: Path
) -> None:
    versions.save_model(train(small, "bias"), tmp_path / "m")
    command = [sys.executable, str(SOAK), str(tmp_path / "m"), "--workers", "1", "--json"]
    done = subprocess.run(
        [*command, "--minutes", "0.06", "--overload", "3"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stderr == ""
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["errors"] == {}
    assert set(report["exceeded"]) <= TIMES
    assert done.returncode == bool(report["exceeded"])
    assert report["overload"]["refused"] >= 0.2
    assert report["overload"]["admitted_median"] < 5000
    assert report["overload"]["refused_median"] < 1000
