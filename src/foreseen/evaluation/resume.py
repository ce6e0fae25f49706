"""What a long evaluation has found so far, so that one that was stopped goes on where it was."""

import json
import shutil
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.fingerprint import fingerprint
from foreseen.evaluation.protocols import Answers, Ask
from foreseen.files import write_atomically
from foreseen.models.predictor import Settings

_FOLDER: Final = "unfinished"
_SETTING: Final = "setting"


def measure(
    tables: Tables, protocol: str, ask: Ask, name: str, settings: Settings, seed: int, out: Path
) -> list[Answers]:
    """Measure a model under a protocol, unless a run that was stopped has done so.

    Args:
        tables: The data.
        protocol: Name of the protocol.
        ask: The protocol, ready to ask models.
        name: Of the model.
        settings: Its settings.
        seed: Of all chance.
        out: Where the evaluation is written; `finish` clears what is kept there.

    Raises:
        InputError: As the protocol.
    """
    told = (protocol, name, settings.model_dump(mode="json"), seed)
    stem = out / _FOLDER / fingerprint(tables, *told)
    events, lists = stem.with_suffix(".parquet"), stem.with_suffix(".json")
    if events.exists():
        frame = pl.read_parquet(events)
        kept = json.loads(lists.read_text(encoding="utf-8"))
        return [
            Answers(name, setting, own.drop(_SETTING), kept[setting])
            for (setting,), own in frame.partition_by(
                _SETTING, as_dict=True, maintain_order=True
            ).items()
        ]
    answers = ask(name, settings, seed)
    document = json.dumps({own.setting: own.lists for own in answers})
    write_atomically(lists, lambda path: path.write_text(document, encoding="utf-8"))
    frame = pl.concat(
        own.events.with_columns(pl.lit(own.setting).alias(_SETTING)) for own in answers
    )
    write_atomically(events, frame.write_parquet)
    return answers


def finish(out: Path) -> None:
    """Forget what was kept: the report has it all."""
    shutil.rmtree(out / _FOLDER, ignore_errors=True)
