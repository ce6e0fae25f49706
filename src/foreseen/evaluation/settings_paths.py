"""Values of settings by their paths, as in `loop.epochs` or `hidden.0`."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from foreseen.models.spec import SearchRange

Changes = dict[str, Any]
"""Settings that differ from the defaults, by their top-level names."""


def apply(
    ranges: Sequence[SearchRange], defaults: Mapping[str, Any], values: Mapping[str, float]
) -> Changes:
    """Return the changed settings with a value at every path of each range.

    A top-level setting with a changed part is returned whole, its other parts as in the defaults.

    Args:
        ranges: The search space.
        defaults: Settings as `model_dump(mode="json")` returns them; not modified.
        values: A value for each range, by its first path.
    """
    changes: Changes = {}
    for part in ranges:
        for path in part.paths:
            name = path.split(".")[0]
            if name not in changes:
                changes[name] = copy.deepcopy(defaults[name])
            parent, key = _locate(changes, path)
            parent[key] = values[part.paths[0]]
    return changes


def value_at(settings: Mapping[str, Any], path: str) -> object:
    """Return the value at a path of settings."""
    parent, key = _locate(settings, path)
    return parent[key]


def _locate(settings: Mapping[str, Any], path: str) -> tuple[Any, str | int]:
    """Return the dictionary or list that holds the value at a path, and its key or index."""
    *above, last = path.split(".")
    parent: Any = settings
    for name in above:
        parent = parent[_key(parent, name)]
    return parent, _key(parent, last)


def _key(parent: object, name: str) -> str | int:
    return int(name) if isinstance(parent, list) else name
