"""Tables beside the versions: the log, which all versions share, and links to other databases."""

from pathlib import Path

import polars as pl

from foreseen.errors import ModelFolderError
from foreseen.features.interaction_log import InteractionLog
from foreseen.files import write_atomically
from foreseen.registry.layout import LINKS, MOVIES, RATINGS


def write_log(log: InteractionLog, root: Path) -> None:
    """Replace the ratings and the movies."""
    # Movies first: a concurrent reader must find every movie that the ratings refer to.
    write_atomically(root / MOVIES, log.catalogue.table.write_parquet)
    write_atomically(root / RATINGS, log.ratings.write_parquet)


def read_log(root: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the ratings and the movies.

    Raises:
        ModelFolderError: If a file is damaged.
    """
    return _read(root / RATINGS), _read(root / MOVIES)


def read_links(root: Path) -> pl.DataFrame | None:
    """Return the movies' ids in other databases; None if there is no such table.

    Raises:
        ModelFolderError: If the file is damaged.
    """
    file = root / LINKS
    return _read(file) if file.exists() else None


def _read(file: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(file.read_bytes())
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise ModelFolderError(f"{file} is damaged ({reason}); train again") from error
