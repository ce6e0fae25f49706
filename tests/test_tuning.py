"""The search for settings."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from foreseen.data.canonical import Tables
from foreseen.data.schema import RATING
from foreseen.evaluation.tuning import SPACES, tune
from foreseen.models.installed import model_names
from foreseen.models.spec import parse_settings


def test_a_search_goes_on_where_it_was_and_finds_nothing_worse(
    small: Tables, tmp_path: Path
) -> None:
    short = tune(small, "bias", 2, 0, tmp_path)
    longer = tune(small, "bias", 5, 0, tmp_path)
    assert [own["number"] for own in longer["trials"]] == [0, 1, 2, 3, 4]
    assert longer["trials"][:2] == short["trials"]
    tried = [json.dumps(own["settings"]) for own in longer["trials"]]
    assert tried[0] == "{}"
    assert len(set(tried)) == 5
    best = longer["trials"][longer["best"]]
    assert best["figures"]["rmse"] == min(own["figures"]["rmse"] for own in longer["trials"])
    section = yaml.safe_load((tmp_path / "best.yaml").read_text(encoding="utf-8"))
    assert section == {"bias": best["settings"]}
    parse_settings("bias", section["bias"])
    assert (tmp_path / "search.png").stat().st_size > 1000


def test_a_search_does_not_look_at_the_last_fifth(small: Tables, tmp_path: Path) -> None:
    place = int(0.8 * small.ratings.height)
    rating = small.ratings[RATING].to_numpy().copy()
    rating[place:] = np.random.default_rng(0).permutation(rating[place:])
    other = replace(small, ratings=small.ratings.with_columns(pl.Series(RATING, rating)))
    found = [
        tune(tables, "bias", 2, 0, tmp_path / name)["trials"]
        for name, tables in (("as is", small), ("scrambled", other))
    ]
    for one, scrambled in zip(*found, strict=True):
        assert one["settings"] == scrambled["settings"]
        assert one["figures"] == scrambled["figures"]


@pytest.mark.parametrize("name", list(model_names()))
def test_every_model_has_a_space_whose_settings_are_sound(name: str) -> None:
    import optuna

    defaults = parse_settings(name).model_dump(mode="json")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(5):
        parse_settings(name, SPACES[name](study.ask(), defaults))
