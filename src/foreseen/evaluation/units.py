"""Metrics on the scale of the data; models and metrics compute in stars."""

from collections.abc import Mapping
from typing import Any, Final, cast

from foreseen.data.rating_scale import RatingScale

_ERRORS: Final = frozenset({"rmse", "mae", "rmse_user", "difference"})
_BOUNDS: Final = frozenset({"value", "low", "high"})
_CALIBRATION: Final = "calibration"


def in_units(document: object, scale: RatingScale) -> Any:  # noqa: ANN401
    """Return a document of metrics with errors and calibration converted from stars to a scale.

    Args:
        document: Dictionaries, lists and values, as `metrics.json` has them.
        scale: The scale of the data.
    """
    return document if scale.is_stars else _converted(document, scale)


def _converted(document: object, scale: RatingScale) -> object:
    if isinstance(document, Mapping):
        named = cast("Mapping[str, object]", document)
        return {name: _entry(name, value, scale) for name, value in named.items()}
    if isinstance(document, list):
        return [_converted(value, scale) for value in cast("list[object]", document)]
    return document


def _entry(name: str, value: object, scale: RatingScale) -> object:
    if name in _ERRORS:
        if isinstance(value, Mapping):
            bounds = cast("Mapping[str, float]", value)
            return {
                bound: number * scale.per_star if bound in _BOUNDS else number
                for bound, number in bounds.items()
            }
        return cast("float", value) * scale.per_star
    if name == _CALIBRATION:
        deciles = cast("list[dict[str, float]]", value)
        return [
            {column: float(scale.from_stars(mean)) for column, mean in decile.items()}
            for decile in deciles
        ]
    return _converted(value, scale)
