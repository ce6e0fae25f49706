"""A model as a folder: readable JSON, weights as safetensors, what it knows as Parquet.

Loading reads numbers and text and never executes anything. Every file gets its name only when it
is whole, so that a crash leaves the old state or the new one.
"""

import shutil
import tempfile
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

from foreseen.catalogue import Catalogue
from foreseen.errors import InputError, ModelFolderError
from foreseen.features.timeline import Timeline
from foreseen.files import write_whole
from foreseen.identifiers import IdMap
from foreseen.models import KINDS, Model, parse_settings
from foreseen.models.uncertainty import Uncertainty
from foreseen.models.watching import Watching
from foreseen.schema import MOVIE, USER
from foreseen.sources.archive import sha256
from foreseen.threads import one_thread

FORMAT: Final = 2
_CARD: Final = "model.json"
_WEIGHTS: Final = "weights.safetensors"
_RATINGS: Final = "ratings.parquet"
_MOVIES: Final = "movies.parquet"
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
    weights_sha256: str


def save_model(model: Model, folder: Path | str) -> None:
    """Write a model; an older model in the folder is replaced once the new one is whole.

    Raises:
        InputError: If the folder holds something other than a model.
    """
    folder = Path(folder)
    if folder.exists() and (
        not folder.is_dir() or (any(folder.iterdir()) and not _is_model(folder))
    ):
        raise InputError(f"{folder} exists and holds no model; name a new or an empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        trained = model.timeline.users.ids
        arrays = {name: np.ascontiguousarray(a) for name, a in model.predictor.arrays().items()}
        save_file({**arrays, _USERS: trained}, draft / _WEIGHTS)
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
            weights_sha256=sha256((draft / _WEIGHTS).read_bytes()),
        )
        (draft / _CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        save_knowledge(model, draft)
        draft.chmod(0o755)
        if folder.exists():
            retired = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            folder.rename(retired / "old")
            draft.rename(folder)
            shutil.rmtree(retired)
        else:
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def save_knowledge(model: Model, folder: Path) -> None:
    """Write the ratings and movies a model knows, into a folder that has its weights."""
    timeline = model.timeline
    write_whole(folder / _MOVIES, timeline.catalogue.table.write_parquet)
    write_whole(folder / _RATINGS, timeline.ratings.write_parquet)


def load_model(folder: Path | str) -> Model:
    """Read a model back.

    Raises:
        ModelFolderError: If there is none, or it is damaged or of another format.
    """
    folder = Path(folder)
    if not _is_model(folder):
        raise ModelFolderError(f"{folder} holds no model (no {_CARD}); make one: foreseen train")
    try:
        card = _Card.model_validate_json((folder / _CARD).read_text(encoding="utf-8"))
        if card.format != FORMAT or card.name not in KINDS:
            raise ModelFolderError(
                f"{folder} is of format {card.format}, model '{card.name}'; this edition reads "
                f"format {FORMAT} and {', '.join(KINDS)}: train it again"
            )
        if sha256((folder / _WEIGHTS).read_bytes()) != card.weights_sha256:
            raise ModelFolderError(f"{folder}/{_WEIGHTS} is not what was saved; train it again")
        arrays: dict[str, np.ndarray[Any, np.dtype[np.generic]]] = load_file(folder / _WEIGHTS)
        users = IdMap(arrays.pop(_USERS).astype(np.int64))
        settings = parse_settings(card.name, card.settings)
        predictor = KINDS[card.name].from_arrays(settings, arrays)
        ratings = pl.read_parquet((folder / _RATINGS).read_bytes())
        catalogue = Catalogue.of(pl.read_parquet((folder / _MOVIES).read_bytes()), card.genres)
        timeline = Timeline(
            catalogue.extended(ratings[MOVIE].to_numpy()),
            users.extended(ratings[USER].to_numpy()),
            ratings,
        )
    except (OSError, KeyError, RuntimeError, ValidationError, SafetensorError, InputError) as error:
        if isinstance(error, ModelFolderError):
            raise
        raise ModelFolderError(
            f"{folder} is damaged ({_first_line(error)}); train it again"
        ) from error
    except pl.exceptions.PolarsError as error:
        raise ModelFolderError(
            f"{folder} is damaged ({_first_line(error)}); train it again"
        ) from error
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


def _is_model(folder: Path) -> bool:
    return (folder / _CARD).is_file()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
