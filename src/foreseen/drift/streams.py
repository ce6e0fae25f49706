"""Monitored streams: what drift detectors read of a log, as numbers of mean zero and variance one.

Users rate in sessions, so neighbouring ratings are correlated and a detector that reads single
ratings raises one false alarm after another. The observation here is a chunk of a session: at most
25 ratings, and how far their mean lies from the same user's earlier mean, in standard deviations.
Chunks are pooled until they have equal weight. The values are then almost independent, and change
when users change, not when other users arrive.

A stream is added by one `StreamSpec`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.data.catalogue import Catalogue
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.drift.occurrences import new_entities
from foreseen.drift.standardise import Standardisation, standardise, standardise_ratings
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.user_statistics import DECADES, decade_name

SHARE: Final = "share"
"""The unit of streams of zeros and ones."""
IN_STARS: Final = "stars"
"""The unit of streams of ratings or their differences."""
KIND_LABELS: Final = {
    "scale": "rating scale",
    "level": "rating level",
    "spread": "spread of a user's ratings",
    "error": "prediction error",
    "agreement": "agreement with item means",
    "taste": "taste",
    "movie": "ratings of a movie",
    "share": "share of ratings",
    "catalogue": "catalogue",
}
"""The kinds of the default streams, as people read them."""
_OPENING: Final = 5000
"""Ratings at the start of a log that only set the expected values."""
_FEWEST_OF_MOVIE: Final = 100
"""Ratings of a movie from which it is monitored by itself."""
_DEFAULT: Final = Standardisation()
_NOT_CONTENT: Final = frozenset({"IMAX"})
_ROUNDING: Final = 1e-6


Values = Callable[[StreamInputs], NDArray[np.float64]]
Selection = Callable[[StreamInputs], NDArray[np.bool_]]


def _all(inputs: StreamInputs) -> NDArray[np.bool_]:
    return np.ones(len(inputs.log.rating), dtype=np.bool_)


def _of_active_user(inputs: StreamInputs) -> NDArray[np.bool_]:
    return inputs.of_active_user


def _width(inputs: StreamInputs) -> NDArray[np.float64]:
    return inputs.width


@dataclass(frozen=True)
class StreamSpec:
    """Declaration of a stream.

    Attributes:
        kind: Name of the group of streams that it belongs to.
        label: Name within its kind.
        unit: Unit of the values; `SHARE` if they are 0 or 1.
        is_concept_drift: Whether a change means that users rate differently, so that the model has
            to be retrained; a change of what they watch does not.
        values: Returns one value per rating, of shape E, from ratings that are not later.
        selected: Returns which ratings belong to the stream, of shape E.
        standardisation: Parameters of the standardisation.
        only_rise: Whether only a rise is concept drift.
        parts: Two streams with equal standardisation, of which this is the normalised sum or
            difference; `values` is then not used. They come first in a list of streams.
        sign: Sign of the second part.
    """

    kind: str
    label: str
    unit: str
    is_concept_drift: bool
    values: Values
    selected: Selection = _all
    standardisation: Standardisation = _DEFAULT
    only_rise: bool = False
    parts: "tuple[StreamSpec, StreamSpec] | None" = None
    sign: int = 1


@dataclass(frozen=True)
class Stream:
    """A sequence of V values that have mean zero and variance one while nothing changes.

    Attributes:
        spec: Its declaration.
        values: In order of time, of shape V.
        levels: Mean of the unstandardised values behind each value, of shape V.
        weights: Number of ratings behind each value, of shape V.
        begins: Position in the log of the first rating behind each value, of shape V.
        ends: Position in the log of the rating at which each value is available, of shape V.
    """

    spec: StreamSpec
    values: NDArray[np.float64]
    levels: NDArray[np.float64]
    weights: NDArray[np.float64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]


_OF_USERS: Final[dict[str, Selection]] = {
    "all": _all,
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
    selected=lambda inputs: inputs.has_spread,
    standardisation=Standardisation(prior=15.0, between=0.05, whole=True),
)  # fmt: skip
_WIDTH: Final = replace(_SPREAD, kind="scale", label="width", values=_width)
_ERROR: Final = StreamSpec(
    "error", "all", IN_STARS, True, lambda inputs: np.abs(inputs.residual),
    standardisation=Standardisation(prior=8.0, between=0.02), only_rise=True,
)  # fmt: skip
_AGREEMENT: Final = StreamSpec(
    "agreement", "all", IN_STARS, True, lambda inputs: inputs.agreement,
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
        # A change among some users only is left to incremental training.
        return replace(spec, label=label, selected=users, is_concept_drift=users is _all)

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
        "scale", "top ratings", SHARE, True, partial(_is_top, scale),
        standardisation=Standardisation(prior=5.0, between=0.05, floor=0.02),
    )  # fmt: skip
    if left_out(scale):
        return [top]
    name = "half stars" if scale.is_stars else "fractions"
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


def streams_of(
    log: InteractionLog, specs: Sequence[StreamSpec] | None = None, scale: RatingScale = STARS
) -> list[Stream]:
    """Return the streams of a log, by default those of `stream_specs`, in the order of the specs.

    Every value is point in time: later ratings change no value that was available before them.
    """
    inputs = StreamInputs(log)
    if specs is None:
        return [
            *streams_of(log, stream_specs(log.catalogue, scale), scale),
            *_movie_streams(inputs),
        ]
    streams: dict[StreamSpec, Stream] = {}

    def compute(spec: StreamSpec) -> Stream:
        if spec not in streams:
            if spec.parts is None:
                streams[spec] = _stream(spec, inputs)
            else:
                first, second = map(compute, spec.parts)
                values = (first.values + spec.sign * second.values) / np.sqrt(2)
                streams[spec] = replace(first, spec=spec, values=values)
        return streams[spec]

    return [compute(spec) for spec in specs]


def _movie_streams(inputs: StreamInputs) -> list[Stream]:
    """Return a stream for each movie with many ratings."""
    titles = inputs.log.catalogue.titles
    streams: list[Stream] = []
    for row, places in inputs.ratings_of_movies(_FEWEST_OF_MOVIE, _OPENING):
        residual = inputs.residual[places]
        spec = StreamSpec("movie", titles[row], IN_STARS, False, lambda inputs: inputs.residual)
        values = standardise_ratings(residual)
        weights = np.ones(len(places))
        streams.append(Stream(spec, values, residual, weights, places, places))
    return streams


def _stream(spec: StreamSpec, inputs: StreamInputs) -> Stream:
    chunks, values, selected = inputs.chunks, spec.values(inputs), spec.selected(inputs)
    parameters = spec.standardisation
    count = chunks.total(selected.astype(np.float64))
    total = chunks.total(np.where(selected, values, 0.0))
    rest, rest_total = chunks.size - count, chunks.total(np.where(selected, 0.0, values))
    counted = chunks.opening if parameters.opening else chunks.early | parameters.whole
    used = (chunks.ends >= _OPENING) & counted
    z, level, weight, first, last = standardise(
        chunks.user,
        count,
        total,
        rest if parameters.contrast else np.zeros(0),
        rest_total,
        used,
        parameters.prior,
        parameters.between,
        spec.unit == SHARE,
        parameters.floor,
        parameters.least_variance,
    )
    return Stream(spec, z, level, weight, chunks.begins[first], chunks.ends[last])
