"""What those have watched and liked whose histories are most like one's own, as of a moment.

Two users are alike by the movies both have rated: a movie counts for the less the more have rated
it, the longer ago the asker rated it, and the less both agree on it; and a long history is not like
everybody's (user-based collaborative filtering: Herlocker et al., 1999). Nothing is stored but the
log itself, so every rating counts at once and none before its time.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.interaction_log import Timeline

NEIGHBOURS: Final = (
    "neighbours",
    "neighbours_liked",
    "neighbours_nearest",
    "neighbours_nearest_liked",
)
"""How many of the neighbours have watched a movie and how much more than their mean they liked it,
each counting as much as they are alike; of all of them and of the nearest."""
_NEIGHBOURS: Final = 150
_NEAREST: Final = 25
_LATEST: Final = 300
_RATERS: Final = 500
"""Of a movie's ratings, how many of the latest are looked up."""
_AGING: Final = -0.25
_AGREEMENT: Final = 0.5
_MIDDLE: Final = 3.5
_LENGTH: Final = 0.2
_LENGTH_DAMPING: Final = 5.0


def neighbours_of(
    log: Timeline, watched: NDArray[np.int32], rating: NDArray[np.float64], before: int
) -> NDArray[np.float64]:
    """Return what a history's neighbours say of every movie, of shape C x 4: `NEIGHBOURS`.

    Who asks may be in the log: they have watched nothing but what they have watched.

    Args:
        log: Whose users may be neighbours.
        watched: Rows of the history's movies, oldest first, of shape H.
        rating: What they were given, of shape H.
        before: Only what was rated strictly earlier counts.
    """
    starts, places, owners = log.by_movie
    own = log.histories
    leaning = rating - rating.mean() if len(rating) else rating
    likeness = _likeness(
        watched[-_LATEST:].astype(np.int64), leaning[-_LATEST:], starts, places, owners,
        own.starts, own.rating, own.times, before,
    )  # fmt: skip
    alike = np.flatnonzero(likeness)
    if len(alike) > _NEIGHBOURS:
        least = np.partition(likeness[alike], -_NEIGHBOURS)[-_NEIGHBOURS]
        alike = alike[likeness[alike] >= least]
    # By ids where two are as like: rows depend on the steps in which a log was observed.
    alike = alike[np.lexsort((log.users.ids[alike], -likeness[alike]))]
    found = _votes(
        alike, likeness[alike], own.starts, own.movie, own.rating, own.times, before,
        len(log.catalogue),
    )  # fmt: skip
    found[watched] = 0.0
    return found


@compiled
def _likeness(
    watched: NDArray[np.int64],
    leaning: NDArray[np.float64],
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    owners: NDArray[np.int64],
    user_starts: NDArray[np.int64],
    rating: NDArray[np.float64],
    times: NDArray[np.int64],
    before: int,
) -> NDArray[np.float64]:
    """Return how like every user of a log is, of shape U; zero where nothing is in common."""
    found = np.zeros(len(user_starts) - 1)
    for row in range(len(watched)):
        first, stop = starts[watched[row]], starts[watched[row] + 1]
        while stop > first and times[places[stop - 1]] >= before:
            stop -= 1
        weight = float(len(watched) - row) ** _AGING / np.log(2.0 + stop - first)
        for place in places[max(first, stop - _RATERS) : stop]:
            agreement = leaning[row] * (rating[place] - _MIDDLE)
            found[owners[place]] += weight * max(1.0 + _AGREEMENT * agreement, 0.0)
    for user in range(len(found)):
        if found[user] > 0:
            first, stop = user_starts[user], user_starts[user + 1]
            known = np.searchsorted(times[first:stop], before)
            found[user] /= (known + _LENGTH_DAMPING) ** _LENGTH
    return found


@compiled
def _votes(
    alike: NDArray[np.int64],
    likeness: NDArray[np.float64],
    user_starts: NDArray[np.int64],
    movie: NDArray[np.int32],
    rating: NDArray[np.float64],
    times: NDArray[np.int64],
    before: int,
    count: int,
) -> NDArray[np.float64]:
    """Count what users have watched and liked, most alike first, of shape count x 4."""
    found = np.zeros((count, 4))
    for rank in range(len(alike)):
        first, last = user_starts[alike[rank]], user_starts[alike[rank] + 1]
        stop = first + np.searchsorted(times[first:last], before)
        mean = rating[first:stop].mean()
        for place in range(first, stop):
            own, liked = found[movie[place]], likeness[rank] * (rating[place] - mean)
            own[0] += likeness[rank]
            own[1] += liked
            if rank < _NEAREST:
                own[2] += likeness[rank]
                own[3] += liked
    return found
