"""Windows of a backtest: where they begin, and their results on disk."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from foreseen.data.schema import TIMESTAMP
from foreseen.evaluation.splits import cut
from foreseen.files import write_atomically, write_text

WINDOWS: Final = 10


class Window(BaseModel):
    """Record of a finished window of one policy.

    Attributes:
        config: Fingerprint of the backtest's configuration.
        policy: Name of the policy.
        window: Number of the window, from 0.
        trained: Whether the model was trained at its start.
        finetuned: Whether it was fine-tuned at its start.
        trained_on: Ratings that the model had been trained on.
        reasons: Reasons for retraining, if the policy does not retrain anyway.
        findings: Changes found since the window before, as JSON.
        train_seconds: Processor seconds, over all cores, of training.
        keep_seconds: Processor seconds of observing, monitoring and incremental training.
        seconds: Wall-clock seconds of the window.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: str
    policy: str
    window: int
    trained: bool
    finetuned: bool
    trained_on: int
    reasons: list[str]
    findings: list[dict[str, Any]]
    train_seconds: float
    keep_seconds: float
    seconds: float


def window_bounds(ratings: pl.DataFrame, start: float, windows: int) -> list[int]:
    """Return the positions at which the windows of a log of E ratings begin, and E.

    The first window begins at floor(start E), the others never within a second: there are fewer
    windows if several would begin with the same one.

    Raises:
        InputError: If either side of the start is empty.
    """
    known, _ = cut(ratings, start)
    second: NDArray[np.int64] = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    even = np.linspace(known.height, ratings.height, windows + 1).astype(np.int64)[1:-1]
    snapped = np.searchsorted(second, second[even])
    inner = sorted({int(position) for position in snapped if position > known.height})
    return [known.height, *inner, ratings.height]


def write_window(folder: Path, window: Window, predictions: pl.DataFrame) -> None:
    """Write the predictions and the record of a window."""
    part, card = _files(folder, window.policy, window.window)
    # A record of another configuration must never stand beside the new predictions.
    card.unlink(missing_ok=True)
    write_atomically(part, predictions.write_parquet)
    text = window.model_dump_json()
    write_text(card, text)


def read_window(
    folder: Path, config: str, policy: str, number: int
) -> tuple[pl.DataFrame, Window] | None:
    """Return the predictions and the record of a window.

    Returns:
        None if the window is missing, damaged, or of another configuration.
    """
    part, card = _files(folder, policy, number)
    try:
        window = Window.model_validate_json(card.read_text(encoding="utf-8"))
        predictions = pl.read_parquet(part)
    except (OSError, ValidationError, pl.exceptions.PolarsError):
        return None
    return (predictions, window) if window.config == config else None


def _files(folder: Path, policy: str, number: int) -> tuple[Path, Path]:
    part = folder / f"{policy}-{number:02d}.parquet"
    return part, part.with_suffix(".json")
