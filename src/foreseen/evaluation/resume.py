"""Intermediate results of an evaluation, so that an interrupted run can resume."""

import json
import shutil
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.fingerprint import fingerprint
from foreseen.evaluation.protocols import Evaluator
from foreseen.evaluation.results import Result
from foreseen.files import write_atomically, write_text
from foreseen.models.predictor import Settings

_FOLDER: Final = "unfinished"
_SETTING: Final = "setting"


def measure(
    tables: Tables,
    protocol: str,
    evaluate: Evaluator,
    name: str,
    settings: Settings,
    seed: int,
    out: Path,
) -> list[Result]:
    """Return the results of a model under a protocol; read them if an earlier run wrote them.

    Args:
        tables: The data.
        protocol: Name of the protocol.
        evaluate: The evaluator of the protocol for the data.
        name: Name of the model.
        settings: Its settings.
        seed: Random seed.
        out: Folder of the evaluation; `finish` removes the intermediate results.

    Raises:
        InputError: As the protocol.
    """
    key = (protocol, name, settings.model_dump(mode="json"), seed)
    stem = out / _FOLDER / fingerprint(tables, *key)
    events_file, ranking_file = stem.with_suffix(".parquet"), stem.with_suffix(".json")
    if (results := _read(name, events_file, ranking_file)) is not None:
        return results
    results = evaluate(name, settings, seed)
    document = json.dumps({result.setting: result.ranking for result in results})
    write_text(ranking_file, document)
    events = pl.concat(
        result.events.with_columns(pl.lit(result.setting).alias(_SETTING)) for result in results
    )
    write_atomically(events_file, events.write_parquet)
    return results


def _read(name: str, events_file: Path, ranking_file: Path) -> list[Result] | None:
    """Return the results that an earlier run wrote; None if they are missing or damaged."""
    try:
        # The events are written last: where they are, the ranking metrics are too.
        events = pl.read_parquet(events_file)
        ranking = json.loads(ranking_file.read_text(encoding="utf-8"))
        parts = events.partition_by(_SETTING, as_dict=True, maintain_order=True)
        return [
            Result(name, setting, part.drop(_SETTING), ranking[setting])
            for (setting,), part in parts.items()
        ]
    except (OSError, ValueError, LookupError, TypeError, pl.exceptions.PolarsError):
        return None


def finish(out: Path) -> None:
    """Remove the intermediate results of a finished evaluation."""
    shutil.rmtree(out / _FOLDER, ignore_errors=True)
