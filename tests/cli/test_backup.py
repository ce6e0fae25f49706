"""`foreseen backup` and `restore`."""

import json
import shutil
from pathlib import Path

from tests.cli.conftest import Run


def test_a_model_is_backed_up_and_restored(folder: Path, run: Run, tmp_path: Path) -> None:
    shutil.copytree(folder / "model", tmp_path / "here" / "model")
    out = tmp_path / "backup.zip"
    made = run("backup", tmp_path / "here" / "model", "--out", out, "--json")
    assert made.exit_code == 0, made.stderr
    report = json.loads(made.stdout)
    assert report == {"file": str(out), "files": report["files"], "database": None, "secret": False}
    restored = run("restore", out, tmp_path / "there" / "model")
    assert restored.exit_code == 0, restored.stderr
    assert "none" in restored.stdout
    rankings = [
        run("recommend", tmp_path / place / "model", "--user", 1, "--json").stdout
        for place in ("here", "there")
    ]
    assert rankings[0] == rankings[1]
    again = run("restore", out, tmp_path / "here" / "model", "--db", "sqlite:///x.db")
    assert again.exit_code == 2
    assert again.stderr.count("\n") == 1


def test_what_cannot_be_backed_up_or_restored_is_one_line(run: Run, tmp_path: Path) -> None:
    missing = run("backup", tmp_path / "none", "--out", tmp_path / "backup.zip")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert missing.stderr.startswith("foreseen: ")
    assert "holds no model" in missing.stderr
    wrong = run("restore", tmp_path / "none.zip", tmp_path / "model")
    assert wrong.exit_code == 2
    assert "none.zip cannot be read (No such file or directory)" in wrong.stderr
    assert list(tmp_path.iterdir()) == []
