"""The models that can be named: those of this package and those that other packages register.

Another package registers a model as an entry point of the group `foreseen.models`, whose name is
that of the model and whose value is a `ModelSpec`. Names are listed without importing a model, so
that the command line starts quickly.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final

from foreseen.entry_points import load_entry
from foreseen.errors import InputError

if TYPE_CHECKING:
    from foreseen.models.spec import ModelSpec

GROUP: Final = "foreseen.models"
DEFAULT_MODEL: Final = "ensemble"
_BUILT_IN: Final[Mapping[str, str]] = {
    "bias": "foreseen.models.bias",
    "baseline": "foreseen.models.baseline",
    "hybrid": "foreseen.models.hybrid",
    "history": "foreseen.models.history.training",
    "ensemble": "foreseen.models.ensemble.model",
}
"""The modules that define each model of this package as `SPEC`."""


def model_names() -> tuple[str, ...]:
    """Return the names of all models: of this package, then of others in alphabetical order."""
    return (*_BUILT_IN, *sorted(_registered()))


@cache
def model_spec(name: str) -> "ModelSpec":
    """Return the specification of a model.

    Raises:
        InputError: If there is no model of that name.
        ForeseenError: If the package that registers it cannot be imported, or registers something
            else under that name.
    """
    from foreseen.models.spec import ModelSpec

    if name in _BUILT_IN:
        return import_module(_BUILT_IN[name]).SPEC
    if name in _registered():
        return load_entry(_registered()[name], ModelSpec, "model")
    raise InputError(f"no model is called '{name}'; there are {', '.join(model_names())}")


@cache
def _registered() -> dict[str, EntryPoint]:
    found = entry_points(group=GROUP)
    return {entry.name: entry for entry in found if entry.name not in _BUILT_IN}
