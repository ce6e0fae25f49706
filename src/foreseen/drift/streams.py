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
from functools import cached_property, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import HIGHEST_RATING
from foreseen.drift.sessions import SessionChunks, split_sessions
from foreseen.drift.standardise import Standardisation, standardise
from foreseen.features.damped_means import means_before
from foreseen.features.interaction_log import USER_DAMPING, InteractionLog
from foreseen.features.user_statistics import DECADES, decade_name

SHARE: Final = "share"
"""The unit of streams of zeros and ones."""
KIND_LABELS: Final = {
    "scale": "rating scale",
    "level": "rating level",
    "error": "prediction error",
    "agreement": "agreement with item means",
    "taste": "taste",
    "share": "share of ratings",
    "catalogue": "catalogue",
}
"""The kinds of the default streams, as people read them."""
_OPENING: Final = 5000
"""Ratings at the start of a log that only set the expected values."""
_NEW_USER: Final = 20
"""Ratings of a user that count as those of a new user."""
_DEFAULT: Final = Standardisation()
_NOT_CONTENT: Final = frozenset({"IMAX"})


class StreamInputs:
    """An interaction log, and quantities that several of its streams are computed from.

    Attributes:
        log: The log of E ratings.
    """

    def __init__(self, log: InteractionLog) -> None:
        self.log = log
        self._movie_mean = log.movie_mean(log.movie, log.timestamp)

    @cached_property
    def chunks(self) -> SessionChunks:
        """The chunks of the log's sessions."""
        return split_sessions(self.log.user.astype(np.int64), self.log.timestamp)

    @cached_property
    def offset(self) -> NDArray[np.float64]:
        """Each rating less the movie's mean at that second, of shape E."""
        return self.log.rating - self._movie_mean

    @cached_property
    def residual(self) -> NDArray[np.float64]:
        """Each offset less the user's mean offset before it, of shape E."""
        log = self.log
        return self.offset - means_before(log.user, self.offset, len(log.users), USER_DAMPING)

    @cached_property
    def agreement(self) -> NDArray[np.float64]:
        """Each residual times how far the movie's mean lies above the global mean, of shape E."""
        merit = np.clip(self._movie_mean - self.log.global_mean(self.log.timestamp), -1, 1)
        return np.clip(self.residual, -3, 3) * merit

    @cached_property
    def of_new_user(self) -> NDArray[np.bool_]:
        """Whether each rating is among the first of its user, of shape E."""
        return _earlier_occurrences(self.log.user.astype(np.int64)) < _NEW_USER

    @cached_property
    def genres(self) -> NDArray[np.bool_]:
        """Whether each rated movie has each of G genres, of shape E x G."""
        return self.log.catalogue.genres[self.log.movie] > 0

    @cached_property
    def decade(self) -> NDArray[np.int64]:
        """Release decade of each rated movie, of shape E."""
        return self.log.decade[self.log.movie]


Values = Callable[[StreamInputs], NDArray[np.float64]]
Selection = Callable[[StreamInputs], NDArray[np.bool_]]


def _all(inputs: StreamInputs) -> NDArray[np.bool_]:
    return np.ones(len(inputs.log.rating), dtype=np.bool_)


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
_LEVEL: Final = StreamSpec(
    "level", "all", "stars", True, lambda inputs: inputs.offset,
    standardisation=Standardisation(prior=4.0, between=0.05),
)  # fmt: skip
_ERROR: Final = StreamSpec(
    "error", "all", "stars", True, lambda inputs: np.abs(inputs.residual),
    standardisation=Standardisation(prior=8.0, between=0.02), only_rise=True,
)  # fmt: skip
_AGREEMENT: Final = StreamSpec(
    "agreement", "all", "stars", True, lambda inputs: inputs.agreement,
    standardisation=Standardisation(prior=40.0, between=0.02, whole=True),
)  # fmt: skip
# Standardised as the rating level, so that both have the same chunks behind their values.
_HALF_STARS: Final = StreamSpec(
    "scale", "half stars", SHARE, True,
    lambda inputs: (inputs.log.rating * 2 % 2 == 1).astype(np.float64),
    standardisation=Standardisation(prior=4.0, between=0.05, floor=0.02),
)  # fmt: skip
_TOP_RATINGS: Final = StreamSpec(
    "scale", "top ratings", SHARE, True,
    lambda inputs: (inputs.log.rating == HIGHEST_RATING).astype(np.float64),
    standardisation=Standardisation(prior=5.0, between=0.05, floor=0.02),
)  # fmt: skip
# Half a star more for all users raises the rating level and turns whole stars into half stars: the
# sum or the difference of both shows it sooner than either.
_SCALE_SHIFTS: Final = tuple(
    replace(_LEVEL, label=label, parts=(_LEVEL, _HALF_STARS), sign=sign)
    for label, sign in (("all with half stars", 1), ("all against half stars", -1))
)
_NEW_MOVIES: Final = StreamSpec(
    "catalogue", "movies rated for the first time", SHARE, False,
    lambda inputs: _new_entities(inputs.log.movie.astype(np.int64)),
    standardisation=Standardisation(prior=40.0, between=0.3),
)  # fmt: skip


def stream_specs(catalogue: Catalogue) -> list[StreamSpec]:
    """Return the streams that are monitored by default; a catalogue determines the genres."""
    specs = [replace(_LEVEL, label=label, selected=users) for label, users in _OF_USERS.items()]
    for label, users in _OF_USERS.items():
        specs += [replace(spec, label=label, selected=users) for spec in (_ERROR, _AGREEMENT)]
    for column, name in enumerate(catalogue.genre_names):
        if name not in _NOT_CONTENT:
            specs += _content_specs(name, partial(_has_genre, column))
    for decade in range(DECADES):
        specs += _content_specs(f"films of {decade_name(decade)}", partial(_released_in, decade))
    return [*specs, _HALF_STARS, *_SCALE_SHIFTS, _TOP_RATINGS, _NEW_MOVIES]


def _content_specs(label: str, selected: Selection) -> list[StreamSpec]:
    """Return the streams of a group of movies: how they are rated, and their share."""
    return [
        StreamSpec(
            "taste", label, "stars", False, lambda inputs: inputs.residual, selected=selected,
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


def streams_of(log: InteractionLog, specs: Sequence[StreamSpec] | None = None) -> list[Stream]:
    """Return the streams of a log, by default those of `stream_specs`, in the order of the specs.

    Every value is point in time: later ratings change no value that was available before them.
    """
    inputs = StreamInputs(log)
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

    return [compute(spec) for spec in (stream_specs(log.catalogue) if specs is None else specs)]


def _stream(spec: StreamSpec, inputs: StreamInputs) -> Stream:
    chunks, values, selected = inputs.chunks, spec.values(inputs), spec.selected(inputs)
    parameters = spec.standardisation
    count = chunks.total(selected.astype(np.float64))
    total = chunks.total(np.where(selected, values, 0.0))
    rest, rest_total = chunks.size - count, chunks.total(np.where(selected, 0.0, values))
    used = (chunks.ends >= _OPENING) & (chunks.early | parameters.whole)
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


def _earlier_occurrences(entity: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many times each event's entity has occurred before, of shape E."""
    order = np.argsort(entity, kind="stable")
    ordered = entity[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    lengths = np.diff(np.append(starts, len(entity)))
    earlier = np.empty(len(entity), dtype=np.int64)
    earlier[order] = np.arange(len(entity)) - np.repeat(starts, lengths)
    return earlier


def _new_entities(entity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 1 for each event with a new entity, less the probability of one (Good, 1953).

    That probability is the share, among all earlier events, of entities seen exactly once.
    """
    earlier = _earlier_occurrences(entity)
    new = (earlier == 0).astype(np.float64)
    once = np.cumsum(new - (earlier == 1))
    probability = (np.append(0.0, once[:-1]) + 1) / (np.arange(len(entity)) + 2)
    return new - probability
