"""A source of candidates of another package, installed for real, is used by new models."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from foreseen.candidates.built_in import CANDIDATE_FEATURES
from foreseen.data.canonical import Tables, write_tables
from tests.conftest import environment_with

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "own_candidates"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment_with(EXAMPLE, tmp_path_factory.mktemp("site-packages"))


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "foreseen", *words],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_model_fits_its_weights_keeps_its_name_and_asks_for_it_when_it_is_missing(
    environment: dict[str, str], tiny: Tables, tmp_path: Path
) -> None:
    data, model = str(tmp_path / "data"), tmp_path / "model"
    write_tables(tiny, Path(data))
    trained = run(environment, "train", data, "--model", "bias", "--out", str(model))
    assert trained.returncode == 0, trained.stderr
    card = json.loads(next(model.rglob("model.json")).read_text(encoding="utf-8"))
    assert card["next_item"]["sources"] == ["new-releases"]
    assert len(card["next_item"]["next"]["weights"]) == 2 * (len(CANDIDATE_FEATURES) + 1)
    words = ["recommend", str(model), "--user", "15", "--by", "likely", "--json"]
    ranked = run(environment, *words)
    assert ranked.returncode == 0, ranked.stderr
    assert len(json.loads(ranked.stdout)[0]["recommendations"]) == 10
    without = run(dict(os.environ), *words)
    assert without.returncode == 1
    assert without.stderr.count("\n") == 1
    assert "'new-releases', which is not installed" in without.stderr
