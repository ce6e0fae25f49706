"""Files that the server keeps beside a folder of models, and the API that it uses by default."""

from pathlib import Path
from typing import Final

TMDB_URL: Final = "https://api.themoviedb.org/3"
"""URL of the API of TMDB."""


def default_database(folder: Path) -> str:
    """Return the URL of the database that is used if no other is named: an SQLite file."""
    return f"sqlite:///{_beside(folder, '.db')}"


def secret_file(folder: Path) -> Path:
    """Return the path of the file with the secret that signs the cookies."""
    return _beside(folder, ".secret")


def poster_folder(folder: Path) -> Path:
    """Return the path of the folder in which posters of TMDB are kept."""
    return _beside(folder, ".posters")


def claims_folder(folder: Path) -> Path:
    """Return the path of the folder that marks the alerts that a server on a cluster has sent."""
    return _beside(folder, ".alerts")


def _beside(folder: Path, suffix: str) -> Path:
    return folder.absolute().with_name(folder.absolute().name + suffix)
