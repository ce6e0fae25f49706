"""A fitted model as files: readable JSON and weights as safetensors.

Loading reads numbers and text and never executes code. The log, ratings and movies, is stored
beside the model by `foreseen.registry.versions`.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import (
    load_file,  # pyright: ignore[reportUnknownVariableType]
    save_file,  # pyright: ignore[reportUnknownVariableType]
)

from foreseen.candidates.next_item import NextItemModel
from foreseen.compute.threads import one_thread
from foreseen.data.catalogue import Catalogue
from foreseen.data.identifiers import IdMap
from foreseen.data.schema import MOVIE, USER
from foreseen.errors import InputError, ModelFolderError
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.installed import model_names, model_spec
from foreseen.models.spec import parse_settings
from foreseen.models.uncertainty import Uncertainty

FORMAT: Final = 9
CARD: Final = "model.json"
WEIGHTS: Final = "weights.safetensors"
_USERS: Final = "identifiers.users"


class _Header(BaseModel):
    """The part of model.json that all formats share."""

    format: int
    name: str


class _Card(_Header):
    """The contents of model.json."""

    model_config = ConfigDict(extra="forbid")

    seed: int
    settings: dict[str, Any]
    scale: tuple[float, float]
    uncertainty: Uncertainty
    next_item: NextItemModel
    report: dict[str, float]
    genres: list[str]


def write_model(model: Model, folder: Path) -> None:
    """Write the card and the weights of a model into a folder that has neither."""
    arrays = {name: np.ascontiguousarray(a) for name, a in model.predictor.arrays().items()}
    save_file({**arrays, _USERS: model.log.users.ids}, folder / WEIGHTS)
    card = _Card(
        format=FORMAT,
        name=model.name,
        seed=model.seed,
        settings=model.predictor.settings.model_dump(mode="json"),
        scale=model.scale,
        uncertainty=model.uncertainty,
        next_item=model.next_item,
        report=dict(model.report),
        genres=list(model.log.catalogue.genre_names),
    )
    (folder / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_model(folder: Path, ratings: pl.DataFrame, movies: pl.DataFrame) -> Model:
    """Return the model of a folder, with these ratings and movies as its log.

    Raises:
        ModelFolderError: If it is damaged or of another format.
    """
    try:
        text = (folder / CARD).read_text(encoding="utf-8")
        # Before the rest: another format has other fields.
        header = _Header.model_validate_json(text)
        if header.format != FORMAT or header.name not in model_names():
            raise ModelFolderError(
                f"{folder} has format {header.format} and model '{header.name}'; this version "
                f"reads format {FORMAT} and {', '.join(model_names())}: train it again"
            )
        card = _Card.model_validate_json(text)
        arrays: dict[str, np.ndarray[Any, np.dtype[np.generic]]] = load_file(folder / WEIGHTS)
        users = IdMap(arrays.pop(_USERS).astype(np.int64))
        settings = parse_settings(card.name, card.settings)
        predictor = model_spec(card.name).load(settings, arrays)
        catalogue = Catalogue.of(movies, card.genres)
    except (OSError, KeyError, RuntimeError, ValidationError, SafetensorError, InputError) as error:
        if isinstance(error, ModelFolderError):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFolderError(f"{folder} is damaged ({reason}); train it again") from error
    log = InteractionLog(
        catalogue.extended(ratings[MOVIE].to_numpy()),
        users.extended(ratings[USER].to_numpy()),
        ratings,
    )
    with one_thread():
        predictor = predictor.observed(log)
    return Model(
        card.name,
        predictor,
        log,
        card.uncertainty,
        card.next_item,
        card.scale,
        card.seed,
        card.report,
    )
