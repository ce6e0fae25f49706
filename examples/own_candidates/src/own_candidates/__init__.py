"""The source of candidates `new-releases`: popular movies of the last two years."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.popularity import POPULAR_SEASON
from foreseen.candidates.source import CandidateSource, Generator, Proposal, Request

YEARS: Final = 2


def over(index: CandidateIndex) -> Generator:
    """Return the generator over the log of an index."""
    released = index.log.catalogue.years[:-1]

    def propose(request: Request) -> Proposal:
        now = datetime.fromtimestamp(request.before, UTC).year
        is_new = np.nan_to_num(now - released, nan=np.inf) <= YEARS
        popular = request.popularity.columns[:, POPULAR_SEASON] * is_new

        def features(movies: NDArray[np.intp]) -> NDArray[np.float64]:
            return np.log1p(popular[movies])[:, None]

        return Proposal(features, leaders=popular[:, None])

    return propose


SOURCE: Final = CandidateSource("new-releases", ("popular_new_release",), over)
