"""A model as a folder of JSON and weights: complete, and refused when it is not."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from tests.conftest import random_ratings, tables_of

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.catalogue import Catalogue
from foreseen.errors import ModelFolderError
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.card import CARD, FORMAT
from foreseen.models.checkpoint import WEIGHTS, read_model, write_model
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


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe", "damaged"),
        (b"", "damaged"),
        (100_000 * b"[", "damaged"),
        (b'{"format": ' + 5000 * b"9" + b', "name": "bias"}', "damaged|update Foreseen"),
        (b'{"format": NaN, "name": "bias"}', "damaged"),
        (b'{"format": 11, "name": "bias"}', "update Foreseen"),
        (b'{"format": 8, "name": "bias"}', "train it again"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_a_card_that_is_no_card_is_refused_in_one_line(
    folder: Path, model: Model, content: bytes, reason: str
) -> None:
    (folder / CARD).write_bytes(content)
    with pytest.raises(ModelFolderError, match=reason) as caught:
        read(folder, model)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999"])
def test_a_card_with_a_number_that_is_not_finite_is_refused(
    folder: Path, model: Model, text: str
) -> None:
    card = json.loads((folder / CARD).read_text("utf-8"))
    card["report"]["ratings"] = 123456.5
    (folder / CARD).write_text(json.dumps(card).replace("123456.5", text), "utf-8")
    with pytest.raises(ModelFolderError, match="damaged"):
        read(folder, model)


@pytest.mark.parametrize("place", [0, 7, 8, 60, -1])
def test_changed_weights_of_any_place_are_read_or_refused(
    folder: Path, model: Model, place: int
) -> None:
    """A version has checksums besides; here, nothing but a refusal may be raised."""
    weights = bytearray((folder / WEIGHTS).read_bytes())
    weights[place] ^= 0x41
    (folder / WEIGHTS).write_bytes(weights)
    with suppress(ModelFolderError):
        read(folder, model)


def test_arrays_of_other_names_or_types_are_refused(folder: Path, model: Model) -> None:
    for arrays in ({}, {"identifiers.users": np.zeros((2, 2))}, {"weights": np.zeros(3)}):
        (folder / WEIGHTS).write_bytes(save(arrays))
        with pytest.raises(ModelFolderError, match="damaged"):
            read(folder, model)
