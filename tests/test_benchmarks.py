"""The benchmarks as far as they can be tested without their measurements."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from foreseen.candidates.built_in import CANDIDATE_FEATURES
from foreseen.evaluation.intervals import Estimate
from foreseen.models.ensemble.model import EnsembleSettings

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def benchmark(name: str) -> dict[str, Any]:
    return runpy.run_path(str(BENCHMARKS / name))


@pytest.mark.parametrize(
    "name", [file.name for file in sorted(BENCHMARKS.glob("*.py")) if file.name != "server.py"]
)
def test_a_benchmark_can_be_imported(name: str) -> None:
    if name == "scale.py":
        pytest.importorskip("resource", reason="memory is measured on Unix only")
    assert benchmark(name)["__doc__"]


def test_every_candidate_feature_is_in_one_group() -> None:
    groups: dict[str, tuple[str, ...]] = benchmark("candidates.py")["GROUPS"]
    grouped = [feature for features in groups.values() for feature in features]
    assert sorted(grouped) == sorted(CANDIDATE_FEATURES)


def test_every_ablation_differs_from_the_full_model() -> None:
    defaults = EnsembleSettings()
    variants: dict[str, EnsembleSettings] = benchmark("ablation.py")["variants"](defaults)
    assert variants.pop("full") == defaults
    assert variants
    for changed in variants.values():
        assert changed != defaults
        assert EnsembleSettings.model_validate(changed.model_dump()) == changed


def test_a_table_replaces_the_one_between_its_markers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = benchmark("tables.py")
    document = tmp_path / "guide.md"
    document.write_text("above\n<!-- x: begin -->\nold\n<!-- x: end -->\nbelow\n", "utf-8")
    cell = tables["with_interval"](Estimate(1.0, 0.5, 1.25))
    tables["put_table"]("x", tables["markdown"](["", "RMSE"], [["a", cell]]), document)
    table = "|  | RMSE |\n| --- | --- |\n| a | 1.000 (0.500 to 1.250) |"
    assert capsys.readouterr().out == f"{table}\n"
    expected = f"above\n<!-- x: begin -->\n{table}\n<!-- x: end -->\nbelow\n"
    assert document.read_text("utf-8") == expected
    with pytest.raises(ValueError, match="should contain '<!-- y: begin -->'"):
        tables["put_table"]("y", "", document)


def test_the_best_of_each_column_is_bold() -> None:
    rows = {
        "a": {"rmse": Estimate(0.9, 0.8, 1.0), "ndcg10": Estimate(0.6, 0.5, 0.7)},
        "b": {"rmse": Estimate(0.8, 0.7, 0.9)},
    }
    table = benchmark("peers.py")["as_table"](rows)
    assert table.splitlines()[2:] == [
        "| a | 0.900 (0.80-1.00) | **0.600** (0.50-0.70) |",
        "| b | **0.800** (0.70-0.90) |  |",
    ]
