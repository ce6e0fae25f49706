"""What other packages register as entry points."""

from importlib.metadata import EntryPoint
from typing import Protocol, TypeVar

from foreseen.errors import ForeseenError


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


def load_entry(entry: EntryPoint, kind: type[T], what: str) -> T:
    """Return what an entry point names.

    Args:
        entry: The entry point; what it names has the same name.
        kind: Type of what it names.
        what: What that is, for messages.

    Raises:
        ForeseenError: If it cannot be imported, or is something else or has another name.
    """
    try:
        loaded: object = entry.load()
    except Exception as error:
        raise ForeseenError(
            f"the {what} '{entry.name}' of {entry.value} cannot be imported ({error})"
        ) from error
    if not isinstance(loaded, kind) or loaded.name != entry.name:
        raise ForeseenError(
            f"the entry point '{entry.name}' of {entry.group} is not a {kind.__name__} of that name"
        )
    return loaded
