"""Histories read by a memory of keys: solved once for each prefix, then asked any candidate."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.compute.cholesky import factorise, solve_lower, solve_upper

_LEVEL_DECAY: Final = 0.98
_LEVEL_DAMPING: Final = 5.0


@dataclass(frozen=True)
class Memory:
    """What a history is read with.

    Attributes:
        keys: The movies' keys, of shape (C + 1) x D or longer; beyond the last, as the last.
        ridge: Penalty on each coordinate, of shape D.
        prior: What is assumed of a user nothing is known of, of shape D.
    """

    keys: NDArray[np.float64]
    ridge: NDArray[np.float64]
    prior: NDArray[np.float64]


def read_histories(
    memory: Memory, timeline: Timeline, queries: Queries
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each question's history foretells, and the logarithm of its variance.

    It is the ridge regression of the history's residuals, before the moment, on their keys.
    """
    order, groups, ends = timeline.prefixes(queries)
    missing = len(timeline.catalogue) + 1 - len(memory.keys)
    keys = memory.keys
    if missing > 0:
        keys = np.concatenate([keys, np.repeat(keys[-1:], missing, axis=0)])
    own = timeline.histories
    foretold, doubt = np.empty(len(queries)), np.empty(len(queries))
    found = _read(
        groups,
        queries.history[order].astype(np.int64),
        ends,
        queries.movie[order].astype(np.int64),
        own.starts,
        own.movie.astype(np.int64),
        own.residual,
        keys,
        memory.ridge,
        memory.prior,
    )
    foretold[order], doubt[order] = found
    return foretold, doubt


def level_habits(
    timeline: Timeline,
    queries: Queries,
    levels: NDArray[np.float64],
    usual: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how often each user gives each level, the latest counting most, of shape N x L.

    Where little is known it is how often everybody gives it, which is `usual`, of shape L.
    """
    order, groups, ends = timeline.prefixes(queries)
    own = timeline.histories
    given = np.clip(np.searchsorted(levels, own.rating), 0, len(levels) - 1)
    habits = np.empty((len(queries), len(levels)))
    history = queries.history[order].astype(np.int64)
    habits[order] = _habits(groups, history, ends, own.starts, given.astype(np.int64), usual)
    return habits


@compiled
def _read(
    groups: NDArray[np.int64],
    asked: NDArray[np.int64],
    ends: NDArray[np.int64],
    movie: NDArray[np.int64],
    starts: NDArray[np.int64],
    watched: NDArray[np.int64],
    residual: NDArray[np.float64],
    keys: NDArray[np.float64],
    ridge: NDArray[np.float64],
    prior: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size = keys.shape[1]
    foretold, doubt = np.zeros(len(asked)), np.zeros(len(asked))
    gram, factor = np.empty((size, size)), np.empty((size, size))
    moment, centre, probe = np.empty(size), np.empty(size), np.empty(size)
    for group in range(len(groups) - 1):
        query, stop = groups[group], groups[group + 1]
        first = starts[asked[query]] if asked[query] >= 0 else 0
        gram[:] = 0.0
        moment[:] = ridge * prior
        for a in range(size):
            gram[a, a] = ridge[a]
        position, solved = 0, -1
        while query < stop:
            while position < ends[query]:
                key = keys[watched[first + position]]
                for a in range(size):
                    moment[a] += key[a] * residual[first + position]
                    for c in range(a + 1):
                        gram[a, c] += key[a] * key[c]
                position += 1
            if solved != position:
                factor[:] = gram
                centre[:] = moment
                factorise(factor)
                solve_lower(factor, centre)
                solve_upper(factor, centre)
                solved = position
            probe[:] = keys[movie[query]]
            for a in range(size):
                foretold[query] += probe[a] * centre[a]
            solve_lower(factor, probe)
            variance = 0.0
            for a in range(size):
                variance += probe[a] * probe[a]
            doubt[query] = np.log(max(variance, 1e-6))
            query += 1
    return foretold, doubt


@compiled
def _habits(
    groups: NDArray[np.int64],
    asked: NDArray[np.int64],
    ends: NDArray[np.int64],
    starts: NDArray[np.int64],
    given: NDArray[np.int64],
    usual: NDArray[np.float64],
) -> NDArray[np.float64]:
    habits = np.empty((len(asked), len(usual)))
    counts = np.empty(len(usual))
    for group in range(len(groups) - 1):
        query, stop = groups[group], groups[group + 1]
        first = starts[asked[query]] if asked[query] >= 0 else 0
        counts[:] = 0.0
        total, position = 0.0, 0
        while query < stop:
            while position < ends[query]:
                counts *= _LEVEL_DECAY
                total = total * _LEVEL_DECAY + 1.0
                counts[given[first + position]] += 1.0
                position += 1
            for level in range(len(usual)):
                habits[query, level] = (counts[level] + _LEVEL_DAMPING * usual[level]) / (
                    total + _LEVEL_DAMPING
                )
            query += 1
    return habits
