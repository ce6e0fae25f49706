"""A fitted model as files: readable JSON and weights as safetensors.

Loading reads numbers and text and never executes code. The log, ratings and movies, is stored
beside the model by `foreseen.registry.versions`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from pydantic import ConfigDict
from safetensors import SafetensorError
from safetensors.numpy import load, save

from foreseen.candidates.next_item import NextItemModel
from foreseen.compute.threads import one_thread
from foreseen.data.catalogue import Catalogue
from foreseen.data.encoding import Encoding
from foreseen.data.identifiers import IdMap
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.schema import MOVIE, USER
from foreseen.errors import InputError, ModelFolderError
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.card import CARD, FORMAT, CardHeader, check_format, damaged
from foreseen.models.installed import model_spec
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import SequenceSettings
from foreseen.models.spec import parse_settings
from foreseen.models.uncertainty import Uncertainty

WEIGHTS: Final = "weights.safetensors"
_USERS: Final = "identifiers.users"
_SEQUENCE: Final = "sequence."
_FILE_ERRORS: Final = (OSError, ValueError, SafetensorError, InputError)


class _Card(CardHeader):
    """The contents of model.json."""

    model_config = ConfigDict(extra="forbid")

    seed: int
    settings: dict[str, Any]
    scale: tuple[float, float]
    uncertainty: Uncertainty
    next_item: NextItemModel
    report: dict[str, float]
    genres: list[str]
    rating_scale: RatingScale = STARS
    sequence: SequenceSettings | None = None


def write_model(model: Model, folder: Path) -> None:
    """Write the card and the weights of a model into a folder that has neither."""
    arrays = {name: np.ascontiguousarray(a) for name, a in model.predictor.arrays().items()}
    if model.sequence is not None:
        sequence = model.sequence.arrays().items()
        arrays |= {f"{_SEQUENCE}{name}": np.ascontiguousarray(array) for name, array in sequence}
    (folder / WEIGHTS).write_bytes(save({**arrays, _USERS: model.log.users.ids}))
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
        rating_scale=model.encoding.scale,
        sequence=None if model.sequence is None else model.sequence.settings,
    )
    (folder / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_model(
    folder: Path, ratings: pl.DataFrame, movies: pl.DataFrame, encoding: Encoding | None = None
) -> Model:
    """Return the model of a folder, with these ratings and movies as its log.

    Args:
        folder: The folder.
        ratings: The canonical ratings of the log.
        movies: The canonical movies.
        encoding: The codes of the ids in them; None if all are whole numbers.

    Raises:
        ModelFolderError: If it is damaged or of another format.
    """
    try:
        text = (folder / CARD).read_text(encoding="utf-8")
        # Before the rest: another format has other fields.
        check_format(folder, CardHeader.model_validate_json(text))
        card = _Card.model_validate_json(text)
        arrays: dict[str, np.ndarray[Any, np.dtype[np.generic]]] = load(
            (folder / WEIGHTS).read_bytes()
        )
        users = IdMap(arrays.pop(_USERS).astype(np.int64))
        part = {n: arrays.pop(n) for n in list(arrays) if n.startswith(_SEQUENCE)}
        sequence = None
        if card.sequence is not None:
            named = {name.removeprefix(_SEQUENCE): array for name, array in part.items()}
            sequence = SequenceModel.from_arrays(card.sequence, named)
        settings = parse_settings(card.name, card.settings)
        predictor = model_spec(card.name).load(settings, arrays)
        catalogue = Catalogue.of(movies, card.genres)
        log = InteractionLog(
            catalogue.extended(ratings[MOVIE].to_numpy()),
            users.extended(ratings[USER].to_numpy()),
            ratings,
        )
        with one_thread():
            predictor = predictor.observed(log)
    except ModelFolderError:
        raise
    # Arrays of another shape or type raise what the computation with them raises.
    except (*_FILE_ERRORS, LookupError, TypeError, ArithmeticError, RuntimeError) as error:
        raise damaged(folder, error) from error
    return Model(
        card.name,
        predictor,
        log,
        card.uncertainty,
        card.next_item,
        card.scale,
        card.seed,
        card.report,
        replace(encoding or Encoding(), scale=card.rating_scale),
        sequence,
    )
