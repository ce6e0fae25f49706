"""A two-way map between the ids of a source and the rows that index arrays."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

WHOLE_NUMBER: Final = r"^(0|[1-9][0-9]{0,17})$"
"""Pattern of the ids that are whole numbers, written without superfluous zeros."""
UNKNOWN = -1
"""The row of an id that is not in the map."""


@dataclass(frozen=True)
class IdMap:
    """An immutable map from distinct ids to rows 0, 1, ...; extending it returns a new one.

    Attributes:
        ids: The id of each row, of shape N.
    """

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

    @cached_property
    def _ascending(self) -> NDArray[np.int64]:
        return self.ids[self._order]

    def rows(self, ids: ArrayLike) -> NDArray[np.int32]:
        """Return the row of each id, `UNKNOWN` for an id not in the map; of the shape of `ids`."""
        queried = np.asarray(ids, dtype=np.int64)
        if not len(self.ids):
            return np.full(queried.shape, UNKNOWN, dtype=np.int32)
        ascending = self._ascending
        position = np.minimum(np.searchsorted(ascending, queried), len(ascending) - 1)
        found = ascending[position] == queried
        return np.where(found, self._order[position], UNKNOWN).astype(np.int32)

    def extended(self, ids: ArrayLike) -> Self:
        """Return a map that also contains `ids`; present ids keep their rows."""
        new = np.setdiff1d(np.asarray(ids, dtype=np.int64), self.ids)
        return type(self)(np.concatenate([self.ids, new])) if len(new) else self
