"""A small log of random ratings, and a folder with a model trained on it."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import random_ratings, tables_of
from tests.findings import FOUND

from foreseen.data.canonical import Tables
from foreseen.drift.policies import Action
from foreseen.models.base import Model
from foreseen.models.bias import BiasPredictor
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.registry.drift_log import DriftFinding, MeasuredWindow

WINDOW = MeasuredWindow(
    version=1, begins=0, ends=10, ratings=5, users=2, rmse=0.9, expected=0.8, estimated=0.85
)


def recorded(number: int = 1, **more: object) -> DriftFinding:
    """Return the record of `FOUND`, open and serious."""
    document = FOUND.as_json()
    names = ("what", "which", "since", "earliest", "latest", "found", "sentence", "explains")
    fields = {
        "id": number,
        "state": "open",
        "serious": True,
        "recorded": 1_000,
        "action": Action.RETRAINING,
        "done": "kept version 1",
        "done_until": 200,
        **{name: document[name] for name in names},
        **more,
    }
    return DriftFinding.model_validate(fields)


@pytest.fixture(scope="session")
def tables() -> Tables:
    """2,500 ratings of 200 movies by 25 users, in 50 distinct seconds."""
    return tables_of(random_ratings(seed=0, count=2500, users=25, movies=200))


@pytest.fixture(scope="session")
def bias(tables: Tables) -> Model:
    return train(tables, "bias")


def shifted(model: Model, stars: float) -> Model:
    """Return a bias model with another constant term."""
    predictor = model.predictor
    assert isinstance(predictor, BiasPredictor)
    weights = predictor.weights.copy()
    weights[-1] += stars
    return replace(model, predictor=replace(predictor, weights=weights))


@pytest.fixture
def folder(bias: Model, tmp_path: Path) -> Path:
    versions.save_model(bias, tmp_path / "m")
    return tmp_path / "m"
