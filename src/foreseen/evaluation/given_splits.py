"""The splits u1 to u5 that come with ml-100k, read from its folder or zip."""

from pathlib import Path
from typing import Final

import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.input_files import display
from foreseen.data.schema import MOVIE, USER
from foreseen.data.sources.archive import Archive, open_archive
from foreseen.data.sources.download import DOWNLOADS, fetch
from foreseen.data.sources.layouts import RATINGS_FILES
from foreseen.data.sources.tables import read_ratings_file
from foreseen.data.sources.zips import is_zip
from foreseen.errors import InputError

SPLITS: Final = ("u1", "u2", "u3", "u4", "u5")
_NEEDED: Final = (
    "--protocol u1-u5 needs ml-100k with its files u1.base, u1.test to u5.base, u5.test"
)


def read_splits(data: str | Path, tables: Tables) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    """Return the training and the test ratings of each split, by name.

    Args:
        data: The name, the folder or the zip that the tables were read from.
        tables: The data.

    Raises:
        InputError: If a file is missing, or has ratings that the tables have not.
        DataError: If a file cannot be read.
    """
    archive = _archive(data)
    return {
        name: (_part(archive, f"{name}.base", tables), _part(archive, f"{name}.test", tables))
        for name in SPLITS
    }


def _archive(data: str | Path) -> Archive:
    path = Path(data)
    if str(data) in DOWNLOADS and not path.exists():
        path = fetch(str(data))
    if not path.is_dir() and not (path.is_file() and is_zip(path)):
        raise InputError(f"{display(str(data))} is no folder or zip; {_NEEDED}")
    return open_archive(path, RATINGS_FILES)


def _part(archive: Archive, file: str, tables: Tables) -> pl.DataFrame:
    """Return the ratings of the tables that a file lists."""
    if file not in archive:
        raise InputError(f"{display(archive.path)} has no file {file}; {_NEEDED}")
    place = archive.display_path(file)
    rows, bad = read_ratings_file(archive.read(file), place, file, {})
    if bad:
        raise InputError(f"{bad[0]}; correct the file, or fetch it again")
    pairs = tables.encoding.encode(rows.select(USER, MOVIE))
    part = tables.ratings.join(pairs, on=[USER, MOVIE], how="semi", maintain_order="left")
    if part.height != rows.height:
        raise InputError(
            f"{place} has {rows.height:,} ratings, of which {part.height:,} are in "
            f"{tables.manifest.source}; fetch both again"
        )
    return part
