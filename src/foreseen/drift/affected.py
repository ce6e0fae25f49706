"""Ratings that a change concerns: of all users or some, of all movies or some."""

import numpy as np
from numpy.typing import NDArray

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.drift.default_streams import stream_specs
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.drift.stream_spec import MOVIE_KIND


def affected_ratings(
    inputs: StreamInputs, kind: str, label: str, scale: RatingScale = STARS
) -> NDArray[np.bool_] | None:
    """Return whether a change concerns each rating of a log, of shape E; None if it concerns all.

    Args:
        inputs: The log.
        kind: Kind of the finding.
        label: Its label: a group of users or movies, or the title of a movie; any other concerns
            all ratings.
        scale: The scale of the data.
    """
    log = inputs.log
    if kind == MOVIE_KIND:
        titles = log.catalogue.titles
        rows = [row for row, title in enumerate(titles) if title == label]
        return np.isin(log.movie, rows)
    for spec in stream_specs(log.catalogue, scale):
        # The share of a group is a stream of all ratings, how the group is rated is one of its own.
        if spec.label == label and spec.is_of_group:
            return spec.selected(inputs)
    return None
