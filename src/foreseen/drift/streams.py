"""Monitored streams: what drift detectors read of a log, as numbers of mean zero and variance one.

Users rate in sessions, so neighbouring ratings are correlated and a detector that reads single
ratings raises one false alarm after another. The observation here is a chunk of a session: at most
25 ratings, and how far their mean lies from the same user's earlier mean, in standard deviations.
Chunks are pooled until they have equal weight. The values are then almost independent, and change
when users change, not when other users arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.drift.default_streams import stream_specs
from foreseen.drift.standardise import standardise, standardise_ratings
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.drift.stream_spec import IN_STARS, MOVIE_KIND, SHARE, StreamSpec
from foreseen.features.interaction_log import InteractionLog

_OPENING: Final = 5000
"""Ratings at the start of a log that only set the expected values."""
_FEWEST_OF_MOVIE: Final = 100
"""Ratings of a movie from which it is monitored by itself."""


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
        lag: Ratings by which the expected values lag behind.
    """

    spec: StreamSpec
    values: NDArray[np.float64]
    levels: NDArray[np.float64]
    weights: NDArray[np.float64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    lag: int = 0


def streams_of(
    log: InteractionLog,
    specs: Sequence[StreamSpec] | None = None,
    scale: RatingScale = STARS,
    lags: Sequence[int] = (0,),
) -> list[Stream]:
    """Return the streams of a log, by default those of `stream_specs`, in the order of the specs.

    Every value is point in time: later ratings change no value that was available before them.

    Args:
        log: The log.
        specs: Their declarations; None for those of `stream_specs`, and of single movies.
        scale: The scale of the data.
        lags: Ratings by which expected values lag behind; all streams are returned for each lag.
            Without a lag they follow a slow change, so that the values show what is sudden only.
            With a lag only the first chunk of a session counts: the mean of its user does not
            contain it yet, so that the others would repeat its deviation. Single movies have no
            lag.
    """
    inputs = StreamInputs(log)
    by_spec: dict[StreamSpec, list[Stream]] = {}

    def compute(spec: StreamSpec) -> list[Stream]:
        """Return the stream of each lag."""
        if spec not in by_spec:
            if spec.parts is None:
                by_spec[spec] = _streams(spec, inputs, lags)
            else:
                pairs = zip(*map(compute, spec.parts), strict=True)
                by_spec[spec] = [_combined(spec, first, second) for first, second in pairs]
        return by_spec[spec]

    declared = stream_specs(log.catalogue, scale) if specs is None else specs
    of_lags = [compute(spec) for spec in declared]
    streams: list[Stream] = []
    for number, lag in enumerate(lags):
        streams += [of_lag[number] for of_lag in of_lags]
        if specs is None and not lag:
            streams += _movie_streams(inputs)
    return streams


def _combined(spec: StreamSpec, first: Stream, second: Stream) -> Stream:
    """Return the normalised sum or difference of two streams."""
    values = (first.values + spec.sign * second.values) / np.sqrt(2)
    return replace(first, spec=spec, values=values)


def _movie_streams(inputs: StreamInputs) -> list[Stream]:
    """Return a stream for each movie with many ratings."""
    titles = inputs.log.catalogue.titles
    streams: list[Stream] = []
    for row, places in inputs.ratings_of_movies(_FEWEST_OF_MOVIE, _OPENING):
        residual = inputs.residual[places]
        spec = StreamSpec(MOVIE_KIND, titles[row], IN_STARS, False, lambda inputs: inputs.residual)
        values = standardise_ratings(residual)
        weights = np.ones(len(places))
        streams.append(Stream(spec, values, residual, weights, places, places))
    return streams


def _streams(spec: StreamSpec, inputs: StreamInputs, lags: Sequence[int]) -> list[Stream]:
    """Return a stream of its own values, for each lag."""
    chunks, values, selected = inputs.chunks, spec.values(inputs), spec.selected(inputs)
    parameters = spec.standardisation
    count = chunks.total(selected.astype(np.float64))
    total = chunks.total(np.where(selected, values, 0.0))
    rest, rest_total = chunks.size - count, chunks.total(np.where(selected, 0.0, values))
    streams: list[Stream] = []
    for lag in lags:
        counted = chunks.opening if parameters.opening or lag else chunks.early | parameters.whole
        known = np.arange(1, len(chunks.ends) + 1)
        if lag:
            known = np.searchsorted(chunks.ends, chunks.ends - lag, side="right")
        z, level, weight, first, last = standardise(
            chunks.user,
            count,
            total,
            rest if parameters.contrast else np.zeros(0),
            rest_total,
            (chunks.ends >= _OPENING + lag) & counted,
            known,
            parameters.prior,
            parameters.between,
            spec.unit == SHARE,
            parameters.floor,
            parameters.least_variance,
        )
        begins, ends = chunks.begins[first], chunks.ends[last]
        streams.append(Stream(spec, z, level, weight, begins, ends, lag))
    return streams
