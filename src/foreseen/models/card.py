"""The card of a saved model, model.json: the part that can be read without loading the model."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.errors import ModelFolderError
from foreseen.models.installed import model_names

FORMAT: Final = 10
CARD: Final = "model.json"


class CardHeader(BaseModel):
    """The part of model.json that all formats share."""

    model_config = ConfigDict(allow_inf_nan=False)

    format: int
    name: str


class _ScaleCard(CardHeader):
    """The part of model.json with the scale of the ratings."""

    rating_scale: RatingScale = STARS


def check_format(folder: Path, header: CardHeader) -> None:
    """Check that this version reads the model of a folder.

    Raises:
        ModelFolderError: If it does not.
    """
    if header.format == FORMAT and header.name in model_names():
        return
    found = f"{folder} has format {header.format} and model '{header.name}'; this version "
    fix = "update Foreseen" if header.format > FORMAT else "train it again"
    raise ModelFolderError(f"{found}reads format {FORMAT} and {', '.join(model_names())}: {fix}")


def read_scale(folder: Path) -> RatingScale:
    """Return the scale of the ratings that the model of a folder is fitted to.

    Raises:
        ModelFolderError: If it is damaged or of another format.
    """
    try:
        text = (folder / CARD).read_text(encoding="utf-8")
        check_format(folder, CardHeader.model_validate_json(text))
        return _ScaleCard.model_validate_json(text).rating_scale
    except (OSError, ValueError) as error:
        raise damaged(folder, error) from error


def damaged(folder: Path, error: Exception) -> ModelFolderError:
    """Return the error that a folder is damaged, with the reason in one line."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return ModelFolderError(f"{folder} is damaged ({reason}); train it again")
