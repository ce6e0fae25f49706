"""Options that several commands share: choices and settings files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

from tests.cli.conftest import Run

from foreseen.cli.options import PolicyName, ProtocolName, RankBy, ServiceName
from foreseen.data.sources.exports import EXPORT_FORMATS
from foreseen.drift.policies import POLICIES
from foreseen.evaluation.cross_validation import GIVEN_SPLITS
from foreseen.evaluation.protocols import PROTOCOLS
from foreseen.ranking.rank import CRITERIA, By


def test_choices_are_those_of_the_package() -> None:
    assert list(RankBy) == list(CRITERIA) == list(get_args(By))
    assert list(PolicyName) == list(POLICIES)
    assert list(ProtocolName) == [*PROTOCOLS, GIVEN_SPLITS]
    assert list(ServiceName) == list(EXPORT_FORMATS)


def test_a_model_of_another_package_is_a_choice_and_help_loads_no_model(tmp_path: Path) -> None:
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[foreseen.models]\nmedian = other_package:SPEC\n")
    code = (
        "import sys; from foreseen.cli import main\n"
        "try: main()\n"
        "finally: print('loaded:', sorted({'torch', 'numba', 'polars'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "--help"],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert "ensemble|median" in done.stdout
    assert done.stdout.endswith("loaded: []\n")


def test_settings_are_read_and_an_unknown_key_is_named(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    file, out = tmp_path / "settings.yaml", tmp_path / "b"
    words = ("train", folder / "data", "--model", "baseline", "--out", out, "--settings", file)
    file.write_text("baseline:\n  wdith: 4\n")
    result = run(*words)
    assert result.exit_code == 2
    assert "wdith" in result.stderr
    file.write_text("baseline:\n  width: 3\n  loop: {epochs: 1}\n")
    assert run(*words).exit_code == 0
    card = json.loads((out / "versions" / "0001" / "model.json").read_text())
    assert card["settings"]["width"] == 3


def test_a_settings_file_of_another_form_is_refused(folder: Path, run: Run, tmp_path: Path) -> None:
    file, out = tmp_path / "settings.yaml", tmp_path / "b"
    for content, message in (
        ("- baseline", "should have a section per model"),
        ("baseline: 3", "should be a mapping of settings"),
        ("baseline: {", "is not valid YAML"),
        (None, "cannot be read"),
    ):
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_text(content)
        result = run(
            "train", folder / "data", "--model", "baseline", "--out", out, "--settings", file
        )
        assert result.exit_code == 2
        assert message in result.stderr
