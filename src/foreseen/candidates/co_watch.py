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

from foreseen.compute.jit import compiled
from foreseen.features.interaction_log import Timeline
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
_LATEST: Final = 100


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
    own = histories.movie[first:end][::-1][:_LATEST]
    found = np.zeros((len(log.catalogue), len(COMPANY)))
    for age, item in enumerate(map(int, own)):
        if item >= 0:
            tally = log.companies.of(item, before)
            _add(found, tally.movies, tally.sums, age)
    return found


@compiled
def _add(
    counts: NDArray[np.float64],
    movies: NDArray[np.int32],
    sums: NDArray[np.float32],
    age: int,
) -> None:
    """Count the company of a movie watched `age` movies ago."""
    weight, level = 1 / (age + 1.0), 1 / np.sqrt(age + 1.0)
    newest = 1.0 if age == 0 else 0.0
    for n in range(len(movies)):
        own = counts[movies[n]]
        at_once, soon, after, near = sums[n, 0], sums[n, 1], sums[n, 2], sums[n, 3]
        own[0] += weight * at_once
        own[1] += weight * soon
        own[2] += level * soon
        own[3] += newest * soon
        own[4] += weight * after
        own[5] += level * after
        own[6] += weight * near
        own[7] += level * near
        own[8] += near
        own[9] += newest * near
