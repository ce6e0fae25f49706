import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import polars as pl
import pytest
import yaml
from tests.faults.injection import ON_WINDOWS, full_disk

from foreseen.data.canonical import Tables
from foreseen.data.schema import RATING
from foreseen.errors import InputError
from foreseen.evaluation.settings_paths import apply, value_at
from foreseen.evaluation.tuning import suggest, tune
from foreseen.models.installed import model_names, model_spec
from foreseen.models.spec import SearchRange, parse_settings

DEFAULTS = {"hidden": [64, 64], "loop": {"epochs": 4, "batch": 512}, "factors": [{"rank": 24}]}


def test_a_search_resumes_and_keeps_the_best_trial(small: Tables, tmp_path: Path) -> None:
    short = tune(small, "bias", 2, 0, tmp_path)
    longer = tune(small, "bias", 4, 0, tmp_path)
    assert [trial["number"] for trial in longer["trials"]] == [0, 1, 2, 3]
    assert longer["trials"][:2] == short["trials"]
    tried = [json.dumps(trial["settings"]) for trial in longer["trials"]]
    assert tried[0] == "{}"
    assert len(set(tried)) == 4
    best = longer["trials"][longer["best"]]
    assert best["figures"]["rmse"] == min(trial["figures"]["rmse"] for trial in longer["trials"])
    section = yaml.safe_load((tmp_path / "best.yaml").read_text(encoding="utf-8"))
    assert section == {"bias": best["settings"]}
    parse_settings("bias", section["bias"])
    assert json.loads((tmp_path / "search.json").read_text(encoding="utf-8")) == longer
    assert "trials" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_search_does_not_use_the_last_fifth(small: Tables, tmp_path: Path) -> None:
    first = int(0.8 * small.ratings.height)
    rating = small.ratings[RATING].to_numpy().copy()
    rating[first:] = np.random.default_rng(0).permutation(rating[first:])
    shuffled = replace(small, ratings=small.ratings.with_columns(pl.Series(RATING, rating)))
    found = [
        tune(tables, "bias", 2, 0, tmp_path / name)["trials"]
        for name, tables in (("original", small), ("shuffled", shuffled))
    ]
    for original, other in zip(*found, strict=True):
        assert original["settings"] == other["settings"]
        assert original["figures"] == other["figures"]


def test_a_model_without_fold_in_is_measured_on_the_last_ratings_of_its_users(
    small: Tables, tmp_path: Path
) -> None:
    found = tune(small, "baseline", 3, 0, tmp_path)
    assert len({trial["figures"]["rmse"] for trial in found["trials"]}) == 3
    assert found["measured"].startswith("last fifth of each user's ratings")


@pytest.mark.parametrize("name", model_names())
def test_the_default_settings_lie_inside_the_search_ranges(name: str) -> None:
    defaults = parse_settings(name).model_dump(mode="json")
    ranges = model_spec(name).search_space
    assert ranges
    for part in ranges:
        for path in part.paths:
            value = value_at(defaults, path)
            assert isinstance(value, int if part.is_integer else int | float), path
            assert part.low <= value <= part.high, path


@pytest.mark.parametrize("name", model_names())
def test_suggested_settings_of_every_model_parse(name: str) -> None:
    defaults = parse_settings(name).model_dump(mode="json")
    ranges = model_spec(name).search_space
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(5):
        trial = study.ask()
        changes = apply(ranges, defaults, suggest(trial, ranges))
        parsed = parse_settings(name, changes).model_dump(mode="json")
        assert set(trial.params) == {part.paths[0] for part in ranges}
        for part in ranges:
            for path in part.paths:
                assert value_at(parsed, path) == trial.params[part.paths[0]]


def test_one_value_is_applied_to_all_paths_of_its_range() -> None:
    ranges = (SearchRange(("hidden.0", "hidden.1"), 32, 128), SearchRange(("loop.epochs",), 2, 10))
    changes = apply(ranges, DEFAULTS, {"hidden.0": 100, "loop.epochs": 7})
    assert changes == {"hidden": [100, 100], "loop": {"epochs": 7, "batch": 512}}


def test_applying_values_leaves_the_defaults_unchanged() -> None:
    before = json.dumps(DEFAULTS)
    apply((SearchRange(("factors.0.rank",), 6, 40),), DEFAULTS, {"factors.0.rank": 9})
    assert json.dumps(DEFAULTS) == before
    assert value_at(DEFAULTS, "factors.0.rank") == 24


def test_whole_numbers_are_suggested_for_integer_ranges() -> None:
    ranges = (SearchRange(("width",), 4, 32, log=True), SearchRange(("rate",), 0.1, 1.0))
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    values = suggest(trial, ranges)
    assert isinstance(values["width"], int)
    assert isinstance(values["rate"], float)


def test_a_search_resumes_after_a_full_disk_or_a_kill_left_half_a_line(
    small: Tables, tmp_path: Path
) -> None:
    first = tune(small, "bias", 1, 0, tmp_path)["trials"]
    (trials,) = tmp_path.glob("study.*")
    trials.write_bytes(trials.read_bytes() + b'{"op_code":8,"worker')
    assert tune(small, "bias", 2, 0, tmp_path)["trials"][:1] == first
    assert len(tune(small, "bias", 2, 0, tmp_path)["trials"]) == 2


@pytest.mark.parametrize("content", [b"not json\n{}\n", b"{}\n", b"[1]\n", b'{"op_code":99}\n'])
def test_a_damaged_file_of_trials_is_named(small: Tables, tmp_path: Path, content: bytes) -> None:
    tune(small, "bias", 1, 0, tmp_path)
    (trials,) = tmp_path.glob("study.*")
    trials.write_bytes(content)
    with pytest.raises(InputError, match=r"study\.\w+ is damaged; delete it"):
        tune(small, "bias", 1, 0, tmp_path)


@ON_WINDOWS
def test_a_full_disk_ends_a_search_with_its_error(small: Tables, tmp_path: Path) -> None:
    tune(small, "bias", 1, 0, tmp_path)
    (trials,) = tmp_path.glob("study.*")
    with full_disk(trials.stat().st_size + 300), pytest.raises(OSError, match="too large"):
        tune(small, "bias", 3, 0, tmp_path)
    assert len(tune(small, "bias", 2, 0, tmp_path)["trials"]) == 2
