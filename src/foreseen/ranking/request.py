"""What a ranking should contain."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.data.catalogue import Catalogue
from foreseen.ranking.rank import By

_OFFERED: Final = 100
"""Movies that a diversified ranking selects from."""


@dataclass(frozen=True)
class RankingRequest:
    """What a ranking should contain.

    Attributes:
        k: How many movies.
        by: The criterion.
        genres: Any of these; all movies if empty.
        first_year, last_year: Years of release, both included.
        at: The second to rank as of; None for the end of the log.
        diversity: From 0 to 1; see `foreseen.ranking.rank.diversify`.
        influences_tried: Latest ratings that are left out one at a time to measure their
            influence.
    """

    k: int = 20
    by: By = "rating"
    genres: tuple[str, ...] = ()
    first_year: int | None = None
    last_year: int | None = None
    at: int | None = None
    diversity: float = 0.0
    influences_tried: int = 0

    @property
    def offered(self) -> int:
        """How many of the best movies the ranking is selected from."""
        return self.k if self.diversity == 0 else max(self.k, _OFFERED)

    def matching(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        """Return the movies of the genres and years of the request, of shape C."""
        matching = np.ones(len(catalogue), dtype=np.bool_)
        if self.genres:
            columns = [catalogue.genre_names.index(name) for name in self.genres]
            matching &= catalogue.genres[:-1, columns].any(axis=1)
        years = catalogue.years[:-1]
        if self.first_year is not None:
            matching &= years >= self.first_year
        if self.last_year is not None:
            matching &= years <= self.last_year
        return matching
