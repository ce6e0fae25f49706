"""A model as a folder of JSON and weights: complete, and refused when it is not."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import random_ratings, tables_of

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.catalogue import Catalogue
from foreseen.errors import ModelFolderError
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.checkpoint import CARD, FORMAT, WEIGHTS, read_model, write_model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on


@pytest.fixture(scope="module")
def model() -> Model:
    tables = tables_of(random_ratings(0, 300))
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    return train_on(log, "bias", parse_settings("bias"), 7, next_item=UNTRAINED)


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    write_model(model, tmp_path)
    return tmp_path


def read(folder: Path, model: Model) -> Model:
    return read_model(folder, model.log.ratings, model.log.catalogue.table)


def test_a_read_model_equals_the_written_one(folder: Path, model: Model) -> None:
    assert sorted(file.name for file in folder.iterdir()) == [CARD, WEIGHTS]
    loaded = read(folder, model)
    assert (loaded.name, loaded.seed, loaded.scale) == (model.name, 7, model.scale)
    assert loaded.uncertainty == model.uncertainty
    assert loaded.next_item == model.next_item
    assert loaded.report == model.report
    assert loaded.predictor.settings == model.predictor.settings
    np.testing.assert_array_equal(loaded.log.users.ids, model.log.users.ids)
    pairs = model.log.ratings.head(20).drop("rating")
    assert loaded.predict(pairs).equals(model.predict(pairs))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("format", FORMAT - 1, f"has format {FORMAT - 1}"),
        ("name", "oracle", "model 'oracle'"),
        ("settings", {"rigde": 1}, "rigde"),
        ("unknown_field", 1, "damaged"),
        ("scale", "wide", "damaged"),
    ],
)
def test_another_format_and_unknown_or_wrong_fields_are_refused(
    folder: Path, model: Model, key: str, value: object, reason: str
) -> None:
    card = json.loads((folder / CARD).read_text("utf-8"))
    (folder / CARD).write_text(json.dumps({**card, key: value}), "utf-8")
    with pytest.raises(ModelFolderError, match=reason):
        read(folder, model)


def test_missing_and_truncated_weights_are_refused(folder: Path, model: Model) -> None:
    weights = folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ModelFolderError, match="damaged"):
        read(folder, model)
    weights.unlink()
    with pytest.raises(ModelFolderError, match="damaged"):
        read(folder, model)
