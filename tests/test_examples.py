"""The examples run as they stand, on less data."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import foreseen
from foreseen.data.canonical import write_tables

NOTEBOOK = Path(__file__).parents[1] / "examples" / "quickstart.ipynb"


def code_cells() -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_runs(tmp_path: Path, small: foreseen.Tables) -> None:
    write_tables(small, tmp_path / "data")
    code = "\n".join("".join(cell["source"]) for cell in code_cells())
    assert '"ml-latest-small"' in code
    code = code.replace('"ml-latest-small"', repr(str(tmp_path / "data")))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_notebook_is_stored_as_executed_from_top_to_bottom() -> None:
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} == {"execute_result", "display_data"}
    assert NOTEBOOK.stat().st_size < 100_000
