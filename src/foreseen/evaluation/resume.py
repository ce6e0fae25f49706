"""Intermediate results of an evaluation, so that an interrupted run can resume."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.fingerprint import fingerprint
from foreseen.evaluation.evaluator import Evaluator
from foreseen.evaluation.rankings import RANKINGS_SCHEMA
from foreseen.evaluation.results import Result
from foreseen.files import write_atomically, write_text
from foreseen.models.predictor import Settings

_FOLDER: Final = "unfinished"
_SETTING: Final = "setting"
_EVENTS, _METRICS, _RANKINGS = ".parquet", ".json", ".rankings"


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
    key = (protocol, _order(tables), name, settings.model_dump(mode="json"), seed)
    stem = out / _FOLDER / fingerprint(tables, *key)
    if (results := _read(name, stem)) is not None:
        return results
    results = evaluate(name, settings, seed)
    _write(results, stem)
    return results


def _order(tables: Tables) -> str | None:
    """Return a checksum of the order of the ratings, if it is that of a file."""
    if not tables.in_file_order:
        return None
    return hashlib.sha256(tables.ratings.hash_rows(seed=0).to_numpy().tobytes()).hexdigest()


def _write(results: Sequence[Result], stem: Path) -> None:
    small = {entry.setting: {"ranking": entry.ranking, "tied": entry.tied} for entry in results}
    write_text(stem.with_suffix(_METRICS), json.dumps(small))
    ranked = [(entry.setting, entry.rankings) for entry in results if entry.rankings is not None]
    if ranked:
        write_atomically(stem.with_suffix(_RANKINGS), _concatenated(ranked).write_parquet)
    # The events are written last: where they are, the other files are too.
    events = _concatenated([(entry.setting, entry.events) for entry in results])
    write_atomically(stem.with_suffix(_EVENTS), events.write_parquet)


def _concatenated(tables: Sequence[tuple[str, pl.DataFrame]]) -> pl.DataFrame:
    return pl.concat(table.with_columns(pl.lit(name).alias(_SETTING)) for name, table in tables)


def _read(name: str, stem: Path) -> list[Result] | None:
    """Return the results that an earlier run wrote; None if they are missing or damaged."""
    try:
        events = _by_setting(stem.with_suffix(_EVENTS))
        small = json.loads(stem.with_suffix(_METRICS).read_text(encoding="utf-8"))
        results: list[Result] = []
        rankings: dict[str, pl.DataFrame] = {}
        if any(entry["ranking"] is not None for entry in small.values()):
            rankings = _by_setting(stem.with_suffix(_RANKINGS))
        for setting, part in events.items():
            entry = small[setting]
            empty = pl.DataFrame(schema=RANKINGS_SCHEMA)
            table = None if entry["ranking"] is None else rankings.get(setting, empty)
            results.append(Result(name, setting, part, entry["ranking"], table, entry["tied"]))
    except (OSError, ValueError, LookupError, TypeError, pl.exceptions.PolarsError):
        return None
    return results


def _by_setting(file: Path) -> dict[str, pl.DataFrame]:
    parts = pl.read_parquet(file).partition_by(_SETTING, as_dict=True, maintain_order=True)
    return {setting: part.drop(_SETTING) for (setting,), part in parts.items()}


def finish(out: Path) -> None:
    """Remove the intermediate results of a finished evaluation."""
    shutil.rmtree(out / _FOLDER, ignore_errors=True)
