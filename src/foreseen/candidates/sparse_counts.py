"""Counts of movies of which most are zero: an array over the catalogue, and the movies with any.

What is computed of the counts of a history reads the rows of the movies that have any, once.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled


class SparseCounts:
    """Counts of shape C x K that are zero between two uses.

    Attributes:
        values: The counts, of shape C x K.
        found: Room for the rows of the movies with counts, of shape C.
        size: How many movies have counts.
    """

    def __init__(self, count: int, columns: int) -> None:
        """Make counts of `count` movies."""
        self.values: Final = np.zeros((count, columns))
        self.found: Final = np.empty(count, dtype=np.int32)
        self.size = 0

    @property
    def movies(self) -> NDArray[np.int32]:
        """Rows of the movies with counts, of shape N."""
        return self.found[: self.size]

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and the highest of each column, zero included, each of shape K."""
        return _extremes(self.values, self.movies)

    def without(
        self, left_out: NDArray[np.bool_], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the movies with counts that are not left out, and L columns of their counts.

        Args:
            left_out: Of shape C.
            columns: Which columns, of shape L.

        Returns:
            Rows of M movies, and counts of shape L x M.
        """
        return _without(self.values, self.movies, left_out, columns)

    def clear(self) -> None:
        """Set the counts to zero."""
        self.values[self.movies] = 0.0
        self.size = 0


@compiled
def _extremes(
    values: NDArray[np.float64], movies: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lowest, highest = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for movie in movies:
        row = values[movie]
        for k in range(len(row)):
            lowest[k] = min(lowest[k], row[k])
            highest[k] = max(highest[k], row[k])
    return lowest, highest


@compiled
def _without(
    values: NDArray[np.float64],
    movies: NDArray[np.int32],
    left_out: NDArray[np.bool_],
    columns: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    kept, size = np.empty(len(movies), np.int32), 0
    for movie in movies:
        if not left_out[movie]:
            kept[size] = movie
            size += 1
    found = np.empty((len(columns), size))
    for n in range(size):
        row = values[kept[n]]
        for k in range(len(columns)):
            found[k, n] = row[columns[k]]
    return kept[:size].copy(), found
