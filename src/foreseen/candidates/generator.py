"""Candidate generation: a few hundred movies a user may watch next, with features.

A movie is a candidate if it is among the leaders of a source. All that sources return is as of the
moment of the request, from ratings strictly older.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.built_in import CANDIDATE_FEATURES, MOVIE_BIAS, PREDICTED_RATING
from foreseen.candidates.popularity import Popularity
from foreseen.candidates.source import Generator, Request, SequenceScores
from foreseen.features.interaction_log import LogView

if TYPE_CHECKING:
    from foreseen.candidates.index import CandidateIndex

_MOVIE_BIAS: Final = CANDIDATE_FEATURES.index(MOVIE_BIAS)
_PREDICTED_RATING: Final = CANDIDATE_FEATURES.index(PREDICTED_RATING)
LEADERS: Final = 150
"""Candidates from each column of leaders."""


@dataclass(frozen=True)
class Candidates:
    """The candidates of one user as of a moment.

    Attributes:
        movies: Rows of the catalogue, ascending, of shape N.
        values: Of shape N x F, in the order of `CANDIDATE_FEATURES` and of the features of other
            packages' sources.
        known: Number of the user's ratings before the moment.
        fallback: Weights of all movies, of shape C, that rank those that are no candidates.
    """

    movies: NDArray[np.intp]
    values: NDArray[np.float64]
    known: int
    fallback: NDArray[np.float64]

    def with_ratings(self, rating: NDArray[np.float64]) -> "Candidates":
        """Return the candidates with predicted ratings, as deviations from the item bias.

        Args:
            rating: Predicted stars as of the moment, of shape N.
        """
        values = self.values.copy()
        values[:, _PREDICTED_RATING] = rating - values[:, _MOVIE_BIAS]
        return replace(self, values=values)


def find_candidates(
    index: "CandidateIndex",
    view: LogView,
    row: int,
    before: int,
    popularity: Popularity,
    sequence: SequenceScores | None = None,
) -> Candidates:
    """Return the candidates for a history, its movies left out, without predicted ratings.

    Args:
        index: Over the log of the other users.
        view: The view of that log that holds the history.
        row: Row of the history in the view.
        before: Only ratings strictly older count.
        popularity: Of the log at that moment.
        sequence: By a sequence model; None without one.
    """
    return candidates_of_sources(index.generators, view, row, before, popularity, sequence)


def candidates_of_sources(
    generators: Sequence[Generator],
    view: LogView,
    row: int,
    before: int,
    popularity: Popularity,
    sequence: SequenceScores | None,
) -> Candidates:
    """Return the candidates by the generators of some sources; see `find_candidates`."""
    histories = view.histories
    end = int(histories.ends(np.array([row], np.int32), np.array([before], np.int64))[0])
    rows = slice(int(histories.starts[row]), end)
    in_catalogue = histories.movie[rows] >= 0
    watched, rating = histories.movie[rows][in_catalogue], histories.rating[rows][in_catalogue]
    request = Request(view, row, before, watched, rating, popularity, sequence)
    proposals = [propose(request) for propose in generators]
    leaders = np.column_stack([proposal.leaders for proposal in proposals])
    leaders[watched] = -1
    movies = _union_of_leaders(leaders)
    values = np.column_stack([proposal.features(movies) for proposal in proposals])
    rest = [proposal.rest for proposal in proposals if proposal.rest is not None][-1]
    return Candidates(movies, values.astype(np.float64), len(watched), rest + 1e-9)


def _union_of_leaders(leaders: NDArray[np.float64]) -> NDArray[np.intp]:
    chosen = np.zeros(len(leaders), dtype=np.bool_)
    for values in leaders.T:
        # Most movies of a large catalogue have a count of zero: only the others are sorted.
        rows = np.flatnonzero(values > 0)
        if len(rows) > LEADERS:
            rows = rows[np.argpartition(values[rows], len(rows) - LEADERS)[-LEADERS:]]
        chosen[rows] = True
    return np.flatnonzero(chosen)
