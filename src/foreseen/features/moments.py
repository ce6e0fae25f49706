"""From which moments the models learn: the one just before a rating, and earlier ones.

A list made ahead is asked for long before its movies are watched. Were the models trained only
on what is known a second before each rating, they would lean on the mood of the minute and fail
where it is gone. So each rating is also asked for from a random earlier moment of its user.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foreseen.features.encode import Encoded, encode
from foreseen.features.timeline import Queries, Timeline


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
        encoded = Encoded(self.encoded.expected[rows], self.encoded.values[rows])
        return Examples(self.queries.part(rows), encoded, self.rating[rows], self.given[rows])

    def split(self, share: float) -> tuple["Examples", "Examples"]:
        """Split by time: the first `share` of the examples, and those later, never in between."""
        moment = int(self.given[min(int(share * len(self)), len(self) - 1)])
        place = int(np.searchsorted(self.given, moment))
        return self.part(slice(0, place)), self.part(slice(place, len(self)))


def training_examples(timeline: Timeline, seed: int, ahead: int = 1) -> Examples:
    """Return every rating as a question asked just before it, and `ahead` times earlier.

    An earlier moment is that of one of the user's ratings up to this one, chosen uniformly.
    """
    generator = np.random.default_rng(seed)
    own = timeline.own_queries()
    moments = [own.before, *(_earlier(timeline, generator) for _ in range(ahead))]
    place = np.repeat(np.arange(len(own)), len(moments))
    before = np.stack(moments, axis=1).reshape(-1)
    queries = Queries(own.history[place], own.user[place], own.movie[place], before)
    return Examples(
        queries, encode(timeline, queries), timeline.rating[place], timeline.timestamp[place]
    )


def _earlier(timeline: Timeline, generator: np.random.Generator) -> NDArray[np.int64]:
    order = np.argsort(timeline.user, kind="stable")
    starts = timeline.histories.starts[timeline.user[order]]
    position = np.arange(len(order)) - starts
    chosen = starts + np.floor(generator.random(len(order)) * (position + 1)).astype(np.int64)
    before = np.empty(len(order), dtype=np.int64)
    before[order] = timeline.timestamp[order][chosen]
    return before
