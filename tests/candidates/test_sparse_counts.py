"""Counts of which most are zero."""

import numpy as np

from foreseen.candidates.sparse_counts import SparseCounts


def counts_of(values: np.ndarray) -> SparseCounts:
    counts = SparseCounts(*values.shape)
    counts.values[:] = values
    rows = np.flatnonzero(values.any(axis=1))[::-1]
    counts.size = len(rows)
    counts.found[: len(rows)] = rows
    return counts


VALUES = np.array([[0.0, 0.0, 0.0], [2.0, -1.0, 3.0], [0.0, 0.0, 0.0], [1.0, 4.0, 5.0]])


def test_extremes_are_those_of_all_movies() -> None:
    lowest, highest = counts_of(VALUES).extremes()
    np.testing.assert_array_equal(lowest, VALUES.min(axis=0))
    np.testing.assert_array_equal(highest, VALUES.max(axis=0))
    lowest, highest = counts_of(VALUES[:1]).extremes()
    assert not lowest.any()
    assert not highest.any()


def test_movies_that_are_left_out_have_no_counts_in_the_columns() -> None:
    counts = counts_of(VALUES)
    movies, columns = counts.without(np.zeros(4, dtype=np.bool_), np.array([2, 0]))
    assert movies.tolist() == [3, 1]
    assert columns.tolist() == [[5.0, 3.0], [1.0, 2.0]]
    movies, columns = counts.without(np.arange(4) == 3, np.array([1]))
    assert movies.tolist() == [1]
    assert columns.tolist() == [[-1.0]]


def test_cleared_counts_are_zero() -> None:
    counts = counts_of(VALUES)
    counts.clear()
    assert not counts.values.any()
    assert not len(counts.movies)
