"""Occurrences of users and movies in a log: how often before, and how likely a new one is."""

import numpy as np
from numpy.typing import NDArray


def earlier_occurrences(entity: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many times each event's entity has occurred before, of shape E."""
    order = np.argsort(entity, kind="stable")
    ordered = entity[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    lengths = np.diff(np.append(starts, len(entity)))
    earlier = np.empty(len(entity), dtype=np.int64)
    earlier[order] = np.arange(len(entity)) - np.repeat(starts, lengths)
    return earlier


def new_entities(entity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 1 for each event with a new entity, less the probability of one (Good, 1953).

    That probability is the share, among all earlier events, of entities seen exactly once.
    """
    earlier = earlier_occurrences(entity)
    new = (earlier == 0).astype(np.float64)
    once = np.cumsum(new - (earlier == 1))
    probability = (np.append(0.0, once[:-1]) + 1) / (np.arange(len(entity)) + 2)
    return new - probability
