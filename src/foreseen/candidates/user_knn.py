"""User-based nearest neighbours: what users with similar histories watched and liked.

Two users are similar by the movies both have rated. A shared movie counts less the more users
have rated it, the longer ago the user rated it, and the less their ratings agree; the similarity
is normalised by the length of the neighbour's history (user-based collaborative filtering:
Herlocker et al., 1999). Similarities are computed from the log itself as of the moment.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.interaction_log import InteractionLog

KNN_FEATURES: Final = ("knn", "knn_liked", "knn_nearest", "knn_nearest_liked")
"""Similarity-weighted counts of the neighbours who watched a movie, and the same weighted by
rating less the neighbour's mean; over all neighbours and over the nearest."""
_COUNT, _LIKED, _NEAREST_COUNT, _NEAREST_LIKED = range(4)
_NEIGHBOURS: Final = 150
_NEAREST: Final = 25
_LATEST: Final = 300
_RATINGS: Final = 500
"""Latest ratings of a movie that are searched."""
_AGING: Final = -0.25
_AGREEMENT: Final = 0.5
_MIDDLE: Final = 3.5
_LENGTH: Final = 0.2
_LENGTH_DAMPING: Final = 5.0


def knn_features(
    log: InteractionLog, watched: NDArray[np.int32], rating: NDArray[np.float64], before: int
) -> NDArray[np.float64]:
    """Return the neighbours' counts of every movie, of shape C x 4: `KNN_FEATURES`.

    The user may be in the log: movies of the history are set to zero.

    Args:
        log: The log of the neighbours.
        watched: Rows of the history's movies, oldest first, of shape H.
        rating: Their ratings, of shape H.
        before: Only ratings strictly older count.
    """
    similar, similarity = nearest_users(log, watched, rating, before)
    histories = log.histories
    counts = np.zeros((len(log.catalogue), len(KNN_FEATURES)))
    found = np.empty(len(log.catalogue), dtype=np.int32)
    count_watched(
        similar, similarity, histories.starts, histories.movie, histories.rating,
        histories.times, before, counts, found,
    )  # fmt: skip
    counts[watched] = 0.0
    return counts


def nearest_users(
    log: InteractionLog, watched: NDArray[np.int32], rating: NDArray[np.float64], before: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the nearest neighbours, most similar first, and their similarities.

    For the arguments see `knn_features`.
    """
    histories = log.histories
    centred = rating - rating.mean() if len(rating) else rating
    similarity = _similarities(
        watched[-_LATEST:].astype(np.int64), centred[-_LATEST:], *log.by_movie,
        histories.starts, histories.rating, histories.times, before,
    )  # fmt: skip
    similar = np.flatnonzero(similarity)
    if len(similar) > _NEIGHBOURS:
        least = np.partition(similarity[similar], -_NEIGHBOURS)[-_NEIGHBOURS]
        similar = similar[similarity[similar] >= least]
    # Ties by user id: rows depend on the order in which a log was extended.
    similar = similar[np.lexsort((log.users.ids[similar], -similarity[similar]))]
    return similar, similarity[similar]


@compiled
def _similarities(
    watched: NDArray[np.int64],
    centred: NDArray[np.float64],
    starts: NDArray[np.int64],
    positions: NDArray[np.int64],
    users: NDArray[np.int64],
    user_starts: NDArray[np.int64],
    rating: NDArray[np.float64],
    times: NDArray[np.int64],
    before: int,
) -> NDArray[np.float64]:
    """Return the similarity of every user of a log, of shape U; zero without a shared movie."""
    found = np.zeros(len(user_starts) - 1)
    for row in range(len(watched)):
        first, stop = starts[watched[row]], starts[watched[row] + 1]
        while stop > first and times[positions[stop - 1]] >= before:
            stop -= 1
        weight = float(len(watched) - row) ** _AGING / np.log(2.0 + stop - first)
        for position in positions[max(first, stop - _RATINGS) : stop]:
            agreement = centred[row] * (rating[position] - _MIDDLE)
            found[users[position]] += weight * max(1.0 + _AGREEMENT * agreement, 0.0)
    for user in range(len(found)):
        if found[user] > 0:
            first, stop = user_starts[user], user_starts[user + 1]
            known = np.searchsorted(times[first:stop], before)
            found[user] /= (known + _LENGTH_DAMPING) ** _LENGTH
    return found


@compiled
def count_watched(
    similar: NDArray[np.int64],
    similarity: NDArray[np.float64],
    user_starts: NDArray[np.int64],
    movie: NDArray[np.int32],
    rating: NDArray[np.float64],
    times: NDArray[np.int64],
    before: int,
    counts: NDArray[np.float64],
    found: NDArray[np.int32],
) -> int:
    """Add the counts over neighbours, most similar first, to `counts`, zeros of shape C x 4.

    Returns:
        The number of movies with counts; their rows are written into `found`, of shape C.
    """
    size = 0
    for rank in range(len(similar)):
        first, last = user_starts[similar[rank]], user_starts[similar[rank] + 1]
        stop = first + np.searchsorted(times[first:last], before)
        mean = rating[first:stop].mean()
        for position in range(first, stop):
            row = counts[movie[position]]
            if row[_COUNT] == 0.0:
                found[size] = movie[position]
                size += 1
            liked = similarity[rank] * (rating[position] - mean)
            row[_COUNT] += similarity[rank]
            row[_LIKED] += liked
            if rank < _NEAREST:
                row[_NEAREST_COUNT] += similarity[rank]
                row[_NEAREST_LIKED] += liked
    return size
