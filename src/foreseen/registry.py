"""Trained models through time: versions that never change, one of them current, one log for all.

    DIR/
      current           which version answers, and which did before it
      versions/0001/    model.json, weights.safetensors, version.json: never changed once there
      ratings.parquet   every rating known, and movies.parquet: the same for all versions
      journal.jsonl     what was done, when and why

Every file gets its name only when it is whole, and a version's folder only when it is complete, so
that a process killed at any moment leaves a working current version. Writers take turns by a lock;
readers need none.
"""

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from foreseen import journal
from foreseen.errors import ForeseenError, InputError, ModelFolderError
from foreseen.files import write_whole
from foreseen.models import Model
from foreseen.models.checkpoint import CARD, WEIGHTS, read_model, write_model
from foreseen.sources.archive import sha256

_CURRENT: Final = "current"
_VERSIONS: Final = "versions"
_VERSION: Final = "version.json"
_RATINGS: Final = "ratings.parquet"
_MOVIES: Final = "movies.parquet"
_LINKS: Final = "links.parquet"
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


class _Current(BaseModel):
    """Which version answers, and which did before, oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    before: tuple[int, ...] = ()


def save_model(model: Model, folder: Path | str, links: pl.DataFrame | None = None) -> None:
    """Write a freshly trained model as version 1 of a folder.

    Models already in the folder are replaced, all versions, once the new one is whole.

    Args:
        model: The model.
        folder: New, empty, or one of models.
        links: The movies' ids elsewhere, for importing people's own ratings.

    Raises:
        InputError: If the folder holds something other than models.
    """
    folder = Path(folder)
    if folder.exists() and (
        not folder.is_dir() or (any(folder.iterdir()) and not _holds_models(folder))
    ):
        raise InputError(f"{folder} exists and holds no model; name a new or an empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        save_knowledge(model, draft)
        if links is not None:
            links.write_parquet(draft / _LINKS)
        add_version(draft, model, None, "trained")
        _write_current(draft, _Current(version=1))
        draft.chmod(0o755)
        taking_turns = changing(folder) if (folder / _CURRENT).is_file() else nullcontext()
        with taking_turns:
            if folder.exists():
                retired = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
                folder.rename(retired / "old")
                draft.rename(folder)
                shutil.rmtree(retired)
            else:
                draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load_model(folder: Path | str, number: int | None = None) -> Model:
    """Read a version back, the current one if none is named; it knows all ratings of the folder.

    Raises:
        ModelFolderError: If there is none, or it is damaged or of another format.
        InputError: If there is no version of that number.
    """
    folder = Path(folder)
    version = read_version(folder, number)
    verify(folder, version)
    ratings, movies = _read_table(folder / _RATINGS), _read_table(folder / _MOVIES)
    return read_model(_version_folder(folder, version.number), ratings, movies)


def verify(folder: Path, version: Version) -> None:
    """Compare the files of a version with what was saved.

    Raises:
        ModelFolderError: If they differ.
    """
    own = _version_folder(folder, version.number)
    for name, expected in version.sha256.items():
        try:
            found = sha256((own / name).read_bytes())
        except OSError as error:
            raise ModelFolderError(
                f"{own / name} cannot be read ({error.strerror}); go back with: "
                f"foreseen rollback {folder}"
            ) from error
        if found != expected:
            raise ModelFolderError(
                f"{own / name} is not what was saved; go back with: foreseen rollback {folder}, "
                "or train again"
            )


def read_version(folder: Path, number: int | None = None) -> Version:
    """Return what a version is, the current one if none is named.

    Raises:
        ModelFolderError: If the folder holds no models, or what is written of the version is
            damaged.
        InputError: If there is no version of that number.
    """
    current = _read_current(folder)
    chosen = current.version if number is None else number
    own = _version_folder(folder, chosen)
    if number is not None and not own.is_dir():
        raise InputError(f"{folder} has no version {number}; see: foreseen models {folder}")
    try:
        return Version.model_validate_json((own / _VERSION).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ModelFolderError(
            f"{own / _VERSION} is damaged; go back with: foreseen rollback {folder}"
        ) from error


def versions(folder: Path) -> list[Version]:
    """Return all versions that can be read, oldest first.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    _read_current(folder)
    numbers = sorted(int(own.name) for own in (folder / _VERSIONS).iterdir() if own.name.isdigit())
    found: list[Version] = []
    for number in numbers:
        # A damaged version that nobody asks for stands in nobody's way.
        with suppress(ModelFolderError):
            found.append(read_version(folder, number))
    return found


def read_links(folder: Path) -> pl.DataFrame | None:
    """Return the movies' ids elsewhere, if the data had them."""
    return _read_table(folder / _LINKS) if (folder / _LINKS).exists() else None


@contextmanager
def changing(folder: Path) -> Generator[None]:
    """Keep other processes from changing a folder of models while the block runs.

    Raises:
        ModelFolderError: If the folder holds no models.
        ForeseenError: If another process does not finish within minutes.
    """
    _read_current(folder)
    try:
        with FileLock(_lock(folder), timeout=_PATIENCE):
            yield
    except Timeout as error:
        raise ForeseenError(
            f"another process has been changing {folder} for {_PATIENCE:.0f} s; try again later"
        ) from error


def save_knowledge(model: Model, folder: Path) -> None:
    """Write the ratings and movies a model knows; call it within `changing`."""
    timeline = model.timeline
    # Movies first: a reader in between finds a movie too many, never one too few.
    write_whole(folder / _MOVIES, timeline.catalogue.table.write_parquet)
    write_whole(folder / _RATINGS, timeline.ratings.write_parquet)


def add_version(
    folder: Path,
    model: Model,
    parent: int | None,
    why: str,
    comparison: dict[str, float | int | bool] | None = None,
) -> int:
    """Write a model as a version and return its number; it is not current by that.

    Call it within `changing`.
    """
    shelf = folder / _VERSIONS
    shelf.mkdir(exist_ok=True)
    taken = [int(own.name) for own in shelf.iterdir() if own.name.isdigit()]
    number = max(taken, default=0) + 1
    draft = Path(tempfile.mkdtemp(prefix=".draft.", dir=shelf))
    try:
        write_model(model, draft)
        version = Version(
            number=number,
            made=int(time.time()),
            model=model.name,
            parent=parent,
            trained_on=int(model.report["trained_on"]),
            ratings=int(model.report["ratings"]),
            until=int(model.report["until"]),
            why=why,
            comparison=comparison or {},
            sha256={name: sha256((draft / name).read_bytes()) for name in (CARD, WEIGHTS)},
        )
        text = version.model_dump_json(indent=2) + "\n"
        (draft / _VERSION).write_text(text, encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(_version_folder(folder, number))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return number


def promote(folder: Path, number: int, why: str) -> None:
    """Let a version answer from now on; call it within `changing`.

    Raises:
        InputError: If there is no such version, or it is current already.
        ModelFolderError: If it is damaged.
    """
    current = _read_current(folder)
    if number == current.version:
        raise InputError(f"version {number} is the current one already")
    load_model(folder, number)
    _write_current(folder, _Current(version=number, before=(*current.before, current.version)))
    journal.write(folder, "promote", why, {"version": number, "before": current.version})


def rollback(folder: Path, why: str) -> int:
    """Let the version answer that did before the current one; return its number.

    Call it within `changing`.

    Raises:
        InputError: If there is none before.
    """
    current = _read_current(folder)
    if not current.before:
        raise InputError(f"version {current.version} of {folder} is the first that was current")
    *before, number = current.before
    _write_current(folder, _Current(version=number, before=tuple(before)))
    journal.write(folder, "rollback", why, {"version": number, "before": current.version})
    return number


def _holds_models(folder: Path) -> bool:
    # A folder with model.json was made by an edition that knew no versions.
    return (folder / _CURRENT).is_file() or (folder / CARD).is_file()


def _lock(folder: Path) -> Path:
    # Beside the folder, which training anew replaces.
    return folder.absolute().with_name(f".{folder.absolute().name}.lock")


def _version_folder(folder: Path, number: int) -> Path:
    return folder / _VERSIONS / f"{number:04d}"


def _read_current(folder: Path) -> _Current:
    try:
        return _Current.model_validate_json((folder / _CURRENT).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ModelFolderError(f"{folder / _CURRENT} is damaged; train again") from error
    except OSError as error:
        if (folder / CARD).is_file():
            raise ModelFolderError(
                f"{folder} is of an older edition, without versions: train it again"
            ) from error
        raise ModelFolderError(f"{folder} holds no model; make one: foreseen train") from error


def _write_current(folder: Path, current: _Current) -> None:
    text = current.model_dump_json() + "\n"
    write_whole(folder / _CURRENT, partial(Path.write_text, data=text, encoding="utf-8"))


def _read_table(file: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(file.read_bytes())
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise ModelFolderError(f"{file} is damaged ({reason}); train again") from error
