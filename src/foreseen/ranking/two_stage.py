"""Ranking for one person at once: everything at a glance, the best of it in full.

The factors, with what the whole model lays on them for anybody, tell in a moment about how every
movie will be liked; the whole model is asked only of those that may lead. A movie is left out only
if, raised by more than the largest correction met among those asked, it still could not reach the
ranking; else more are asked. Movies of a series of which the person has rated one are corrected
like no others, so all of them are asked.
"""

import threading
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features.queries import History, Queries
from foreseen.data.identifiers import UNKNOWN
from foreseen.models.base import Model, Scores, next_movies
from foreseen.models.predictor import Outlining
from foreseen.ranking.recommend import WORTH, By, rank

_FIRST: Final = 320
_FIRST_EACH: Final = 10
"""Movies asked first for each that is ranked, where that is more."""
_MORE: Final = 2
_BLOCK: Final = 64
"""Movies are asked about in whole blocks: PyTorch compiles anew for each number of them, and keeps
what it has compiled."""
_MARGIN: Final = 1.3
"""Corrections up to so many times as far above their mean as the largest met are reckoned with."""


class Shortlist:
    """What is known of one person's scores; more of it is worked out as it is asked for."""

    def __init__(self, model: Model, history: History, before: int) -> None:
        self._model = model
        self._before = before
        self._lock = threading.Lock()
        timeline = model.timeline
        size = len(timeline.catalogue)
        self._view = timeline.with_histories([history])
        outlines = model.outlines(self._view, 1, before)
        follows, welcome = model.watching.shares(timeline, self._view, 1, before, outlines)
        self._asked = np.zeros(size, dtype=np.bool_)
        known = int((history.timestamps < before).sum())
        doubt = model.uncertainty.doubt_of(known, timeline.views(before))
        self._outline = model.lift(before) if outlines is None else outlines[0] + model.lift(before)
        series = timeline.catalogue.series
        rated = np.zeros(size + 1, dtype=np.bool_)
        rated[series[self._view.histories.movie]] = True
        self._of_series = rated[series[:-1]]
        nothing = np.full((1, size), np.nan)
        self.scores: Final = Scores(
            rating=nothing.copy(),
            low=nothing.copy(),
            high=nothing.copy(),
            doubt=doubt[None, :],
            likely=next_movies(follows[:, :-1]),
            welcome=welcome[:, :-1],
        )
        if not isinstance(model.predictor, Outlining):
            self._ask(np.arange(size))

    def best(self, by: By, left_out: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
        """Return the rows of the k best movies, best first; their scores are whole.

        Args:
            by: What to rank by.
            left_out: Movies not to rank, of shape C.
            k: How many.
        """
        with self._lock:
            if by != "rating":
                chosen = rank(WORTH[by](self.scores)[0], left_out, k)
                self._ask(chosen)
                return chosen
            return self._best_by_rating(left_out, k)

    def _best_by_rating(self, left_out: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
        glance = self._outline - self.scores.doubt[0]
        most = count = max(_FIRST, _FIRST_EACH * k)
        while True:
            # Together: each time anything is asked the whole history is walked again.
            left = ~left_out & ~self._asked
            first = np.flatnonzero(left & self._of_series)
            whole = -(-(len(first) + count) // _BLOCK) * _BLOCK
            leading = rank(glance, ~left | self._of_series, whole - len(first))
            self._ask(np.concatenate([first, leading]))
            worth = WORTH["rating"](self.scores)[0]
            chosen = rank(np.where(self._asked, worth, -np.inf), left_out | ~self._asked, k)
            left = ~left_out & ~self._asked
            if len(chosen) == k and left.any():
                left &= glance + self._largest_correction(worth - glance) > worth[chosen[-1]]
            if not left.any():
                return chosen
            most *= _MORE
            count = min(most, int(left.sum()))

    def _largest_correction(self, corrections: NDArray[np.float64]) -> float:
        """Return how far above its glance a movie that is not asked about yet may be."""
        met = corrections[self._asked & ~self._of_series]
        mean = float(met.mean())
        return mean + _MARGIN * (float(met.max()) - mean)

    def _ask(self, rows: NDArray[np.intp]) -> None:
        """Work out the scores of some movies that are not worked out yet."""
        rows = np.sort(rows[~self._asked[rows]])
        if not len(rows):
            return
        whose = np.zeros(len(rows), dtype=np.int32)
        nobody = np.full(len(rows), UNKNOWN, dtype=np.int32)
        before = np.full(len(rows), self._before, dtype=np.int64)
        queries = Queries(whose, nobody, rows.astype(np.int32), before)
        answers = self._model.answer(queries, self._view)
        self.scores.rating[0, rows] = answers.rating
        self.scores.low[0, rows] = answers.low
        self.scores.high[0, rows] = answers.high
        self._asked[rows] = True
