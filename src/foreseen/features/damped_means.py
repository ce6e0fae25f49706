"""Running sums, and damped means: with zeros added, so that means of few values are near zero."""

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
def sums_before(
    entity: NDArray[np.int32], value: NDArray[np.float64], times: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each of N events, the number and the sum of its entity's values of before.

    Args:
        entity: Rows, of shape N, each below `count`.
        value: Of shape N.
        times: Timestamps, ascending, of shape N; events of one second do not count for each other.
        count: Number of entities.
    """
    number, total = np.zeros(count), np.zeros(count)
    earlier_number, earlier_total = np.zeros(count), np.zeros(count)
    latest = np.full(count, np.iinfo(np.int64).min)
    numbers, totals = np.empty(len(value)), np.empty(len(value))
    for n in range(len(value)):
        row = entity[n]
        if latest[row] < times[n]:
            latest[row] = times[n]
            earlier_number[row], earlier_total[row] = number[row], total[row]
        numbers[n], totals[n] = earlier_number[row], earlier_total[row]
        number[row] += 1.0
        total[row] += value[n]
    return numbers, totals


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
