"""Filters of the ranking on the page: genres, release decades, and how well known a movie is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from foreseen.serving.snapshot import ModelSnapshot

Known = Literal["", "well", "little"]
_WELL_KNOWN_SHARE: Final = 0.1
"""Share of the movies, the most rated, that are well known."""
_DECADE: Final = 10


@dataclass(frozen=True)
class MovieFilter:
    """What the movies of a ranking should be.

    Attributes:
        genres: Any of these; all if empty.
        without: None of these genres.
        decades: First years of release decades, any of them; all if empty.
        known: Only well known movies, only others, or all.
    """

    genres: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    decades: tuple[int, ...] = ()
    known: Known = ""

    @property
    def is_active(self) -> bool:
        """Whether it leaves any movie out."""
        return self != MovieFilter()

    def excluded(self, snapshot: ModelSnapshot) -> NDArray[np.bool_]:
        """Return the movies to leave out, of shape C."""
        catalogue = snapshot.model.log.catalogue
        excluded = np.zeros(len(snapshot.ids), dtype=np.bool_)
        if self.genres:
            excluded |= ~_has_any(snapshot, self.genres)
        if self.without:
            excluded |= _has_any(snapshot, self.without)
        if self.decades:
            decades = catalogue.years[:-1] // _DECADE * _DECADE
            excluded |= ~np.isin(decades, self.decades)
        if self.known:
            is_well_known = well_known(snapshot)
            excluded |= ~is_well_known if self.known == "well" else is_well_known
        return excluded


def _has_any(snapshot: ModelSnapshot, genres: Sequence[str]) -> NDArray[np.bool_]:
    catalogue = snapshot.model.log.catalogue
    columns = [catalogue.genre_names.index(name) for name in genres]
    found = np.zeros(len(snapshot.ids), dtype=np.bool_)
    found |= catalogue.genres[:-1, columns].any(axis=1)
    return found


def well_known(snapshot: ModelSnapshot) -> NDArray[np.bool_]:
    """Return which movies are among the most rated tenth, of shape C."""
    least = np.quantile(snapshot.views, 1 - _WELL_KNOWN_SHARE)
    return snapshot.views >= max(float(least), 1.0)


def release_decades(snapshot: ModelSnapshot) -> list[int]:
    """Return the first years of the release decades of the catalogue, latest first."""
    years = snapshot.model.log.catalogue.years
    decades = np.unique(years[~np.isnan(years)] // _DECADE * _DECADE)
    return [int(decade) for decade in decades[::-1]]
