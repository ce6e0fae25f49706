"""From which moments the models learn: the one just before a rating, and earlier ones.

A list made ahead is asked for long before its movies are watched. Were the models trained only
on what is known a second before each rating, they would lean on the mood of the minute and fail
where it is gone. So each rating is also asked for from a random earlier moment of its user.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded, encode
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline

DAY: Final = 86_400


@dataclass(frozen=True)
class Examples:
    """N questions with their answers, in the time order of the answers.

    Attributes:
        queries: The questions, each as of a moment not later than its answer.
        encoded: Their features.
        rating: The answers, in stars, of shape N.
        given: When each answer was given, of shape N.
    """

    queries: Queries
    encoded: Encoded
    rating: NDArray[np.float64]
    given: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rating)

    def part(self, rows: slice) -> "Examples":
        """Return a run of the examples."""
        encoded = self.encoded.part(rows)
        return Examples(self.queries.part(rows), encoded, self.rating[rows], self.given[rows])

    def split(self, share: float) -> tuple["Examples", "Examples"]:
        """Split by time: the first `share` of the examples, and those later, never in between."""
        moment = int(self.given[min(int(share * len(self)), len(self) - 1)])
        place = int(np.searchsorted(self.given, moment))
        return self.part(slice(0, place)), self.part(slice(place, len(self)))


def training_examples(timeline: Timeline, seed: int) -> Examples:
    """Return every rating as three questions: asked at once, for a list, and a day ahead.

    A list is asked for the second after one of the user's earlier ratings, chosen uniformly;
    what is asked a day ahead knows only what is at least a day older than the answer.
    """
    own = timeline.own_queries()
    moments = [
        own.before,
        _list_moments(timeline, np.random.default_rng(seed)),
        own.before - DAY + 1,
    ]
    place = np.repeat(np.arange(len(own)), len(moments))
    before = np.stack(moments, axis=1).reshape(-1)
    queries = Queries(own.history[place], own.user[place], own.movie[place], before)
    return Examples(
        queries, encode(timeline, queries), timeline.rating[place], timeline.timestamp[place]
    )


def recent_examples(timeline: Timeline, since: int, until: int) -> Examples:
    """Return the ratings given within a span as two questions each: at once, and a day ahead.

    Args:
        timeline: What is known.
        since: First second of the span.
        until: First second after it.
    """
    first, stop = np.searchsorted(timeline.timestamp, [since, until])
    own = timeline.own_queries().part(slice(int(first), int(stop)))
    place = np.repeat(np.arange(len(own)), 2)
    before = np.stack([own.before, own.before - DAY + 1], axis=1).reshape(-1)
    queries = Queries(own.history[place], own.user[place], own.movie[place], before)
    given = own.before[place]
    return Examples(queries, encode(timeline, queries), timeline.rating[first + place], given)


def _list_moments(timeline: Timeline, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return, for each rating, the second after an earlier one of its user, or their first."""
    order = np.argsort(timeline.user, kind="stable")
    times = timeline.timestamp[order]
    starts = timeline.histories.starts[timeline.user[order]]
    position = np.arange(len(order)) - starts
    length = np.floor(generator.random(len(order)) * (position + 1)).astype(np.int64)
    moment = np.where(length > 0, times[np.maximum(starts + length - 1, 0)] + 1, times[starts])
    before = np.empty(len(order), dtype=np.int64)
    before[order] = np.minimum(moment, times)
    return before
