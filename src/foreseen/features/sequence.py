"""What is watched after and near the movies of a history: co-watching in order, as of a moment.

Whoever rates one movie is likely to rate soon those that others rated soon after it. For each of
the latest movies of a history, the histories of others that hold it are looked up, and what stood
near it there is counted, the nearer the more (sequence-aware neighbours: Ludewig and Jannach,
2018). Nothing is stored but the log itself, so every rating counts at once and none before its
time.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compiled import compiled
from foreseen.features.timeline import Timeline
from foreseen.features.user_statistics import UserHistories

COMPANY: Final = (
    "follows_at_once",
    "follows_soon",
    "follows_soon_level",
    "follows_soon_newest",
    "follows",
    "follows_level",
    "near",
    "near_level",
    "near_flat",
    "near_newest",
)
"""Counts of what is watched at once after (the next), soon after (5), after (20) and near (50 on
either side). A history's movies count by 1 / age; in a level count by its root, in a flat one all
alike, and in the newest only the newest."""
WINDOW: Final = 50
AFTER: Final = 20
SOON: Final = 5
_LATEST: Final = 100
_OTHERS: Final = 500
"""Of a movie's ratings, how many of the latest are looked up."""
_DAMPING: Final = 5.0


def watched_with(
    log: Timeline, histories: UserHistories, history: int, before: int
) -> NDArray[np.float64]:
    """Return how much others watched each movie after, and near, those of a history.

    Args:
        log: Whose users are the others.
        histories: Where the history stands; may be that of a view.
        history: Its row there.
        before: Only ratings strictly older count, of the history and of the others.

    Returns:
        Weighted counts of shape C x 10, in the order of `COMPANY`; zero where nothing is known.
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
) -> NDArray[np.float64]:
    found = np.zeros((count, 10))
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
        flat = float(known / (known + _DAMPING) / (high - low))
        for row in range(low, high):
            place = places[row]
            owner = owners[place]
            first = max(user_starts[owner], place - WINDOW)
            stop = min(user_starts[owner + 1], place + WINDOW + 1)
            for other in range(first, stop):
                if times[other] >= before:
                    break
                if other == place:
                    continue
                _add(found[movie[other]], other - place, age, flat)
    return found


@compiled
def _add(counts: NDArray[np.float64], distance: int, age: int, flat: float) -> None:
    """Count one movie that stood `distance` after one watched `age` movies ago."""
    gain = flat / np.sqrt(abs(distance))
    level, weight = gain / np.sqrt(age + 1.0), gain / (age + 1.0)
    newest = gain if age == 0 else 0.0
    if distance == 1:
        counts[0] += weight
    if 0 < distance <= SOON:
        counts[1] += weight
        counts[2] += level
        counts[3] += newest
    if 0 < distance <= AFTER:
        counts[4] += weight
        counts[5] += level
    counts[6] += weight
    counts[7] += level
    counts[8] += gain
    counts[9] += newest
