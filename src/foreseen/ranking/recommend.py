"""From scores to rankings: what was watched is left out, the rest is ranked, ties are stable."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.errors import InputError
from foreseen.features.queries import History
from foreseen.features.interaction_log import Timeline
from foreseen.files import write_whole
from foreseen.models.base import Model, Scores
from foreseen.progress import progress_bar
from foreseen.data.schema import GENRES, HIGH, LOW, MOVIE, PREDICTION, RATING, TITLE, USER, YEAR
from foreseen.ranking.explain import Influence, explain, influences

By = Literal["rating", "likely", "blend"]

_CELLS: Final = 1 << 18
_OFFERED: Final = 100
"""Movies that a diverse ranking chooses among."""
_TOLD: Final = 3
_FELT: Final = 0.02
"""Stars by which a rating must have raised a prediction to be told as its reason."""


@dataclass(frozen=True)
class Recommendation:
    """One movie of a ranking; `moved_by` holds the ratings that moved it most."""

    movie: int
    title: str
    year: int | None
    genres: tuple[str, ...]
    prediction: float
    low: float
    high: float
    likely: float
    why: str
    moved_by: tuple[Influence, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the recommendation as the command line prints it."""
        return {
            MOVIE: self.movie,
            TITLE: self.title,
            YEAR: self.year,
            GENRES: list(self.genres),
            PREDICTION: round(self.prediction, 4),
            LOW: round(self.low, 4),
            HIGH: round(self.high, 4),
            "likely": round(self.likely, 6),
            "why": self.why,
            "movedBy": [
                {MOVIE: own.movie, RATING: own.rating, "effect": round(own.effect, 4)}
                for own in self.moved_by
            ],
        }


@dataclass(frozen=True)
class Ranking:
    """One user's recommendations, best first; `known` says whether any rating of theirs is."""

    user: int
    known: bool
    recommendations: tuple[Recommendation, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the ranking as the command line prints it."""
        recommendations = [entry.as_json() for entry in self.recommendations]
        return {USER: self.user, "known": self.known, "recommendations": recommendations}


def worth_by_rating(scores: Scores) -> NDArray[np.float64]:
    """Rank by predicted stars less the doubt that more ratings would take away.

    A lower confidence bound: of two movies with the same prediction the better known leads, and
    two ratings of 5.0 do not put a movie above one that hundreds have loved.
    """
    return scores.rating - scores.doubt


def worth_by_likely(scores: Scores) -> NDArray[np.float64]:
    """Rank by the probability to be watched next."""
    return scores.likely


def worth_by_blend(scores: Scores) -> NDArray[np.float64]:
    """Rank by the share in what the user is to watch and like."""
    return scores.welcome


WORTH: Final[Mapping[By, Callable[[Scores], NDArray[np.float64]]]] = {
    "rating": worth_by_rating,
    "likely": worth_by_likely,
    "blend": worth_by_blend,
}


def rank(worth: NDArray[np.float64], watched: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
    """Return the places of one user's k best unwatched movies, best first.

    Args:
        worth: Of shape C; of equal ones the earlier in the catalogue leads.
        watched: What to leave out, of shape C. If fewer than k are left, fewer are returned.
        k: How many.
    """
    left = np.flatnonzero(~watched)
    if k < len(left):
        # Sort only what may be among the best: everything at least as good as the k-th.
        least = np.partition(worth[left], len(left) - k)[len(left) - k]
        left = left[worth[left] >= least]
    return left[np.argsort(-worth[left], kind="stable")][:k]


def recommend(
    model: Model,
    users: Sequence[int],
    k: int = 10,
    by: By = "rating",
    at: int | None = None,
    diversity: float = 0.0,
) -> list[Ranking]:
    """Rank the unwatched movies of users, known to the model or not.

    Args:
        model: A fitted model.
        users: Ids as in the source.
        k: How many movies; more than there are gives all there are.
        by: What to rank by.
        at: The second to answer as of; None for all that is known.
        diversity: From 0 to 1, how much a movie loses by being like one ranked above it; see
            `diversify`.

    Raises:
        InputError: If k is not positive.
    """
    if k < 1:
        raise InputError(f"k should be 1 or more. Received: {k}")
    rankings: list[Ranking] = []
    for part in _batches(users, len(model.timeline.catalogue)):
        ranked = _rank_users(model, part, k, by, at, diversity)
        for user, (history, chosen, scores) in zip(part, ranked, strict=True):
            before = model.timeline.end if at is None else at + 1
            entries = describe(model, history, chosen, scores, before)
            rankings.append(Ranking(user, len(history.movies) > 0, entries))
    return rankings


def recommend_all(
    model: Model,
    out: Path,
    k: int = 10,
    by: By = "rating",
    at: int | None = None,
    diversity: float = 0.0,
) -> int:
    """Write every known user's ranking to a Parquet file, in batches; return how many users.

    Columns: userId, rank (from 1), movieId, prediction, low, high, likely.

    Raises:
        InputError: If k is not positive.
    """
    if k < 1:
        raise InputError(f"k should be 1 or more. Received: {k}")
    users = sorted(map(int, model.timeline.users.ids))
    ids = model.timeline.catalogue.movies.ids
    frames: list[pl.DataFrame] = []
    with progress_bar("ranking", len(users)) as advance:
        for part in _batches(users, len(ids)):
            ranked = _rank_users(model, part, k, by, at, diversity)
            for user, (_, chosen, scores) in zip(part, ranked, strict=True):
                frames.append(
                    pl.DataFrame(
                        {
                            USER: np.full(len(chosen), user, dtype=np.int64),
                            "rank": np.arange(1, len(chosen) + 1),
                            MOVIE: ids[chosen],
                            PREDICTION: scores.rating[0, chosen],
                            LOW: scores.low[0, chosen],
                            HIGH: scores.high[0, chosen],
                            "likely": scores.likely[0, chosen],
                        }
                    )
                )
            advance(len(part))
    write_whole(out, pl.concat(frames).write_parquet)
    return len(users)


def _batches(users: Sequence[int], movies: int) -> Iterator[Sequence[int]]:
    size = max(1, _CELLS // max(movies, 1))
    for start in range(0, len(users), size):
        yield users[start : start + size]


def _rank_users(
    model: Model, users: Sequence[int], k: int, by: By, at: int | None, diversity: float
) -> Iterator[tuple[History, NDArray[np.intp], Scores]]:
    """Yield each user's history with the places of the chosen movies and scores of shape 1 x C."""
    movies = model.timeline.catalogue.movies
    before = None if at is None else at + 1
    histories = [model.history(user, before) for user in users]
    scores = model.score(histories, movies.ids, model.timeline.end - 1 if at is None else at)
    worth = WORTH[by](scores)
    offered = k if diversity == 0 else max(_OFFERED, k)
    for row, history in enumerate(histories):
        watched = np.zeros(len(movies), dtype=np.bool_)
        watched[movies.rows(history.movies)] = True
        own = Scores(*(values[row : row + 1] for values in vars(scores).values()))
        places = rank(worth[row], watched, offered)
        alike = model.timeline.catalogue.genre_weights
        yield history, diversify(worth[row], places, alike, k, diversity), own


def describe(
    model: Model,
    history: History,
    chosen: NDArray[np.intp],
    scores: Scores,
    before: int,
    tried: int = 40,
) -> tuple[Recommendation, ...]:
    """Say of chosen movies what there is to say to the user of a history.

    Args:
        model: That scored them.
        history: The user's.
        chosen: Rows of the catalogue, of shape K, in rank order.
        scores: Of shape 1 x C, over the whole catalogue.
        before: Only ratings strictly older count.
        tried: How many of the latest ratings are left out, one by one, to see what moved each.
    """
    timeline = model.timeline
    catalogue = timeline.catalogue
    view = timeline.with_histories([history])
    sentences = explain(view, 0, chosen.astype(np.int32), before)
    moved = influences(model, history, catalogue.movies.ids[chosen], before, tried)
    return tuple(
        Recommendation(
            movie=int(catalogue.movies.ids[movie]),
            title=catalogue.titles[movie],
            year=None if np.isnan(catalogue.years[movie]) else int(catalogue.years[movie]),
            genres=catalogue.genre_lists[movie],
            prediction=float(scores.rating[0, movie]),
            low=float(scores.low[0, movie]),
            high=float(scores.high[0, movie]),
            likely=float(scores.likely[0, movie]),
            why=", ".join([sentence, *_because(timeline, own)]),
            moved_by=tuple(own[:_TOLD]),
        )
        for movie, sentence, own in zip(map(int, chosen), sentences, moved, strict=True)
    )


def _because(timeline: Timeline, moved: Sequence[Influence]) -> list[str]:
    raised = [own for own in moved if own.effect >= _FELT]
    if not raised:
        return []
    title = timeline.catalogue.titles[int(timeline.catalogue.movies.rows([raised[0].movie])[0])]
    return [f"your {raised[0].rating:g} for {title} adds {raised[0].effect:.2f}"]


def diversify(
    worth: NDArray[np.float64],
    places: NDArray[np.intp],
    alike: NDArray[np.float64],
    k: int,
    weight: float,
) -> NDArray[np.intp]:
    """Choose k of ranked movies one by one, each less welcome the more like one chosen before.

    Maximal marginal relevance (Carbonell and Goldstein, 1998): worth, by rank among those offered,
    against the greatest likeness to what is chosen.

    Args:
        worth: Of shape C.
        places: What is offered, best first, of shape N.
        alike: A vector of length one, or of zeros, for each movie, of shape C x G.
        k: How many.
        weight: 0 leaves the ranking as it is; 1 looks at likeness alone.
    """
    if weight == 0 or not len(places):
        return places[:k]
    own = worth[places]
    spread = float(own.max() - own.min())
    level = (own - own.min()) / spread if spread > 0 else np.zeros(len(own))
    vectors = alike[places]
    nearest = np.zeros(len(places))
    left = np.ones(len(places), dtype=np.bool_)
    chosen: list[int] = []
    for _ in range(min(k, len(places))):
        marginal = np.where(left, (1 - weight) * level - weight * nearest, -np.inf)
        best = int(np.argmax(marginal))
        chosen.append(best)
        left[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return places[chosen]
