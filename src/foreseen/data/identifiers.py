"""The two-way map between a source's ids and the rows that arrays are indexed by."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNKNOWN = -1
"""The row of an id that the map does not hold."""


@dataclass(frozen=True)
class IdMap:
    """A frozen map from ids to rows 0, 1, ...; a grown one is new and keeps the old rows."""

    ids: NDArray[np.int64]

    @classmethod
    def of(cls, ids: ArrayLike) -> Self:
        """Return a map over the distinct ids, in ascending order."""
        return cls(np.unique(np.asarray(ids, dtype=np.int64)))

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.ids, kind="stable")

    def rows(self, ids: ArrayLike) -> NDArray[np.int32]:
        """Return each id's row, `UNKNOWN` for an id that is not here."""
        wanted = np.asarray(ids, dtype=np.int64)
        if not len(self.ids):
            return np.full(wanted.shape, UNKNOWN, dtype=np.int32)
        ascending = self.ids[self._order]
        place = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
        return np.where(ascending[place] == wanted, self._order[place], UNKNOWN).astype(np.int32)

    def extended(self, ids: ArrayLike) -> Self:
        """Return a map that holds `ids` too; what was here keeps its row."""
        new = np.setdiff1d(np.asarray(ids, dtype=np.int64), self.ids)
        return type(self)(np.concatenate([self.ids, new])) if len(new) else self
