"""What a user may watch next: a few hundred candidates, and what speaks for each.

Candidates are the movies that lead by any of a handful of counts: what is watched after or near
the user's latest movies, and what is watched or liked by everybody at present. All is as of the
moment asked about, from ratings strictly older.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features import movie_statistics as movies_at
from foreseen.candidates.ease import RECONSTRUCTED
from foreseen.features.encoder import encode
from foreseen.candidates.user_knn import NEIGHBOURS, neighbours_of
from foreseen.features.queries import Queries
from foreseen.candidates.co_watch import COMPANY, watched_with
from foreseen.features.interaction_log import Timeline
from foreseen.data.identifiers import UNKNOWN

_ENCODED: Final = (
    "movie_views",
    "movie_worth",
    "movie_idle",
    "movie_age",
    "genre_affinity",
    "genre_ratings",
    "era_affinity",
    "era_ratings",
)
CANDIDATE_FEATURES: Final = (
    *COMPANY,
    "popular_year",
    "popular_season",
    "popular_days",
    "liked_year",
    "liked_share",
    "genres_alike",
    "genres_alike_latest",
    *RECONSTRUCTED,
    *NEIGHBOURS,
    *_ENCODED,
    "series_watched",
    "series_liked",
    "foretold",
)
_WORTH: Final = CANDIDATE_FEATURES.index("movie_worth")
_FORETOLD: Final = CANDIDATE_FEATURES.index("foretold")
_EACH: Final = 150
"""Movies that each count puts forward."""
_FLOOR: Final = 1e-4
_LOW: Final = 1e-3
_TINY: Final = 1e-12
_RARITY: Final = 0.3
_LATEST: Final = 10
_LIKED_DAMPING: Final = 5.0
_SERIES_DAMPING: Final = 1.0


@dataclass(frozen=True)
class Popularity:
    """How much every movie is watched as of a moment; arrays of shape C.

    Attributes:
        views: Ratings so far.
        columns: Counts decayed by a year, by a season, by days; liked ones by a year; and the
            share of ratings that were liked; of shape C x 5.
    """

    views: NDArray[np.float64]
    columns: NDArray[np.float64]

    @classmethod
    def of(cls, log: Timeline, before: int) -> "Popularity":
        """Read the popularity of all movies of a log just before a moment."""
        states = log.movie_states(before)
        count, liked = states[:, movies_at.COUNT], states[:, movies_at.LIKED]
        share = (liked.sum() + 1) / (count.sum() + 2)
        columns = np.column_stack(
            [
                states[:, movies_at.RECENT_COUNT],
                states[:, movies_at.POPULARITY],
                states[:, movies_at.FASHION],
                states[:, movies_at.RECENT_LIKED],
                (liked + _LIKED_DAMPING * share) / (count + _LIKED_DAMPING),
            ]
        )
        return cls(count, columns)


@dataclass(frozen=True)
class Candidates:
    """What a user may watch next.

    Attributes:
        movies: Rows of the catalogue, ascending, of shape N.
        values: Of shape N x F, in the order of `CANDIDATE_FEATURES`.
        known: Number of the user's ratings known.
        company: What is watched near the history's movies or at present, of shape C: to rank
            what is no candidate.
    """

    movies: NDArray[np.intp]
    values: NDArray[np.float64]
    known: int
    company: NDArray[np.float64]

    def foretold(self, rating: NDArray[np.float64]) -> "Candidates":
        """Return them told what the user would give each, in stars beyond its worth to everybody.

        Args:
            rating: What a model makes of each as of the moment, of shape N.
        """
        values = self.values.copy()
        values[:, _FORETOLD] = rating - values[:, _WORTH]
        return replace(self, values=values)


def find_candidates(
    log: Timeline,
    view: Timeline,
    history: int,
    before: int,
    popularity: Popularity,
) -> Candidates:
    """Put forward what a history may go on with, watched movies left out, nothing foretold yet.

    Args:
        log: Whose users are the others.
        view: The timeline the history stands in; may be a view of the log.
        history: Its row there.
        before: Only ratings strictly older count.
        popularity: Of the log at that moment.
    """
    own = view.histories
    end = int(own.ends(np.array([history], np.int32), np.array([before], np.int64))[0])
    rows = slice(int(own.starts[history]), end)
    in_catalogue = own.movie[rows] >= 0
    watched, rating = own.movie[rows][in_catalogue], own.rating[rows][in_catalogue]
    company = watched_with(log, own, history, before)
    rarity = ((popularity.views + 1) ** _RARITY)[:, None]
    leaders = np.column_stack(
        [
            company[:, [COMPANY.index(name) for name in ("near_level", "follows", "near")]],
            company[:, [COMPANY.index(name) for name in ("follows", "near")]] / rarity,
            popularity.columns[:, [0, 3]],
        ]
    )
    leaders[watched] = -1
    chosen = _union(leaders)
    genres = log.catalogue.genre_weights
    counts = np.column_stack([company, popularity.columns[:, :4]])
    logs = np.log(counts[chosen] / (_largest(counts) + _TINY) + _FLOOR)
    nobody = np.full(len(chosen), UNKNOWN, dtype=np.int32)
    whose, when = np.full_like(nobody, history), np.full(len(chosen), before, dtype=np.int64)
    autoencoder = log.autoencoders.before(before)
    reconstructed = (
        np.zeros((len(log.catalogue), len(RECONSTRUCTED)))
        if autoencoder is None
        else autoencoder.reconstruct(watched, rating, len(log.catalogue))
    )
    neighbours = neighbours_of(log, watched, rating, before)
    encoded = encode(view, Queries(whose, nobody, chosen.astype(np.int32), when))
    values = np.column_stack(
        [
            logs,
            popularity.columns[chosen, 4],
            genres[chosen] @ _mean_rows(genres, watched),
            genres[chosen] @ _mean_rows(genres, watched[-_LATEST:]),
            _relative(reconstructed[:, :3], reconstructed[:, 3:], chosen),
            _relative(neighbours[:, ::2], neighbours[:, 1::2], chosen),
            *(encoded.column(name) for name in _ENCODED),
            *_of_series(log.catalogue.series, watched, rating, chosen),
            np.zeros(len(chosen)),
        ]
    )
    near = company[:, COMPANY.index("near")]
    present = popularity.columns[:, 0]
    fallback = near / max(float(near.sum()), 1e-12) + present / max(float(present.sum()), 1e-12)
    return Candidates(chosen, values.astype(np.float64), len(watched), fallback + 1e-9)


def _of_series(
    series: NDArray[np.int32],
    watched: NDArray[np.int32],
    rating: NDArray[np.float64],
    chosen: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much of its series a history holds, and how much more than its mean was liked."""
    count = np.bincount(series[watched], minlength=len(series))
    surplus = rating - rating.mean() if len(rating) else rating
    liked = np.bincount(series[watched], surplus, minlength=len(series))
    own = series[chosen]
    return np.log1p(count[own]), liked[own] / (count[own] + _SERIES_DAMPING)


def _union(leaders: NDArray[np.float64]) -> NDArray[np.intp]:
    chosen = np.zeros(len(leaders), dtype=np.bool_)
    for values in leaders.T:
        # Most movies of a large catalogue do not count at all: only the others are sorted.
        rows = np.flatnonzero(values > 0)
        if len(rows) > _EACH:
            rows = rows[np.argpartition(values[rows], len(rows) - _EACH)[-_EACH:]]
        chosen[rows] = True
    return np.flatnonzero(chosen)


def _relative(
    counts: NDArray[np.float64], liked: NDArray[np.float64], chosen: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return counts in logarithms, relative to the leader, and likings relative to the largest."""
    most = np.maximum(_largest(counts), 0)
    logs = np.log(np.maximum(counts[chosen], 0) / (most + _TINY) + _LOW)
    widest = np.maximum(_largest(liked), _largest(-liked))
    return np.column_stack([logs, liked[chosen] / (widest + _TINY)])


def _largest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest of each column; asked of all at once NumPy goes along the short rows."""
    return np.array([column.max() for column in values.T])


def _mean_rows(values: NDArray[np.float64], rows: NDArray[np.int32]) -> NDArray[np.float64]:
    return values[rows].sum(axis=0) / max(len(rows), 1)
