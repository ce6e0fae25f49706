"""`foreseen update`, `models`, `promote` and `rollback`."""

import json
from pathlib import Path

import polars as pl
from tests.cli.conftest import Run

from foreseen.data.canonical import Tables


def test_a_model_is_updated_and_its_versions_listed_promoted_and_rolled_back(
    folder: Path, run: Run, real: Tables, tmp_path: Path
) -> None:
    # A comparison requires ratings of ten users among the newest.
    ratings = real.ratings.filter(pl.col("userId") % 5 == 0)
    half = ratings.height // 2
    (tmp_path / "data").mkdir()
    ratings[:half].write_csv(tmp_path / "data" / "ratings.csv")
    (tmp_path / "data" / "movies.csv").write_bytes((folder / "data" / "movies.csv").read_bytes())
    ratings[half:].write_csv(tmp_path / "new.csv")
    model = tmp_path / "model"
    trained = run("train", tmp_path / "data", "--model", "bias", "--out", model)
    assert trained.exit_code == 0, trained.stderr
    result = run("update", model, "--ratings", tmp_path / "new.csv", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["ratings"] == ratings.height
    assert document["challenger"] == 2
    listed = json.loads(run("models", model, "--json").stdout)
    assert [version["number"] for version in listed] == [1, 2]
    current = next(version["number"] for version in listed if version["current"])
    other = 3 - current
    assert json.loads(run("promote", model, other, "--json").stdout) == {"current": other}
    assert json.loads(run("rollback", model, "--json").stdout) == {"current": current}
    wrong = run("promote", model, 9)
    assert wrong.exit_code == 2
    assert "no version 9" in wrong.stderr
    assert "trained" in run("models", model).stdout
