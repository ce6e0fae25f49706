"""What lies where in a folder of models, and which of it is current: see `foreseen.registry.versions`."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foreseen.errors import ForeseenError, ModelFolderError
from foreseen.files import write_atomically
from foreseen.models.checkpoint import CARD

CURRENT: Final = "current"
VERSIONS: Final = "versions"
VERSION: Final = "version.json"
RATINGS: Final = "ratings.parquet"
MOVIES: Final = "movies.parquet"
LINKS: Final = "links.parquet"
ANEW: Final = "anew."
"""What names of folders begin with that newly trained models are in, in place of older ones."""
_PATIENCE: Final = 600.0


class Version(BaseModel):
    """What one version is and where it comes from.

    Attributes:
        number: From 1.
        made: Second it was made.
        model: Kind of model.
        parent: Version it was to replace; None for the first.
        trained_on: How many ratings it was trained on.
        ratings: How many it has learned from, in lessons since then too.
        until: First second after them.
        why: Why it was made.
        comparison: What came of comparing it with its parent, by figure.
        sha256: Checksums of its files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    made: int
    model: str
    parent: int | None
    trained_on: int
    ratings: int
    until: int
    why: str
    comparison: dict[str, float | int | bool]
    sha256: dict[str, str]


class Current(BaseModel):
    """Which version answers, and which did before.

    Attributes:
        version: Number of the one that answers.
        before: Those that did before it, oldest first.
        home: Name of the folder within that they and the tables lie in; empty for no other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    before: tuple[int, ...] = ()
    home: str = Field(default="", pattern=r"^(anew\.\w+)?$")


def home_of(folder: Path) -> Path:
    """Return where the current versions and their tables lie.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    return folder / read_current(folder).home


def version_folder(home: Path, number: int) -> Path:
    """Return where a version lies or is to lie."""
    return home / VERSIONS / f"{number:04d}"


def numbers_in(shelf: Path) -> list[int]:
    """Return the numbers of the versions on a shelf, ascending."""
    return sorted(int(own.name) for own in shelf.iterdir() if own.name.isdigit())


def read_current(folder: Path) -> Current:
    """Read which version answers.

    Raises:
        ModelFolderError: If the folder holds no models, or that is damaged.
    """
    try:
        return Current.model_validate_json((folder / CURRENT).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ModelFolderError(f"{folder / CURRENT} is damaged; train again") from error
    except OSError as error:
        if (folder / CARD).is_file():
            raise ModelFolderError(
                f"{folder} is of an older edition, without versions: train it again"
            ) from error
        raise ModelFolderError(f"{folder} holds no model; make one: foreseen train") from error


def write_current(folder: Path, current: Current) -> None:
    """Let a version answer from this moment on."""
    text = current.model_dump_json() + "\n"
    write_atomically(folder / CURRENT, partial(Path.write_text, data=text, encoding="utf-8"))


@contextmanager
def taking_turns(folder: Path) -> Generator[None]:
    """Keep other processes from writing into a folder while the block runs.

    Raises:
        ForeseenError: If another process does not finish within minutes.
    """
    # Beside the folder: what is in it goes when models are replaced.
    lock = folder.absolute().with_name(f".{folder.absolute().name}.lock")
    try:
        with FileLock(lock, timeout=_PATIENCE):
            yield
    except Timeout as error:
        raise ForeseenError(
            f"another process has been changing {folder} for {_PATIENCE:.0f} s; try again later"
        ) from error
