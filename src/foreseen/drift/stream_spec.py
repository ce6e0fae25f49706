"""The declaration of a monitored stream: what is read of a log, and how it is standardised."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.drift.standardise import Standardisation
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.messages import Message

SHARE: Final = "share"
"""The unit of streams of zeros and ones."""
IN_STARS: Final = "stars"
"""The unit of streams of ratings or their differences."""
KIND_LABELS: Final = {
    "scale": Message("rating scale"),
    "level": Message("rating level"),
    "spread": Message("spread of a user's ratings"),
    "error": Message("prediction error"),
    "agreement": Message("agreement with item means"),
    "taste": Message("taste"),
    "movie": Message("ratings of a movie"),
    "share": Message("share of ratings"),
    "catalogue": Message("catalogue"),
}
"""The kinds of the default streams, as people read them."""
MOVIE_KIND: Final = "movie"
"""The kind of the streams of single movies, which are labelled by the title."""
FRACTIONS: Final = ("half stars", "fractions")
"""Labels of the streams of ratings between whole numbers: of stars, and of other scales."""
TOP: Final = "top ratings"
WIDTH: Final = "width"
_DEFAULT: Final = Standardisation()

Values = Callable[[StreamInputs], NDArray[np.float64]]
Selection = Callable[[StreamInputs], NDArray[np.bool_]]


def all_ratings(inputs: StreamInputs) -> NDArray[np.bool_]:
    """Select all ratings."""
    return np.ones(len(inputs.log.rating), dtype=np.bool_)


def has_spread(inputs: StreamInputs) -> NDArray[np.bool_]:
    """Select ratings in chunks that have a spread."""
    return inputs.has_spread


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
    selected: Selection = all_ratings
    standardisation: Standardisation = _DEFAULT
    only_rise: bool = False
    parts: "tuple[StreamSpec, StreamSpec] | None" = None
    sign: int = 1

    @property
    def is_of_group(self) -> bool:
        """Return whether the stream is of some users or movies, not of all ratings."""
        return self.selected not in {all_ratings, has_spread}
