"""`foreseen data`."""

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_data_is_converted_and_described(folder: Path, run: Run, tmp_path: Path) -> None:
    result = run("data", "get", folder / "data", "--out", tmp_path / "canonical", "--json")
    assert result.exit_code == 0, result.stderr
    manifest = json.loads((tmp_path / "canonical" / "manifest.json").read_text())
    assert manifest == json.loads(result.stdout)
    page = tmp_path / "page.html"
    result = run("data", "describe", tmp_path / "canonical", "--out", page, "--json")
    assert json.loads(result.stdout)["ratings"] == manifest["ratings"]
    text = page.read_text()
    assert text.count("data:image/png;base64") == 6
    assert "http://" not in text
    assert "https://" not in text


def test_data_sets_are_listed(run: Run) -> None:
    listed = json.loads(run("data", "list", "--json").stdout)
    assert listed[0] == {"name": "ml-latest-small", "from": "built in", "here": True}
    assert {"ml-100k", "ml-32m"} <= {row["name"] for row in listed}
    assert "ml-32m" in run("data", "list").stdout
