"""The log, which all versions share: ratings and movies, and links to other databases.

Every change writes a new generation, a folder that is renamed when it is complete. The file
`current` names the valid generation and the one before, with the checksums of their files.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.encoding import Encoding
from foreseen.data.parquet import from_parquet, to_parquet
from foreseen.data.schema import MOVIES_SCHEMA, RATINGS_SCHEMA
from foreseen.errors import ModelFolderError
from foreseen.files import INCOMPLETE, new_folder
from foreseen.integrity import sha256
from foreseen.models.base import Model
from foreseen.registry.layout import (
    IDS,
    LINKS,
    LOGS,
    MOVIES,
    RATINGS,
    RESTORE,
    Current,
    StoredLog,
    log_folder,
    numbers_in,
)

_USER, _MOVIE = _KINDS = ("user", "movie")
_IDS_SCHEMA: Final = pl.Schema({"kind": pl.String(), "id": pl.String()})


@dataclass(frozen=True)
class LogTables:
    """The tables of a log.

    Attributes:
        ratings, movies: The canonical tables.
        links: The movies' ids in other databases; None if the data had none.
        encoding: The codes of the ids; its scale is that of stars.
    """

    ratings: pl.DataFrame
    movies: pl.DataFrame
    links: pl.DataFrame | None
    encoding: Encoding


def write_log(model: Model, links: pl.DataFrame | None, root: Path) -> StoredLog:
    """Write the log of a model as a new generation, which is valid once `current` names it."""
    logs = root / LOGS
    logs.mkdir(exist_ok=True)
    number = max(numbers_in(logs), default=0) + 1
    tables = {RATINGS: model.log.ratings, MOVIES: model.log.catalogue.table}
    if links is not None:
        tables[LINKS] = links
    if model.encoding.users.names or model.encoding.movies.names:
        tables[IDS] = _ids_table(model.encoding)
    checksums: dict[str, str] = {}
    with new_folder(logs / f"{number:04d}") as new:
        for name, frame in tables.items():
            content = to_parquet(frame)
            (new / name).write_bytes(content)
            checksums[name] = sha256(content)
    return StoredLog(number=number, sha256=checksums)


def delete_other_logs(root: Path, current: Current) -> None:
    """Delete drafts, and all logs except those that `current` names."""
    kept = {log_folder(root, log) for log in (current.log, current.log_before)}
    logs = root / LOGS
    stale = [logs / f"{number:04d}" for number in numbers_in(logs)]
    for folder in (*stale, *logs.glob(INCOMPLETE)):
        if folder not in kept:
            shutil.rmtree(folder, ignore_errors=True)
    if current.log is not None:
        for name in (RATINGS, MOVIES, LINKS):
            (root / name).unlink(missing_ok=True)


def read_log(folder: Path, current: Current) -> LogTables:
    """Return the tables of the log, after a comparison with their checksums.

    Args:
        folder: The folder of models, named in messages.
        current: The content of its file `current`.

    Raises:
        ModelFolderError: If a file is damaged.
    """
    place, log = log_folder(folder / current.root, current.log), current.log
    names = (RATINGS, MOVIES, LINKS) if log is None else log.sha256
    content: dict[str, bytes] = {}
    for name in names:
        file = place / name
        try:
            content[name] = file.read_bytes()
        except OSError as error:
            if log is None and name == LINKS:
                continue
            raise _damaged(file, error.strerror or "it cannot be read", folder, current) from error
        if log is not None and sha256(content[name]) != log.sha256[name]:
            raise _damaged(file, "it does not match its checksum", folder, current)
    tables: dict[str, pl.DataFrame] = {}
    schemas = {RATINGS: RATINGS_SCHEMA, MOVIES: MOVIES_SCHEMA, LINKS: None, IDS: _IDS_SCHEMA}
    for name, schema in schemas.items():
        try:
            if name in content:
                tables[name] = from_parquet(content[name], schema)
        except ValueError as error:
            raise _damaged(place / name, str(error), folder, current) from error
    if RATINGS not in tables or MOVIES not in tables:
        raise _damaged(place, "a table is missing", folder, current)
    return LogTables(
        tables[RATINGS], tables[MOVIES], tables.get(LINKS), _encoding_of(tables.get(IDS))
    )


def _ids_table(encoding: Encoding) -> pl.DataFrame:
    rows = [(_USER, name) for name in encoding.users.names]
    rows += [(_MOVIE, name) for name in encoding.movies.names]
    return pl.DataFrame(rows, schema=_IDS_SCHEMA, orient="row")


def _encoding_of(ids: pl.DataFrame | None) -> Encoding:
    encoding = Encoding()
    if ids is None:
        return encoding
    users, movies = (ids.filter(pl.col("kind") == kind)["id"].to_list() for kind in _KINDS)
    return Encoding(
        replace(encoding.users, names=tuple(users)), replace(encoding.movies, names=tuple(movies))
    )


def _damaged(file: Path, reason: str, folder: Path, current: Current) -> ModelFolderError:
    fix = RESTORE
    if current.log_before is not None:
        fix = (
            "restore a backup with: foreseen restore, or return to the log before the last change "
            f"with: foreseen rollback {folder}, and observe the last ratings again"
        )
    return ModelFolderError(f"{file} is damaged ({reason}); {fix}")
