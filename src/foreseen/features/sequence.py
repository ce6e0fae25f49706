"""What people watch next: co-watching in order, counted as of the moment.

Whoever rates one movie is likely to rate soon those that others rated soon after it. For each of
the latest movies of a history, the histories of others that hold it are looked up, and what stood
near it there is counted, the nearer the more (sequence-aware neighbours: Ludewig and Jannach,
2018). Nothing is stored but the log itself, so every rating counts at once and none before its
time.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compiled import compiled
from foreseen.features import movie_statistics as movies_at
from foreseen.features.timeline import Timeline
from foreseen.features.user_statistics import UserHistories

WINDOW: Final = 50
"""Ratings on either side that count as near."""
AFTER: Final = 20
"""Ratings afterwards that count as following."""
_LATEST: Final = 100
_OTHERS: Final = 500
"""Of a movie's ratings, how many of the latest are looked up."""
_DAMPING: Final = 5.0
_RARITY: Final = 0.3
_UNSEEN: Final = 0.01
_NEXT_POPULAR: Final = 0.01
_NEAR_POPULAR: Final = 0.3


@dataclass(frozen=True)
class WatchShares:
    """What B users may watch; arrays of shape B x (C + 1), the last movie being the unknown one.

    Attributes:
        next: Share of each movie in what they watch next.
        near: Share of each movie in what is watched near their latest ones, or at present.
    """

    next: NDArray[np.float64]
    near: NDArray[np.float64]

    @classmethod
    def of(cls, log: Timeline, view: Timeline, count: int, before: int) -> "WatchShares":
        """Return the shares for the first `count` histories of a view of a log, as of a moment.

        Counts are divided by a small power of the movie's views, so that what everybody watches
        anyway does not hide what follows from this history; a newcomer's shares are those of
        recent popularity.
        """
        size = len(log.catalogue)
        moment = np.full(size, before, dtype=np.int64)
        states, _ = log.movies.before(np.arange(size, dtype=np.int32), moment)
        popular = _share(states[:, movies_at.RECENT_COUNT] + _UNSEEN)
        rarity = (states[:, movies_at.COUNT] + 1) ** _RARITY
        follows, near = np.zeros((count, size + 1)), np.zeros((count, size + 1))
        for row in range(count):
            after, around = watched_next(log, view.histories, row, before)
            follows[row, :-1] = _share(_share(after / rarity) + _NEXT_POPULAR * popular)
            near[row, :-1] = _share(_share(around / rarity) + _NEAR_POPULAR * popular)
        return cls(follows, near)


def _share(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts / max(float(counts.sum()), 1e-12)


def watched_next(
    log: Timeline, histories: UserHistories, history: int, before: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much others watched each movie after, and near, those of a history.

    Args:
        log: Whose users are the others.
        histories: Where the history stands; may be that of a view.
        history: Its row there.
        before: Only ratings strictly older count, of the history and of the others.

    Returns:
        Two arrays of shape C: weighted counts after and near, zero where nothing is known.
    """
    end = int(histories.ends(np.array([history], np.int32), np.array([before], np.int64))[0])
    first = int(histories.starts[history])
    own = histories.movie[first:end][::-1][:_LATEST].astype(np.int64)
    starts, places, owners = log.by_movie
    return _count(
        own, starts, places, owners, log.histories.starts, log.histories.movie,
        log.histories.times, before, len(log.catalogue),
    )  # fmt: skip


@compiled
def _count(
    own: NDArray[np.int64],
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    owners: NDArray[np.int64],
    user_starts: NDArray[np.int64],
    movie: NDArray[np.int32],
    times: NDArray[np.int64],
    before: int,
    count: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    after = np.zeros(count)
    near = np.zeros(count)
    for age in range(len(own)):
        if own[age] < 0:
            continue
        low, high = starts[own[age]], starts[own[age] + 1]
        while high > low and times[places[high - 1]] >= before:
            high -= 1
        known = high - low
        if known == 0:
            continue
        low = max(low, high - _OTHERS)
        weight = 1.0 / (age + 1.0) / (known + _DAMPING) * known / (high - low)
        for row in range(low, high):
            place = places[row]
            owner = owners[place]
            stop = min(user_starts[owner + 1], place + WINDOW + 1)
            for other in range(place + 1, stop):
                if times[other] >= before:
                    break
                gain = weight / np.sqrt(other - place)
                near[movie[other]] += gain
                if other - place <= AFTER:
                    after[movie[other]] += gain
            for other in range(max(user_starts[owner], place - WINDOW), place):
                near[movie[other]] += weight / np.sqrt(place - other)
    return after, near
