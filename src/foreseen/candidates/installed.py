"""The sources of candidates that other packages register.

A package registers a source as an entry point of the group `foreseen.candidates`, whose name is
that of the source and whose value is a `CandidateSource`. A model uses the sources that were
registered when it was trained; their names are in its card.
"""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Final

from foreseen.candidates.built_in import BUILT_IN
from foreseen.candidates.source import CandidateSource, feature_names
from foreseen.entry_points import load_entry
from foreseen.errors import ForeseenError

GROUP: Final = "foreseen.candidates"


@cache
def registered_sources() -> tuple[CandidateSource, ...]:
    """Return the sources of other packages, in alphabetical order.

    Raises:
        ForeseenError: If a package that registers one cannot be imported, or registers something
            else under that name, or a feature has the name of another one.
    """
    found: list[CandidateSource] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        source = load_entry(entry, CandidateSource, "source of candidates")
        taken = set(feature_names((*BUILT_IN, *found)))
        if repeated := taken.intersection(source.features):
            raise ForeseenError(
                f"the source of candidates '{source.name}' has a feature '{min(repeated)}', as "
                "another source has; rename it"
            )
        found.append(source)
    return tuple(found)


def sources_named(names: Sequence[str]) -> tuple[CandidateSource, ...]:
    """Return registered sources by name.

    Raises:
        ForeseenError: If one is not installed.
    """
    installed = {source.name: source for source in registered_sources()}
    for name in names:
        if name not in installed:
            raise ForeseenError(
                f"the model uses the source of candidates '{name}', which is not installed: "
                "install the package that registers it"
            )
    return tuple(installed[name] for name in names)
