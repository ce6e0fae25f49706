"""Trained models through time: versions that never change, one of them current, one log for all.

    DIR/
      current           which version answers, and which did before it
      versions/0001/    model.json, weights.safetensors, version.json: never changed once there
      ratings.parquet   every rating known, and movies.parquet: the same for all versions
      journal.jsonl     what was done, when and why

Every file gets its name only when it is whole, and a version's folder only when it is complete, so
that a process killed at any moment leaves a working current version. Writers take turns by a lock;
readers need none.

Where newly trained models replace others, their versions and tables lie in a folder of their own
within, `anew.*`, which `current` names from one moment to the next; only then do the others go.
"""

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from foreseen.data.sources.archive import sha256
from foreseen.errors import InputError, ModelFolderError
from foreseen.files import write_atomically
from foreseen.models.base import Model
from foreseen.models.checkpoint import CARD, WEIGHTS, read_model, write_model
from foreseen.registry import audit_log as journal
from foreseen.registry.layout import (
    ANEW,
    CURRENT,
    LINKS,
    MOVIES,
    RATINGS,
    VERSION,
    VERSIONS,
    Current,
    Version,
    home_of,
    numbers_in,
    read_current,
    taking_turns,
    version_folder,
    write_current,
)


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
    if folder.exists() and any(folder.iterdir()):
        with taking_turns(folder):
            _replace(folder, model, links)
        return
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _fill(draft, model, links)
        write_current(draft, Current(version=1))
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(folder: Path, model: Model, links: pl.DataFrame | None) -> None:
    """Put a model in place of all that a folder holds."""
    home = Path(tempfile.mkdtemp(prefix=ANEW, dir=folder))
    try:
        _fill(home, model, links)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    write_current(folder, Current(version=1, home=home.name))
    # What is left of it after a kill goes when models are replaced again.
    for old in folder.iterdir():
        if old.is_dir() and old != home:
            shutil.rmtree(old, ignore_errors=True)
        elif not old.is_dir() and old.name != CURRENT:
            with suppress(OSError):
                old.unlink()


def _fill(home: Path, model: Model, links: pl.DataFrame | None) -> None:
    """Write a model as the first version, with all it knows."""
    _write_knowledge(model, home)
    if links is not None:
        links.write_parquet(home / LINKS)
    _write_version(home, model, None, "trained", {})
    home.chmod(0o755)


def load_model(folder: Path | str, number: int | None = None) -> Model:
    """Read a version back, the current one if none is named; it knows all ratings of the folder.

    Raises:
        ModelFolderError: If there is none, or it is damaged or of another format.
        InputError: If there is no version of that number.
    """
    folder = Path(folder)
    current = read_current(folder)
    home, version = folder / current.home, _read_version(folder, current, number)
    _verify(folder, home, version)
    ratings, movies = _read_table(home / RATINGS), _read_table(home / MOVIES)
    return read_model(version_folder(home, version.number), ratings, movies)


def verify(folder: Path, version: Version) -> None:
    """Compare the files of a version with what was saved.

    Raises:
        ModelFolderError: If they differ.
    """
    _verify(folder, home_of(folder), version)


def _verify(folder: Path, home: Path, version: Version) -> None:
    own = version_folder(home, version.number)
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
    return _read_version(folder, read_current(folder), number)


def _read_version(folder: Path, current: Current, number: int | None) -> Version:
    chosen = current.version if number is None else number
    own = version_folder(folder / current.home, chosen)
    if number is not None and not own.is_dir():
        raise InputError(f"{folder} has no version {number}; see: foreseen models {folder}")
    try:
        return Version.model_validate_json((own / VERSION).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ModelFolderError(
            f"{own / VERSION} is damaged; go back with: foreseen rollback {folder}"
        ) from error


def versions(folder: Path) -> list[Version]:
    """Return all versions that can be read, oldest first.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    current = read_current(folder)
    found: list[Version] = []
    for number in numbers_in(folder / current.home / VERSIONS):
        # A damaged version that nobody asks for stands in nobody's way.
        with suppress(ModelFolderError):
            found.append(_read_version(folder, current, number))
    return found


def read_links(folder: Path) -> pl.DataFrame | None:
    """Return the movies' ids elsewhere, if the data had them."""
    file = home_of(folder) / LINKS
    return _read_table(file) if file.exists() else None


def stamp(folder: Path) -> tuple[int, ...]:
    """Return what changes whenever another version answers or ratings become known.

    Raises:
        ModelFolderError: If the folder holds no models.
    """
    files = (folder / CURRENT, home_of(folder) / RATINGS)
    return tuple(file.stat().st_mtime_ns for file in files)


@contextmanager
def changing(folder: Path) -> Generator[None]:
    """Keep other processes from changing a folder of models while the block runs.

    Raises:
        ModelFolderError: If the folder holds no models.
        ForeseenError: If another process does not finish within minutes.
    """
    read_current(folder)
    with taking_turns(folder):
        yield


def save_knowledge(model: Model, folder: Path) -> None:
    """Write the ratings and movies a model knows; call it within `changing`."""
    _write_knowledge(model, home_of(folder))


def _write_knowledge(model: Model, home: Path) -> None:
    log = model.log
    # Movies first: a reader in between finds a movie too many, never one too few.
    write_atomically(home / MOVIES, log.catalogue.table.write_parquet)
    write_atomically(home / RATINGS, log.ratings.write_parquet)


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
    return _write_version(home_of(folder), model, parent, why, comparison or {})


def _write_version(
    home: Path,
    model: Model,
    parent: int | None,
    why: str,
    comparison: dict[str, float | int | bool],
) -> int:
    shelf = home / VERSIONS
    shelf.mkdir(exist_ok=True)
    number = max(numbers_in(shelf), default=0) + 1
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
            comparison=comparison,
            sha256={name: sha256((draft / name).read_bytes()) for name in (CARD, WEIGHTS)},
        )
        text = version.model_dump_json(indent=2) + "\n"
        (draft / VERSION).write_text(text, encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(version_folder(home, number))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return number


def promote(folder: Path, number: int, why: str) -> None:
    """Let a version answer from now on; call it within `changing`.

    Raises:
        InputError: If there is no such version, or it is current already.
        ModelFolderError: If it is damaged.
    """
    current = read_current(folder)
    if number == current.version:
        raise InputError(f"version {number} is the current one already")
    load_model(folder, number)
    before = (*current.before, current.version)
    write_current(folder, current.model_copy(update={"version": number, "before": before}))
    journal.write(folder, "promote", why, {"version": number, "before": current.version})


def rollback(folder: Path, why: str) -> int:
    """Let the version answer that did before the current one; return its number.

    Call it within `changing`.

    Raises:
        InputError: If there is none before.
    """
    current = read_current(folder)
    if not current.before:
        raise InputError(f"version {current.version} of {folder} is the first that was current")
    *before, number = current.before
    update = {"version": number, "before": tuple(before)}
    write_current(folder, current.model_copy(update=update))
    journal.write(folder, "rollback", why, {"version": number, "before": current.version})
    return number


def _holds_models(folder: Path) -> bool:
    # A folder with model.json was made by an edition that knew no versions.
    return (folder / CURRENT).is_file() or (folder / CARD).is_file()


def _read_table(file: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(file.read_bytes())
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise ModelFolderError(f"{file} is damaged ({reason}); train again") from error
