"""The benchmarks as far as they can be tested without their measurements."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
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


def test_bounds_are_of_the_ratio_to_a_peer_or_of_the_number_without_one(tmp_path: Path) -> None:
    module = benchmark("measures.py")
    measure = module["Measure"]
    measures = [
        measure("speed", 30.0, "ratings/s", "peer", 20.0, at_least=2, digits=0),
        measure("time", 4.25, "s", at_most=5),
        measure("memory", 1.5, "GiB", digits=2),
    ]
    assert [entry.is_within for entry in measures] == [False, True, None]
    module["write"](measures, tmp_path / "m.json")
    assert [vars(entry) for entry in module["read"](tmp_path / "m.json")] == [
        vars(entry) for entry in measures
    ]
    table = module["table_of"]([("bench", entry) for entry in measures])
    assert table.splitlines()[2:] == [
        "| speed | 30 ratings/s | peer: 20 ratings/s | 1.50 | at least 2 | **no** | bench |",
        "| time | 4.2 s |  |  | at most 5 | yes | bench |",
        "| memory | 1.50 GiB |  |  |  |  | bench |",
    ]


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


def test_the_last_movie_counts_by_its_place_in_the_ranking() -> None:
    rankings = pl.DataFrame({"userId": [1] * 11 + [2] * 3, "movieId": [*range(11), 7, 8, 9]})
    last = pl.DataFrame({"userId": [1, 1, 1, 2, 2, 3], "movieId": [0, 9, 10, 9, 5, 7]})
    gains: pl.Series = benchmark("next_item.py")["gains_of_last"](rankings, last)
    expected = [1.0, 1 / np.log2(11), 0.0, 0.5, 0.0, 0.0]
    assert sorted(gains.to_list()) == pytest.approx(sorted(expected))


def test_results_are_ordered_by_setting_with_the_best_in_bold() -> None:
    def metric(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.1, "high": value + 0.1}

    def result(model: str, setting: str, rmse: float, by: str, ndcg: float) -> dict[str, Any]:
        lists = {by: {"ndcg10": metric(ndcg)}, "rating": {"ndcg10": metric(0.9)}}
        return {"model": model, "setting": setting, "rmse": metric(rmse), "lists": lists}

    reference = [result("global mean", name, 1.1, "popularity", 0.2) for name in ("live", "frozen")]
    own = [result("bias", name, 0.9, "likely", 0.3) for name in ("live", "frozen")]
    document = {"protocol": "stream", "results": reference + own}
    section: str = benchmark("results.py")["section"]("small", [document], "today")
    heading, made, errors, rankings = section.split("\n\n")
    assert (heading, made) == ("### small", "today")
    assert errors.splitlines()[2:] == [
        "| `stream`, live | global mean | 1.100 (1.000 to 1.200) |  |  |  |",
        "| `stream`, live | `bias` | **0.900** (0.800 to 1.000) |  |  |  |",
        "| `stream`, frozen | global mean | 1.100 (1.000 to 1.200) |  |  |  |",
        "| `stream`, frozen | `bias` | **0.900** (0.800 to 1.000) |  |  |  |",
    ]
    assert rankings.splitlines()[2:4] == [
        "| `stream`, live | popularity of seven days | 0.200 (0.100 to 0.300) |  |  |",
        "| `stream`, live | `bias` by `likely` | **0.300** (0.200 to 0.400) |  |  |",
    ]
