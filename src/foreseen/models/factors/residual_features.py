"""Innovations: what each of a user's ratings was less what the factors had foretold of it.

Moving means of them are the user's mood; those of similar movies tell what the factors miss.
Everything here is called from the walk over a history (`foreseen.models.factors.fold_in`).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

FOLD_IN_FEATURES: Final = (
    "factor_spread",
    "residual_last",
    "residual_fast",
    "residual_medium",
    "residual_slow",
    "residual_mean",
    "residual_size",
    "residual_similar",
    "residual_genre",
    "residual_similar_weight",
    "residual_similar_recent",
    "residual_genre_recent",
    "residual_popularity",
    "year_gap",
    "popularity_gap",
    "residual_franchise",
    "franchise_known",
)
TRACES: Final = 11
"""Running sums of a history: three moving means (sum, weight), the total of the innovations and
of their sizes, and of popularity, its square and its product with the innovation."""
_DECAYS: Final = (0.7, 0.87, 0.966)
_MEMORY: Final = 300
"""Latest ratings that are compared with the movie asked about."""
_SIMILAR_DECAY: Final = 0.966
_GENRE_DECAY: Final = 0.977
_MANY: Final = 16
"""Movies from which on they are quicker compared side by side than one by one."""
_SIDE_BY_SIDE: Final = 128


@compiled
def trace(traces: NDArray[np.float64], innovation: float, popularity: float) -> None:
    """Let one rating into the running sums."""
    for speed in range(3):
        traces[2 * speed] = traces[2 * speed] * _DECAYS[speed] + innovation
        traces[2 * speed + 1] = traces[2 * speed + 1] * _DECAYS[speed] + 1.0
    traces[6] += innovation
    traces[7] += abs(innovation)
    traces[8] += popularity
    traces[9] += popularity * popularity
    traces[10] += popularity * innovation


@compiled
def read_mood(
    traces: NDArray[np.float64],
    position: int,
    innovation: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Write the features of the user's mood after `position` ratings."""
    if position > 0:
        values[1] = innovation[position - 1]
    for speed in range(3):
        values[2 + speed] = traces[2 * speed] / (traces[2 * speed + 1] + 0.7)
    values[5] = traces[6] / (position + 5.0)
    values[6] = (traces[7] + 4.0) / (position + 5.0)


@compiled
def read_habits(
    traces: NDArray[np.float64],
    position: int,
    year_gap: float,
    popularity_gap: float,
    values: NDArray[np.float64],
) -> None:
    """Write how the movie differs from those the user watches, and what that has meant so far."""
    values[13] = year_gap
    values[14] = popularity_gap
    if position > 0:
        mean = traces[8] / position
        spread = traces[9] / position - mean * mean + 0.15 + 1.5 / position
        slope = (traces[10] - mean * traces[6]) / position / spread
        values[12] = slope * popularity_gap


@compiled
def compare(
    items: NDArray[np.int64],
    likeness: NDArray[np.float64],
    kinds: NDArray[np.int32],
    kind_likeness: NDArray[np.float64],
    series: NDArray[np.int32],
    seen: NDArray[np.float64],
    seen_kinds: NDArray[np.int32],
    seen_series: NDArray[np.int32],
    position: int,
    innovation: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Write mean innovations of the latest movies, weighed by likeness to those asked about.

    They are alike in factors, in genres, or for being of the same series. In the recent means a
    movie watched d ratings ago counts decayed in d.

    Args:
        items: The B movies asked about.
        likeness: Factors of all movies, of length one each.
        kinds: The kind of each.
        kind_likeness: Likeness of kinds in genres, symmetric.
        series: The series each is of.
        seen: Factors of the history's movies, side by side.
        seen_kinds: Their kinds.
        seen_series: Their series.
        position: How many of them there are.
        innovation: What each was less what had been foretold.
        values: To write into, of shape B x F.
    """
    if len(items) < _MANY:
        for q in range(len(items)):
            item = items[q]
            _compare_one(
                likeness[item], kind_likeness[kinds[item]], int(series[item]),
                seen, seen_kinds, seen_series, position, innovation, values[q],
            )  # fmt: skip
        return
    for first in range(0, len(items), _SIDE_BY_SIDE):
        part = items[first : first + _SIDE_BY_SIDE]
        _compare_side_by_side(
            likeness[part], kinds[part], kind_likeness, series[part], seen, seen_kinds,
            seen_series, position, innovation, values[first : first + _SIDE_BY_SIDE],
        )  # fmt: skip


@compiled
def _compare_one(
    own: NDArray[np.float64],
    own_kind: NDArray[np.float64],
    own_series: int,
    seen: NDArray[np.float64],
    seen_kinds: NDArray[np.int32],
    seen_series: NDArray[np.int32],
    position: int,
    innovation: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Do it for one movie, given its factors, its likeness in genres to all kinds, its series."""
    near, near_weight, near_recent, near_recent_weight = 0.0, 0.0, 0.0, 0.0
    alike, alike_weight, alike_recent, alike_recent_weight = 0.0, 0.0, 0.0, 0.0
    series, series_count = 0.0, 0.0
    similar_decay, genre_decay = 1.0, 1.0
    begin = max(position - _MEMORY, 0)
    cosines = np.zeros(position - begin)
    for a in range(len(own)):
        for n in range(position - begin):
            cosines[n] += own[a] * seen[a, begin + n]
    for back in range(position - 1, begin - 1, -1):
        cosine = cosines[back - begin]
        if cosine > 0:
            weight = cosine * cosine
            near += weight * innovation[back]
            near_weight += weight
            weight *= cosine * similar_decay
            near_recent += weight * innovation[back]
            near_recent_weight += weight
        weight = own_kind[seen_kinds[back]]
        if weight > 0:
            alike += weight * innovation[back]
            alike_weight += weight
            weight *= genre_decay
            alike_recent += weight * innovation[back]
            alike_recent_weight += weight
        if seen_series[back] == own_series:
            series += innovation[back]
            series_count += 1.0
        similar_decay *= _SIMILAR_DECAY
        genre_decay *= _GENRE_DECAY
    values[7] = near / (near_weight + 0.5)
    values[8] = alike / (alike_weight + 1.5)
    values[9] = np.log1p(near_weight)
    values[10] = near_recent / (near_recent_weight + 0.3)
    values[11] = alike_recent / (alike_recent_weight + 1.0)
    values[15] = series / (series_count + 0.5)
    values[16] = np.log1p(series_count)


@compiled
def _compare_side_by_side(
    likeness: NDArray[np.float64],
    kinds: NDArray[np.int32],
    kind_likeness: NDArray[np.float64],
    series: NDArray[np.int32],
    seen: NDArray[np.float64],
    seen_kinds: NDArray[np.int32],
    seen_series: NDArray[np.int32],
    position: int,
    innovation: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Do it for B movies, given the factors, kind and series of each.

    The sums are those of `_compare_one`, to the bit, taken for all movies at once and without a
    branch, so that they fill the width of the processor.
    """
    count = len(kinds)
    own = np.ascontiguousarray(likeness.T)
    near, near_weight = np.zeros(count), np.zeros(count)
    near_recent, near_recent_weight = np.zeros(count), np.zeros(count)
    alike, alike_weight = np.zeros(count), np.zeros(count)
    alike_recent, alike_recent_weight = np.zeros(count), np.zeros(count)
    of_series, series_count = np.zeros(count), np.zeros(count)
    cosine, weight = np.empty(count), np.empty(count)
    similar_decay, genre_decay = 1.0, 1.0
    for back in range(position - 1, max(position - _MEMORY, 0) - 1, -1):
        surprise = innovation[back]
        cosine[:] = 0.0
        for a in range(len(own)):
            factor, row = seen[a, back], own[a]
            for q in range(count):
                cosine[q] += row[q] * factor
        for q in range(count):
            positive = max(cosine[q], 0.0)
            square = positive * positive
            near[q] += square * surprise
            near_weight[q] += square
            recent = square * (positive * similar_decay)
            near_recent[q] += recent * surprise
            near_recent_weight[q] += recent
        kind = kind_likeness[seen_kinds[back]]
        for q in range(count):
            weight[q] = max(kind[kinds[q]], 0.0)
        for q in range(count):
            alike[q] += weight[q] * surprise
            alike_weight[q] += weight[q]
            recent = weight[q] * genre_decay
            alike_recent[q] += recent * surprise
            alike_recent_weight[q] += recent
        for q in range(count):
            same = 1.0 if series[q] == seen_series[back] else 0.0
            of_series[q] += same * surprise
            series_count[q] += same
        similar_decay *= _SIMILAR_DECAY
        genre_decay *= _GENRE_DECAY
    for q in range(count):
        values[q, 7] = near[q] / (near_weight[q] + 0.5)
        values[q, 8] = alike[q] / (alike_weight[q] + 1.5)
        values[q, 9] = np.log1p(near_weight[q])
        values[q, 10] = near_recent[q] / (near_recent_weight[q] + 0.3)
        values[q, 11] = alike_recent[q] / (alike_recent_weight[q] + 1.0)
        values[q, 15] = of_series[q] / (series_count[q] + 0.5)
        values[q, 16] = np.log1p(series_count[q])
