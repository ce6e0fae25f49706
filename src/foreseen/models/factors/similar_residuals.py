"""Means of a user's one-step residuals over the movies most similar to a queried movie.

They measure what the factors miss (residual correction by neighbours: Koren, 2008). Movies are
similar by the cosine of their vectors, by their genres, or by belonging to the same franchise.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.models.factors.residual_features import (
    FRANCHISE_KNOWN,
    RESIDUAL_FRANCHISE,
    RESIDUAL_GENRE,
    RESIDUAL_GENRE_RECENT,
    RESIDUAL_SIMILAR,
    RESIDUAL_SIMILAR_RECENT,
    RESIDUAL_SIMILAR_WEIGHT,
)

_LATEST: Final = 300
"""Latest ratings that are compared with the queried movie."""
_SIMILAR_DECAY: Final = 0.966
_SIMILAR_DAMPING: Final = 0.5
_SIMILAR_RECENT_DAMPING: Final = 0.3
_GENRE_DECAY: Final = 0.977
_GENRE_DAMPING: Final = 1.5
_GENRE_RECENT_DAMPING: Final = 1.0
_FRANCHISE_DAMPING: Final = 0.5
_LEAST_BLOCK: Final = 16
"""Least number of movies for which the vectorised loop is faster."""
_BLOCK: Final = 128


@compiled
def write_similar_residuals(
    items: NDArray[np.int64],
    vectors: NDArray[np.float64],
    genre_sets: NDArray[np.int32],
    genre_similarity: NDArray[np.float64],
    franchises: NDArray[np.int32],
    history_vectors: NDArray[np.float64],
    history_genre_sets: NDArray[np.int32],
    history_franchises: NDArray[np.int32],
    position: int,
    residual: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Write mean residuals of the latest movies, weighted by similarity to the queried movies.

    In the recent means the weight of a movie decays with each later rating.

    Args:
        items: Rows of the B queried movies in the catalogue of C movies.
        vectors: Unit vectors of all movies, of shape (C + 1) x R.
        genre_sets: Genre set of each movie, of shape C + 1.
        genre_similarity: Similarity of the K genre sets, of shape K x K, symmetric.
        franchises: Franchise of each movie, of shape C + 1.
        history_vectors: Unit vectors of the history's movies, of shape R x H.
        history_genre_sets: Their genre sets, of shape H.
        history_franchises: Their franchises, of shape H.
        position: Number of movies of the history that are known.
        residual: One-step residuals of the history, of shape H, in stars.
        values: Features to write into, of shape B x F.
    """
    if len(items) < _LEAST_BLOCK:
        for q in range(len(items)):
            item = items[q]
            _write_one(
                vectors[item], genre_similarity[genre_sets[item]], int(franchises[item]),
                history_vectors, history_genre_sets, history_franchises, position, residual,
                values[q],
            )  # fmt: skip
        return
    for first in range(0, len(items), _BLOCK):
        part = items[first : first + _BLOCK]
        _write_block(
            vectors[part], genre_sets[part], genre_similarity, franchises[part], history_vectors,
            history_genre_sets, history_franchises, position, residual,
            values[first : first + _BLOCK],
        )  # fmt: skip


@compiled
def _write_one(
    vector: NDArray[np.float64],
    genre_similarity: NDArray[np.float64],
    franchise: int,
    history_vectors: NDArray[np.float64],
    history_genre_sets: NDArray[np.int32],
    history_franchises: NDArray[np.int32],
    position: int,
    residual: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Write the features of one movie, given its similarity to all genre sets, of shape K."""
    similar, similar_weight, similar_recent, similar_recent_weight = 0.0, 0.0, 0.0, 0.0
    genre, genre_weight, genre_recent, genre_recent_weight = 0.0, 0.0, 0.0, 0.0
    same_franchise, franchise_count = 0.0, 0.0
    similar_decay, genre_decay = 1.0, 1.0
    begin = max(position - _LATEST, 0)
    cosines = np.zeros(position - begin)
    for a in range(len(vector)):
        for n in range(position - begin):
            cosines[n] += vector[a] * history_vectors[a, begin + n]
    for row in range(position - 1, begin - 1, -1):
        cosine = cosines[row - begin]
        if cosine > 0:
            weight = cosine * cosine
            similar += weight * residual[row]
            similar_weight += weight
            weight *= cosine * similar_decay
            similar_recent += weight * residual[row]
            similar_recent_weight += weight
        weight = genre_similarity[history_genre_sets[row]]
        if weight > 0:
            genre += weight * residual[row]
            genre_weight += weight
            weight *= genre_decay
            genre_recent += weight * residual[row]
            genre_recent_weight += weight
        if history_franchises[row] == franchise:
            same_franchise += residual[row]
            franchise_count += 1.0
        similar_decay *= _SIMILAR_DECAY
        genre_decay *= _GENRE_DECAY
    values[RESIDUAL_SIMILAR] = similar / (similar_weight + _SIMILAR_DAMPING)
    values[RESIDUAL_GENRE] = genre / (genre_weight + _GENRE_DAMPING)
    values[RESIDUAL_SIMILAR_WEIGHT] = np.log1p(similar_weight)
    values[RESIDUAL_SIMILAR_RECENT] = similar_recent / (
        similar_recent_weight + _SIMILAR_RECENT_DAMPING
    )
    values[RESIDUAL_GENRE_RECENT] = genre_recent / (genre_recent_weight + _GENRE_RECENT_DAMPING)
    values[RESIDUAL_FRANCHISE] = same_franchise / (franchise_count + _FRANCHISE_DAMPING)
    values[FRANCHISE_KNOWN] = np.log1p(franchise_count)


@compiled
def _write_block(
    vectors: NDArray[np.float64],
    genre_sets: NDArray[np.int32],
    genre_similarity: NDArray[np.float64],
    franchises: NDArray[np.int32],
    history_vectors: NDArray[np.float64],
    history_genre_sets: NDArray[np.int32],
    history_franchises: NDArray[np.int32],
    position: int,
    residual: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Write the features of B movies, given the vector, genre set and franchise of each.

    The results equal those of `_write_one` bit for bit. The sums of all movies are accumulated
    side by side and without branches, so that the compiler can vectorise them.
    """
    count = len(genre_sets)
    by_factor = np.ascontiguousarray(vectors.T)
    similar, similar_weight = np.zeros(count), np.zeros(count)
    similar_recent, similar_recent_weight = np.zeros(count), np.zeros(count)
    genre, genre_weight = np.zeros(count), np.zeros(count)
    genre_recent, genre_recent_weight = np.zeros(count), np.zeros(count)
    same_franchise, franchise_count = np.zeros(count), np.zeros(count)
    cosine, weight = np.empty(count), np.empty(count)
    similar_decay, genre_decay = 1.0, 1.0
    for row in range(position - 1, max(position - _LATEST, 0) - 1, -1):
        value = residual[row]
        cosine[:] = 0.0
        for a in range(len(by_factor)):
            factor, factors = history_vectors[a, row], by_factor[a]
            for q in range(count):
                cosine[q] += factors[q] * factor
        for q in range(count):
            positive = max(cosine[q], 0.0)
            square = positive * positive
            similar[q] += square * value
            similar_weight[q] += square
            recent = square * (positive * similar_decay)
            similar_recent[q] += recent * value
            similar_recent_weight[q] += recent
        similarity = genre_similarity[history_genre_sets[row]]
        for q in range(count):
            weight[q] = max(similarity[genre_sets[q]], 0.0)
        for q in range(count):
            genre[q] += weight[q] * value
            genre_weight[q] += weight[q]
            recent = weight[q] * genre_decay
            genre_recent[q] += recent * value
            genre_recent_weight[q] += recent
        for q in range(count):
            same = 1.0 if franchises[q] == history_franchises[row] else 0.0
            same_franchise[q] += same * value
            franchise_count[q] += same
        similar_decay *= _SIMILAR_DECAY
        genre_decay *= _GENRE_DECAY
    for q in range(count):
        row_values = values[q]
        row_values[RESIDUAL_SIMILAR] = similar[q] / (similar_weight[q] + _SIMILAR_DAMPING)
        row_values[RESIDUAL_GENRE] = genre[q] / (genre_weight[q] + _GENRE_DAMPING)
        row_values[RESIDUAL_SIMILAR_WEIGHT] = np.log1p(similar_weight[q])
        row_values[RESIDUAL_SIMILAR_RECENT] = similar_recent[q] / (
            similar_recent_weight[q] + _SIMILAR_RECENT_DAMPING
        )
        row_values[RESIDUAL_GENRE_RECENT] = genre_recent[q] / (
            genre_recent_weight[q] + _GENRE_RECENT_DAMPING
        )
        row_values[RESIDUAL_FRANCHISE] = same_franchise[q] / (
            franchise_count[q] + _FRANCHISE_DAMPING
        )
        row_values[FRANCHISE_KNOWN] = np.log1p(franchise_count[q])
