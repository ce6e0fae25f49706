"""A fitted model as files: readable JSON and weights as safetensors.

Loading reads numbers and text and never executes anything. What the model knows, the ratings and
the movies, is kept beside it by `foreseen.registry.versions`.
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

from foreseen.data.catalogue import Catalogue
from foreseen.errors import InputError, ModelFolderError
from foreseen.features.interaction_log import Timeline
from foreseen.data.identifiers import IdMap
from foreseen.models import KINDS, Model, parse_settings
from foreseen.models.uncertainty import Uncertainty
from foreseen.candidates.next_item import Watching
from foreseen.data.schema import MOVIE, USER
from foreseen.compute.threads import one_thread

FORMAT: Final = 8
CARD: Final = "model.json"
WEIGHTS: Final = "weights.safetensors"
_USERS: Final = "identifiers.users"


class _Card(BaseModel):
    """What model.json says."""

    model_config = ConfigDict(extra="forbid")

    format: int
    name: str
    seed: int
    settings: dict[str, Any]
    scale: tuple[float, float]
    uncertainty: Uncertainty
    watching: Watching
    report: dict[str, float]
    genres: list[str]


def write_model(model: Model, folder: Path) -> None:
    """Write a model's card and weights into a folder that has neither."""
    arrays = {name: np.ascontiguousarray(a) for name, a in model.predictor.arrays().items()}
    save_file({**arrays, _USERS: model.timeline.users.ids}, folder / WEIGHTS)
    card = _Card(
        format=FORMAT,
        name=model.name,
        seed=model.seed,
        settings=model.predictor.settings.model_dump(mode="json"),
        scale=model.scale,
        uncertainty=model.uncertainty,
        watching=model.watching,
        report=dict(model.report),
        genres=list(model.timeline.catalogue.genre_names),
    )
    (folder / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_model(folder: Path, ratings: pl.DataFrame, movies: pl.DataFrame) -> Model:
    """Read a model back, to know these ratings and movies.

    Raises:
        ModelFolderError: If it is damaged or of another format.
    """
    try:
        card = _Card.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
        if card.format != FORMAT or card.name not in KINDS:
            raise ModelFolderError(
                f"{folder} is of format {card.format}, model '{card.name}'; this edition reads "
                f"format {FORMAT} and {', '.join(KINDS)}: train it again"
            )
        arrays: dict[str, np.ndarray[Any, np.dtype[np.generic]]] = load_file(folder / WEIGHTS)
        users = IdMap(arrays.pop(_USERS).astype(np.int64))
        settings = parse_settings(card.name, card.settings)
        predictor = KINDS[card.name].from_arrays(settings, arrays)
        catalogue = Catalogue.of(movies, card.genres)
    except (OSError, KeyError, RuntimeError, ValidationError, SafetensorError, InputError) as error:
        if isinstance(error, ModelFolderError):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFolderError(f"{folder} is damaged ({reason}); train it again") from error
    timeline = Timeline(
        catalogue.extended(ratings[MOVIE].to_numpy()),
        users.extended(ratings[USER].to_numpy()),
        ratings,
    )
    with one_thread():
        predictor = predictor.observed(timeline)
    return Model(
        card.name,
        predictor,
        timeline,
        card.uncertainty,
        card.watching,
        card.scale,
        card.seed,
        card.report,
    )
