"""Returning to what is sound: a rollback, and what is served from a damaged folder.

A state is a version with a log, as the file `current` names them. If the current one is damaged,
the next candidates are the versions that were current before, the latest first; then all of them
with the log before its last change.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from foreseen.errors import InputError, ModelFolderError
from foreseen.registry import audit_log
from foreseen.registry.layout import (
    RESTORE,
    Current,
    log_folder,
    read_current,
    read_current_or_copy,
    write_current,
)
from foreseen.registry.versions import LoadedVersion, load_state


@dataclass(frozen=True)
class SoundState:
    """The first state that could be loaded.

    Attributes:
        current: The state.
        loaded: The version that it names.
        faults: What is wrong with the states before it; empty if there are none.
    """

    current: Current
    loaded: LoadedVersion
    faults: tuple[str, ...]


def load_sound(folder: Path) -> SoundState:
    """Load the current state, or if it is damaged the first sound one.

    Raises:
        ModelFolderError: If the folder holds no models, or none is sound.
    """
    while True:
        current, fault = read_current_or_copy(folder)
        try:
            found = _first_of(folder, _states(current), fault)
        except ModelFolderError:
            # A writer may have deleted the files meanwhile.
            if read_current_or_copy(folder) == (current, fault):
                raise
        else:
            if not found.faults or read_current_or_copy(folder) == (current, fault):
                return found


def rollback(folder: Path, why: str) -> int:
    """Make the previous current version the current one again and return its number.

    If the current state is damaged, the first sound one becomes current, which may be the same
    version. A damaged log is kept, renamed. `foreseen.registry.versions.promote` undoes a rollback.

    Call it while holding `foreseen.registry.versions.write_lock`.

    Raises:
        InputError: If there is no previous version.
        ModelFolderError: If none is sound.
    """
    found = load_sound(folder)
    if not found.faults:
        current = found.current
        if not current.before:
            raise InputError(
                f"version {current.version} of {folder} is the first that was current; for "
                f"another, use: foreseen promote {folder} VERSION"
            )
        found = _first_of(folder, _versions_before(current))
    return _return_to(folder, found, why)


def _return_to(folder: Path, found: SoundState, why: str) -> int:
    """Make a state the current one, and note it in the audit log."""
    left: Current | None = None
    with suppress(ModelFolderError):
        left = read_current(folder)
    write_current(folder, found.current)
    if left is not None and left.log is not None and left.log != found.current.log:
        damaged = log_folder(folder / left.root, left.log)
        with suppress(OSError):
            damaged.rename(damaged.with_name(f"{damaged.name}.damaged"))
    facts: dict[str, object] = {"version": found.current.version}
    if left is not None:
        facts["before"] = left.version
    if found.faults:
        facts["damaged"] = list(found.faults)
    audit_log.append(folder, "rollback", why, facts)
    return found.current.version


def _first_of(folder: Path, states: Iterator[Current], fault: str = "") -> SoundState:
    faults = [fault] if fault else []
    for state in states:
        try:
            return SoundState(state, load_state(folder, state), tuple(faults))
        except ModelFolderError as error:
            if str(error) not in faults:
                faults.append(str(error))
    raise ModelFolderError(f"{faults[0]} (no earlier version of {folder} is sound: {RESTORE})")


def _states(current: Current) -> Iterator[Current]:
    """Yield the state and those to return to if it is damaged, in this order."""
    yield current
    yield from _versions_before(current)
    if current.log_before is not None:
        older = current.model_copy(update={"log": current.log_before, "log_before": None})
        yield older
        yield from _versions_before(older)


def _versions_before(current: Current) -> Iterator[Current]:
    """Yield the states of the versions that were current before, the latest first."""
    for count in reversed(range(len(current.before))):
        update = {"version": current.before[count], "before": current.before[:count]}
        yield current.model_copy(update=update)
