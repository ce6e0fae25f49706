"""The streams that are monitored by default. A stream is added by one `StreamSpec`."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.data.catalogue import Catalogue
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.drift.occurrences import new_entities
from foreseen.drift.standardise import Standardisation
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.drift.stream_spec import (
    FRACTIONS,
    IN_STARS,
    KIND_LABELS,
    SHARE,
    TOP,
    WIDTH,
    Selection,
    StreamSpec,
    all_ratings,
    has_spread,
)
from foreseen.features.user_statistics import DECADES, decade_name

_NOT_CONTENT: Final = frozenset({"IMAX"})
_ROUNDING: Final = 1e-6


def _of_active_user(inputs: StreamInputs) -> NDArray[np.bool_]:
    return inputs.of_active_user


def _both(one: Selection, other: Selection, inputs: StreamInputs) -> NDArray[np.bool_]:
    return one(inputs) & other(inputs)


def _width(inputs: StreamInputs) -> NDArray[np.float64]:
    return inputs.width


_OF_USERS: Final[Mapping[str, Selection]] = {
    "all": all_ratings,
    "new users": lambda inputs: inputs.of_new_user,
    "known users": lambda inputs: ~inputs.of_new_user,
}
_ACTIVE_LABEL: Final = "active users"
_LEVEL: Final = StreamSpec(
    "level", "all", IN_STARS, True, lambda inputs: inputs.offset,
    standardisation=Standardisation(prior=4.0, between=0.05, opening=True),
)  # fmt: skip
_SPREAD: Final = StreamSpec(
    "spread", "all", IN_STARS, True, lambda inputs: inputs.spread,
    selected=has_spread,
    standardisation=Standardisation(prior=15.0, between=0.05, whole=True),
)  # fmt: skip
_WIDTH: Final = replace(_SPREAD, kind="scale", label=WIDTH, values=_width)
_ERROR: Final = StreamSpec(
    "error", "all", IN_STARS, True, lambda inputs: np.abs(inputs.residual),
    standardisation=Standardisation(prior=8.0, between=0.02), only_rise=True,
)  # fmt: skip
_AGREEMENT: Final = StreamSpec(
    "agreement", "all", IN_STARS, True, lambda inputs: inputs.agreement,
    selected=has_spread,
    standardisation=Standardisation(prior=40.0, between=0.02, whole=True),
)  # fmt: skip
_NEW_MOVIES: Final = StreamSpec(
    "catalogue", "movies rated for the first time", SHARE, False,
    lambda inputs: new_entities(inputs.log.movie.astype(np.int64)),
    standardisation=Standardisation(prior=20.0, between=0.1),
)  # fmt: skip


def stream_specs(catalogue: Catalogue, scale: RatingScale = STARS) -> list[StreamSpec]:
    """Return the streams that are monitored by default.

    Args:
        catalogue: Determines the genres.
        scale: The scale of the data, which determines the streams of the rating scale.
    """

    def of_users(spec: StreamSpec, label: str, users: Selection) -> StreamSpec:
        if users is all_ratings:
            return replace(spec, label=label)
        # A change among some users only is left to incremental training.
        both = partial(_both, spec.selected, users)
        return replace(spec, label=label, selected=both, is_concept_drift=False)

    specs = [of_users(_LEVEL, label, users) for label, users in _OF_USERS.items()]
    specs.append(of_users(_LEVEL, _ACTIVE_LABEL, _of_active_user))
    specs += [_WIDTH, _SPREAD]
    for label, users in _OF_USERS.items():
        specs += [of_users(spec, label, users) for spec in (_ERROR, _AGREEMENT)]
    for column, name in enumerate(catalogue.genre_names):
        if name not in _NOT_CONTENT:
            specs += _content_specs(name, partial(_has_genre, column))
    for decade in range(DECADES):
        specs += _content_specs(f"films of {decade_name(decade)}", partial(_released_in, decade))
    return [*specs, *_scale_specs(scale), _NEW_MOVIES]


def left_out(scale: RatingScale) -> str | None:
    """Return why the share of half stars is not monitored on a scale; None if it is.

    Stars may get half steps later, as those of MovieLens did in 2003.
    """
    if scale.is_stars:
        return None
    if not scale.has_ratings:
        reason = "likes and views have no steps"
    elif scale.step is None:
        reason = f"the scale {scale} has no steps"
    elif scale.step >= 1:
        reason = f"the scale {scale} has no steps between whole numbers"
    elif scale.high - scale.low <= 1:
        reason = f"the scale {scale} has no whole numbers but its ends"
    else:
        return None
    return f"{KIND_LABELS['scale']}: half stars: {reason}"


def _scale_specs(scale: RatingScale) -> list[StreamSpec]:
    """Return the streams of the rating scale."""
    top = StreamSpec(
        "scale", TOP, SHARE, True, partial(_is_top, scale),
        standardisation=Standardisation(prior=5.0, between=0.05, floor=0.02),
    )  # fmt: skip
    if left_out(scale):
        return [top]
    name = FRACTIONS[0] if scale.is_stars else FRACTIONS[1]
    # Standardised as the rating level, so that both have the same chunks behind their values.
    fractions = StreamSpec(
        "scale", name, SHARE, True, partial(_is_fraction, scale),
        standardisation=Standardisation(prior=4.0, between=0.05, floor=0.02, opening=True),
    )  # fmt: skip
    # Half a star more for all users raises the rating level and turns whole stars into half stars:
    # the sum or the difference of both shows it sooner than either.
    shifts = [
        replace(_LEVEL, label=f"all {word} {name}", parts=(_LEVEL, fractions), sign=sign)
        for word, sign in (("with", 1), ("against", -1))
    ]
    return [fractions, *shifts, top]


def _is_fraction(scale: RatingScale, inputs: StreamInputs) -> NDArray[np.float64]:
    """Return 1 for each rating between the whole numbers of the scale, else 0."""
    ratings = scale.from_stars(inputs.log.rating)
    return (np.abs(ratings - np.round(ratings)) > _ROUNDING).astype(np.float64)


def _is_top(scale: RatingScale, inputs: StreamInputs) -> NDArray[np.float64]:
    return (inputs.log.rating >= scale.to_stars(scale.high) - _ROUNDING).astype(np.float64)


def _content_specs(label: str, selected: Selection) -> list[StreamSpec]:
    """Return the streams of a group of movies: how they are rated, and their share."""
    return [
        StreamSpec(
            "taste", label, IN_STARS, False, lambda inputs: inputs.residual, selected=selected,
            standardisation=Standardisation(prior=15.0, between=0.02, whole=True, contrast=True),
        ),
        StreamSpec(
            "share", label, SHARE, False, lambda inputs: selected(inputs).astype(np.float64),
            standardisation=Standardisation(prior=40.0, between=0.1, least_variance=1.0),
        ),
    ]  # fmt: skip


def _has_genre(column: int, inputs: StreamInputs) -> NDArray[np.bool_]:
    return inputs.genres[:, column]


def _released_in(decade: int, inputs: StreamInputs) -> NDArray[np.bool_]:
    return inputs.decade == decade
