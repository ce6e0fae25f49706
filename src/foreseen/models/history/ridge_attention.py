"""Ridge attention: a history is solved once per prefix, then evaluated for any movie."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cholesky import factorise, solve_lower, solve_upper
from foreseen.compute.jit import compiled
from foreseen.features.interaction_log import LogView
from foreseen.features.queries import Queries

_LEVEL_DECAY: Final = 0.98
_LEVEL_DAMPING: Final = 5.0


@dataclass(frozen=True)
class RidgeAttention:
    """Parameters of the attention.

    Attributes:
        keys: Keys of the movies; movies beyond the last use the last, of shape (C + 1) x D.
        ridge: Penalty on each coordinate, of shape D.
        prior: Coefficients of a user without history, of shape D.
    """

    keys: NDArray[np.float64]
    ridge: NDArray[np.float64]
    prior: NDArray[np.float64]


def attend(
    attention: RidgeAttention, view: LogView, queries: Queries
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the attention of N queries over their histories, and its log variance.

    It is the ridge regression of the history's residuals, before the moment, on their keys.
    """
    order, groups, ends = view.prefixes(queries)
    missing = len(view.catalogue) + 1 - len(attention.keys)
    keys = attention.keys
    if missing > 0:
        keys = np.concatenate([keys, np.repeat(keys[-1:], missing, axis=0)])
    histories = view.histories
    attended, log_variance = np.empty(len(queries)), np.empty(len(queries))
    found = _read(
        groups,
        queries.history[order].astype(np.int64),
        ends,
        queries.movie[order].astype(np.int64),
        histories.starts,
        histories.movie.astype(np.int64),
        histories.residual,
        keys,
        attention.ridge,
        attention.prior,
    )
    attended[order], log_variance[order] = found
    return attended, log_variance


def rating_level_frequencies(
    view: LogView,
    queries: Queries,
    levels: NDArray[np.float64],
    prior: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the frequency of each rating level for each user, recency-weighted, of shape N x L.

    Args:
        view: The view.
        queries: N queries.
        levels: The rating levels, ascending, of shape L.
        prior: Frequencies over all users, to which short histories are shrunk, of shape L.
    """
    order, groups, ends = view.prefixes(queries)
    histories = view.histories
    given = np.clip(np.searchsorted(levels, histories.rating), 0, len(levels) - 1)
    frequencies = np.empty((len(queries), len(levels)))
    history = queries.history[order].astype(np.int64)
    frequencies[order] = _level_frequencies(
        groups, history, ends, histories.starts, given.astype(np.int64), prior
    )
    return frequencies


@compiled
def _read(
    groups: NDArray[np.int64],
    history: NDArray[np.int64],
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
    attended, log_variance = np.zeros(len(history)), np.zeros(len(history))
    gram, factor = np.empty((size, size)), np.empty((size, size))
    moment, centre, probe = np.empty(size), np.empty(size), np.empty(size)
    for group in range(len(groups) - 1):
        query, stop = groups[group], groups[group + 1]
        first = starts[history[query]] if history[query] >= 0 else 0
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
                attended[query] += probe[a] * centre[a]
            solve_lower(factor, probe)
            variance = 0.0
            for a in range(size):
                variance += probe[a] * probe[a]
            log_variance[query] = np.log(max(variance, 1e-6))
            query += 1
    return attended, log_variance


@compiled
def _level_frequencies(
    groups: NDArray[np.int64],
    history: NDArray[np.int64],
    ends: NDArray[np.int64],
    starts: NDArray[np.int64],
    given: NDArray[np.int64],
    prior: NDArray[np.float64],
) -> NDArray[np.float64]:
    frequencies = np.empty((len(history), len(prior)))
    counts = np.empty(len(prior))
    for group in range(len(groups) - 1):
        query, stop = groups[group], groups[group + 1]
        first = starts[history[query]] if history[query] >= 0 else 0
        counts[:] = 0.0
        total, position = 0.0, 0
        while query < stop:
            while position < ends[query]:
                counts *= _LEVEL_DECAY
                total = total * _LEVEL_DECAY + 1.0
                counts[given[first + position]] += 1.0
                position += 1
            for level in range(len(prior)):
                frequencies[query, level] = (counts[level] + _LEVEL_DAMPING * prior[level]) / (
                    total + _LEVEL_DAMPING
                )
            query += 1
    return frequencies
