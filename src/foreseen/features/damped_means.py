"""Damped running means: zeros are added, so that means of few values are shrunk towards zero."""

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled


@compiled
def means_before(
    entity: NDArray[np.int32], value: NDArray[np.float64], count: int, damping: float
) -> NDArray[np.float64]:
    """Return, for each of N events in time order, the damped mean of its entity's earlier values.

    Args:
        entity: Rows, of shape N, each below `count`.
        value: Of shape N.
        count: Number of entities.
        damping: Number of zeros added to the values of each entity.
    """
    sums = np.zeros(count)
    counts = np.zeros(count)
    means = np.zeros(len(value))
    for n in range(len(value)):
        means[n] = sums[entity[n]] / (counts[entity[n]] + damping)
        sums[entity[n]] += value[n]
        counts[entity[n]] += 1.0
    return means


@compiled
def running_means(
    starts: NDArray[np.int64], values: NDArray[np.float64], damping: float
) -> NDArray[np.float64]:
    """Return the damped mean of each history's values up to and including each; of shape E.

    Args:
        starts: Where each history begins, of shape H + 1.
        values: One per rating, history by history, of shape E.
        damping: Number of zeros added.
    """
    means = np.zeros(len(values))
    for history in range(len(starts) - 1):
        total = 0.0
        for row in range(starts[history], starts[history + 1]):
            total += values[row]
            means[row] = total / (row + 1 - starts[history] + damping)
    return means
