"""Sources of candidates: what proposes movies to a user, and describes all that are proposed.

A source is declared by one `CandidateSource`. Those of this package are in `built_in`; another
package registers its own as an entry point of the group `foreseen.candidates`, and models that are
trained afterwards use it (`installed`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.popularity import Popularity
from foreseen.features.interaction_log import LogView

if TYPE_CHECKING:
    from foreseen.candidates.index import CandidateIndex


@dataclass(frozen=True)
class SequenceScores:
    """What a sequence model returns for a history as of a moment.

    Attributes:
        log_probability: Of every movie, to be the next one and to be one of the next thirty days,
            of shape C x 2.
        trained: Share of the history's ratings that the model was trained on.
    """

    log_probability: NDArray[np.float32]
    trained: float


@dataclass(frozen=True)
class Request:
    """A history as of a moment.

    Attributes:
        view: The view of the log that holds the history.
        row: Row of the history in the view.
        before: Only ratings strictly older count.
        watched: Rows of the history's movies of the catalogue, oldest first, of shape H.
        rating: Their ratings, of shape H.
        popularity: Of all movies as of that moment.
        sequence: By a sequence model; None without one.
    """

    view: LogView
    row: int
    before: int
    watched: NDArray[np.int32]
    rating: NDArray[np.float64]
    popularity: Popularity
    sequence: SequenceScores | None = None


@dataclass(frozen=True)
class Proposal:
    """What a source returns for a request.

    Attributes:
        features: Returns the features of N movies, given as rows of the catalogue, of shape N x F.
        leaders: The 150 movies with the highest values of each column, of those above zero, are
            candidates; of shape C x K, and C x 0 for a source that only describes candidates.
        rest: Weights of all movies, of shape C, that order those that are no candidates; those of
            the last source that has any are used.
    """

    features: Callable[[NDArray[np.intp]], NDArray[np.float64]]
    leaders: NDArray[np.float64]
    rest: NDArray[np.float64] | None = None


Generator = Callable[[Request], Proposal]
"""A source over one log."""


@dataclass(frozen=True)
class CandidateSource:
    """Declaration of a source of candidates.

    Attributes:
        name: Its name.
        features: Names of its features, of shape F.
        over: Returns the generator over the log of an index. It is called once per log; what it
            computes of the log may use, for a request, only ratings before the moment of the
            request. Calls of the generator come from several threads.
    """

    name: str
    features: tuple[str, ...]
    over: Callable[["CandidateIndex"], Generator]


def only_features(
    view: LogView, features: Callable[[NDArray[np.intp]], NDArray[np.float64]]
) -> Proposal:
    """Return the proposal of a source without candidates of its own."""
    return Proposal(features, np.empty((len(view.catalogue), 0)))


def feature_names(sources: tuple[CandidateSource, ...]) -> tuple[str, ...]:
    """Return the names of the features of some sources, in their order."""
    return tuple(name for source in sources for name in source.features)
