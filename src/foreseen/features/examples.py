"""Training examples: each rating as of the moment before it and as of earlier moments.

A recommendation list is often computed long before its movies are watched. A model trained only
on queries one second before each rating depends on the user's most recent ratings, and its error
grows where these are not known. So each rating is also queried as of a random earlier moment of
its user and as of one day earlier.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded, encode
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.features.user_sample import in_sample

DAY: Final = 86_400
AT_RATING, AT_LIST, ONE_DAY_BEFORE = range(3)
"""Horizons: just before the rating, at a random earlier moment of the user, one day earlier."""


@dataclass(frozen=True)
class Examples:
    """N queries with their ratings, in the time order of the ratings.

    Attributes:
        queries: The queries, each as of a moment not later than its rating.
        encoded: Their features.
        rating: Stars, of shape N.
        given: The second of each rating, of shape N.
        horizon: How the moment of each query was chosen, of shape N; see `AT_RATING`.
    """

    queries: Queries
    encoded: Encoded
    rating: NDArray[np.float64]
    given: NDArray[np.int64]
    horizon: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.rating)

    def part(self, rows: slice) -> "Examples":
        """Return a run of the examples."""
        return Examples(
            self.queries.part(rows),
            self.encoded.part(rows),
            self.rating[rows],
            self.given[rows],
            self.horizon[rows],
        )

    def split(self, share: float) -> tuple["Examples", "Examples"]:
        """Split by time into the first `share` of the examples and the rest, between seconds."""
        moment = int(self.given[min(int(share * len(self)), len(self) - 1)])
        position = int(np.searchsorted(self.given, moment))
        return self.part(slice(0, position)), self.part(slice(position, len(self)))


def training_examples(log: InteractionLog, seed: int, share: float = 1.0) -> Examples:
    """Return three examples per rating, one for each horizon.

    The list moment is the second after one of the user's earlier ratings, drawn uniformly; the
    one-day query uses only ratings that are at least a day older.

    Args:
        log: The log.
        seed: Random seed.
        share: Share of the users whose ratings are used; see `user_sample`.
    """
    before = log.rating_queries().before
    moments = {
        AT_RATING: before,
        AT_LIST: _list_moments(log, np.random.default_rng(seed)),
        ONE_DAY_BEFORE: before - DAY + 1,
    }
    rows = np.flatnonzero(in_sample(log.users.ids, share)[log.user])
    return _examples(log, rows, {horizon: moment[rows] for horizon, moment in moments.items()})


def recent_examples(log: InteractionLog, since: int, until: int) -> Examples:
    """Return two examples, `AT_RATING` and `ONE_DAY_BEFORE`, per rating of a time span.

    Args:
        log: The log.
        since: First second of the span.
        until: First second after it.
    """
    first, stop = np.searchsorted(log.timestamp, [since, until])
    before = log.timestamp[first:stop]
    moments = {AT_RATING: before, ONE_DAY_BEFORE: before - DAY + 1}
    return _examples(log, np.arange(int(first), int(stop)), moments)


def _examples(
    log: InteractionLog, rows: NDArray[np.intp], moments: dict[int, NDArray[np.int64]]
) -> Examples:
    """Return one example per rating of some rows of the log and horizon, rating by rating."""
    part = log.rating_queries().part(rows)
    position = np.repeat(np.arange(len(part)), len(moments))
    before = np.stack(list(moments.values()), axis=1).reshape(-1)
    queries = Queries(part.history[position], part.user[position], part.movie[position], before)
    return Examples(
        queries,
        encode(log.view, queries),
        log.rating[rows][position],
        log.timestamp[rows][position],
        np.tile(np.array(list(moments), dtype=np.int8), len(part)),
    )


def _list_moments(log: InteractionLog, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return, for each rating, the second after an earlier one of its user, or their first."""
    order = np.argsort(log.user, kind="stable")
    times = log.timestamp[order]
    starts = log.histories.starts[log.user[order]]
    position = np.arange(len(order)) - starts
    length = np.floor(generator.random(len(order)) * (position + 1)).astype(np.int64)
    moment = np.where(length > 0, times[np.maximum(starts + length - 1, 0)] + 1, times[starts])
    before = np.empty(len(order), dtype=np.int64)
    before[order] = np.minimum(moment, times)
    return before
