"""Canonical tables as a folder of Parquet files with a manifest, replaced as a whole.

    DIR/
      manifest.json     origin and counts; checksum and number of rows of each table
      ratings.parquet   and movies.parquet, links.parquet, tags.parquet
      .pending/         complete new files that have not been moved up yet

New files are written to a draft folder, whose renaming to `.pending` makes them valid. They are
then moved up one by one, the manifest last. A reader uses the pending manifest if there is one and,
for each table, the file that matches it. A process killed at any moment leaves the old tables or
the new ones; the next writer moves up what a killed one left.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from foreseen.data.input_files import read_file
from foreseen.data.parquet import from_parquet, to_parquet
from foreseen.data.parquet_check import from_unknown_parquet
from foreseen.data.rating_scale import Kind, RatingScale
from foreseen.errors import DataError
from foreseen.files import INCOMPLETE, lock, new_folder, sync
from foreseen.integrity import describe, from_json, sha256, to_json

MANIFEST: Final = "manifest.json"
TABLES: Final = ("ratings.parquet", "movies.parquet", "links.parquet", "tags.parquet")
_PENDING: Final = ".pending"
_WRITE_AGAIN: Final = "write it again: foreseen data get"


class _TableFile(BaseModel):
    """What a manifest states about a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sha256: str
    rows: int


class _Scale(BaseModel):
    """The scale of the ratings, as a manifest states it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    low: float
    high: float
    step: float | None
    kind: Kind


class _Manifest(BaseModel):
    """The part of a manifest that readers use; older ones list no files."""

    model_config = ConfigDict(strict=True)

    source: str
    ratings: int | None = None
    movies: int | None = None
    scale: _Scale | None = None
    has_timestamps: bool = True
    files: (
        dict[
            Literal["ratings.parquet", "movies.parquet", "links.parquet", "tags.parquet"],
            _TableFile,
        ]
        | None
    ) = None


@dataclass(frozen=True)
class CanonicalFiles:
    """The content of a folder of canonical tables.

    Attributes:
        tables: The tables by file name, with the columns that the files have.
        checksums: SHA-256 checksum of each file.
        source: Name of the data set; None without a manifest.
        scale: Scale of the ratings; None if there is no manifest, or it is of an older version.
        has_timestamps: Whether the timestamps are those of a source, not positions of rows.
    """

    tables: dict[str, pl.DataFrame]
    checksums: dict[str, str]
    source: str | None
    scale: RatingScale | None = None
    has_timestamps: bool = True


def write_files(
    folder: Path, tables: Mapping[str, pl.DataFrame], manifest: Mapping[str, object]
) -> None:
    """Replace the tables of a folder, by file name, and their manifest.

    Raises:
        ForeseenError: If another process locks the folder for ten minutes.
        OSError: If they cannot be written; the folder keeps its tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        _move_up(folder)
        for leftover in folder.glob(INCOMPLETE):
            shutil.rmtree(leftover, ignore_errors=True)
        with new_folder(folder / _PENDING) as new:
            files: dict[str, dict[str, object]] = {}
            for name, frame in tables.items():
                content = to_parquet(frame)
                (new / name).write_bytes(content)
                files[name] = {"sha256": sha256(content), "rows": frame.height}
            (new / MANIFEST).write_bytes(to_json({**manifest, "files": files}))
        _move_up(folder)


def _move_up(folder: Path) -> None:
    """Move pending files to their final places, the manifest last."""
    pending = folder / _PENDING
    manifest = pending / MANIFEST
    # Without a valid manifest it is empty, or damaged and about to be replaced.
    with suppress(FileNotFoundError, DataError):
        listed = _parse_manifest(manifest.read_bytes(), manifest).files or {}
        for name in TABLES:
            if name not in listed:
                (folder / name).unlink(missing_ok=True)
            elif (pending / name).exists():
                (pending / name).replace(folder / name)
        manifest.replace(folder / MANIFEST)
        sync(folder)
    if pending.is_dir():
        shutil.rmtree(pending)


def holds_tables(folder: Path) -> bool:
    """Return whether a folder has canonical ratings, complete or not."""
    return any((folder / place / TABLES[0]).exists() for place in ("", _PENDING))


def read_files(folder: Path) -> CanonicalFiles:
    """Read and verify the tables of a folder.

    A folder without a manifest, or with one of an older version, has no checksums to verify.

    Raises:
        DataError: If a file is damaged, missing, or not the one of the manifest.
    """
    while True:
        found = _find_manifest(folder)
        try:
            if found is None:
                return _read_all(folder)
            return _read_listed(folder, _parse_manifest(*found))
        except DataError:
            # A writer may have replaced the files meanwhile.
            if _find_manifest(folder) == found:
                raise


def _find_manifest(folder: Path) -> tuple[bytes, Path] | None:
    """Return the content of the manifest that is valid, and its path."""
    for file in (folder / _PENDING / MANIFEST, folder / MANIFEST):
        with suppress(FileNotFoundError):
            return file.read_bytes(), file
    return None


def _parse_manifest(content: bytes, file: Path) -> _Manifest:
    try:
        document, has_checksum = from_json(content)
        manifest = _Manifest.model_validate(document)
        reason = "" if manifest.files is None or has_checksum else "it has no checksum"
    except ValidationError as error:
        reason = describe(error)
    except ValueError as error:
        reason = str(error)
    else:
        if not reason:
            return manifest
    raise DataError(f"{file} is damaged ({reason}); {_WRITE_AGAIN}")


def _read_listed(folder: Path, manifest: _Manifest) -> CanonicalFiles:
    """Read the tables that a manifest lists."""
    if manifest.files is None:
        found = _read_all(folder)
        for name, rows in (("ratings", manifest.ratings), ("movies", manifest.movies)):
            table = found.tables.get(f"{name}.parquet")
            if rows is not None and table is not None and table.height != rows:
                raise DataError(
                    f"{folder / name}.parquet has {table.height} rows and {MANIFEST} states "
                    f"{rows}; {_WRITE_AGAIN}"
                )
        return _described(found, manifest)
    tables: dict[str, pl.DataFrame] = {}
    for name, expected in manifest.files.items():
        tables[name] = _parse(_read_matching(folder, name, expected.sha256), folder / name)
        if tables[name].height != expected.rows:
            raise DataError(f"{folder / name} should have {expected.rows} rows; {_WRITE_AGAIN}")
    checksums = {str(name): expected.sha256 for name, expected in manifest.files.items()}
    return _described(CanonicalFiles(tables, checksums, None), manifest)


def _described(files: CanonicalFiles, manifest: _Manifest) -> CanonicalFiles:
    """Return files with what a manifest states about their source."""
    scale = None if manifest.scale is None else RatingScale(**manifest.scale.model_dump())
    return replace(
        files, source=manifest.source, scale=scale, has_timestamps=manifest.has_timestamps
    )


def _read_matching(folder: Path, name: str, checksum: str) -> bytes:
    """Return the content of the file with a checksum, pending or in its final place."""
    found = False
    for file in (folder / _PENDING / name, folder / name):
        with suppress(FileNotFoundError):
            content = file.read_bytes()
            if sha256(content) == checksum:
                return content
            found = True
    if not found:
        raise DataError(f"{folder / name} is missing; {_WRITE_AGAIN}")
    raise DataError(
        f"{folder / name} is not the file that {MANIFEST} lists; {_WRITE_AGAIN}, or delete "
        f"{MANIFEST} to use the files as they are"
    )


def _read_all(folder: Path) -> CanonicalFiles:
    """Read all tables of a folder, without a manifest."""
    tables: dict[str, pl.DataFrame] = {}
    checksums: dict[str, str] = {}
    for name in TABLES:
        if (folder / name).exists():
            content = read_file(folder / name)
            tables[name] = _parse(content, folder / name, from_unknown_parquet)
            checksums[name] = sha256(content)
    return CanonicalFiles(tables, checksums, None)


def _parse(
    content: bytes, file: Path, read: Callable[[bytes], pl.DataFrame] = from_parquet
) -> pl.DataFrame:
    try:
        return read(content)
    except ValueError as error:
        raise DataError(f"{file} is not a valid Parquet file ({error}); {_WRITE_AGAIN}") from error
