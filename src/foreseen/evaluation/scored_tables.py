"""The predictions and rankings of an evaluation as tables, so that others can score them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.encoding import Encoding
from foreseen.data.schema import HIGH, LOW, MOVIE, PREDICTION, RATING, TIMESTAMP, USER
from foreseen.evaluation.results import Result
from foreseen.files import write_atomically

PREDICTIONS_FILE: Final = "predictions.parquet"
RANKINGS_FILE: Final = "rankings.parquet"
_KEYS: Final = ("model", "setting")
_PREDICTED: Final = (USER, MOVIE, TIMESTAMP, RATING, PREDICTION, LOW, HIGH)


def write_tables(results: Sequence[Result], encoding: Encoding, out: Path) -> None:
    """Write `predictions.parquet`, and `rankings.parquet` if the protocol has rankings.

    Args:
        results: The results, in stars.
        encoding: The ids and the scale of the data, which the tables have.
        out: Folder of the evaluation.
    """
    predictions = encoding.decode(
        _concatenated([(r, r.events.select(_PREDICTED)) for r in results])
    )
    predictions = predictions.with_columns(
        pl.Series(name, encoding.scale.from_stars(predictions[name].to_numpy()))
        for name in (PREDICTION, LOW, HIGH)
    )
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / PREDICTIONS_FILE, predictions.write_parquet)
    ranked = [(result, result.rankings) for result in results if result.rankings is not None]
    if ranked:
        rankings = encoding.decode(_concatenated(ranked))
        write_atomically(out / RANKINGS_FILE, rankings.write_parquet)
    else:
        (out / RANKINGS_FILE).unlink(missing_ok=True)


def _concatenated(parts: Sequence[tuple[Result, pl.DataFrame]]) -> pl.DataFrame:
    """Return tables in one, with the model and the setting of each."""
    return pl.concat(
        table.select(
            pl.lit(result.model).alias(_KEYS[0]), pl.lit(result.setting).alias(_KEYS[1]), pl.all()
        )
        for result, table in parts
    )
