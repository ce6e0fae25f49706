"""The scripts that draw the figures of the guides."""

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure

from foreseen.data.canonical import Tables
from foreseen.models.installed import model_names, model_spec

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "figures"
WITHOUT_NETWORK = {"bias"}


def script(name: str) -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / name))


def test_every_model_with_a_network_is_drawn() -> None:
    drawn = set(script("draw_models.py")["networks"]())
    built_in = {
        name
        for name in model_names()
        if model_spec(name).settings.__module__.startswith("foreseen.")
    }
    assert drawn == built_in - WITHOUT_NETWORK
    assert not [name for name in drawn if not (FIGURES / f"{name}.png").exists()]


def test_the_networks_can_be_traced_with_their_inputs() -> None:
    drawing = script("draw_models.py")
    for network, inputs in drawing["networks"]().values():
        traced = drawing["trace"](network, inputs)
        output = [node for node in traced.graph.nodes if node.op == "output"]
        assert output[0].meta["tensor_meta"].shape[0] == drawing["EXAMPLES"]


def test_other_inputs_than_those_of_a_network_are_refused() -> None:
    drawing = script("draw_models.py")
    network, _ = drawing["networks"]()["baseline"]
    with pytest.raises(ValueError, match=r"should be user, movie\. Received: movie"):
        drawing["trace"](network, {"movie": torch.zeros(7, dtype=torch.int64)})


def test_the_pictures_of_the_data_can_be_drawn(small: Tables) -> None:
    drawing = script("draw_data.py")
    for name in ("draw_ratings_per_year", "draw_ratings_by_rank"):
        axes = Figure().subplots()
        drawing[name](small.ratings, axes)
        assert axes.has_data()
    assert (FIGURES / "ratings-per-year.png").exists()
    assert (FIGURES / "activity.png").exists()
